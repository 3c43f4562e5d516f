/* Pins, case by case: what of the arguments that were seen goes into conditions, and what not. */
#include "pin.h"

#include <inttypes.h>

#include "tap.h"
#include "world.h"

/* Pins as text: "0&f=1 1&ffffffff=2 | 0&f=2", in hex; what is open: " open 2:0". */
static const char *pins_text(const struct pins *pins, char *buf, size_t size)
{
	scoped_file FILE *to = random_alloc(fmemopen(buf, size, "w"));

	for (size_t i = 0; i < pins->n_pins; i++) {
		const struct pin *pin = &pins->pins[i];

		fprintf(to, "%s", i ? " |" : "");
		for (size_t j = 0; j < pin->n_conds; j++)
			fprintf(to, " %d&%" PRIx64 "=%" PRIx64, pin->conds[j].index,
				pin->conds[j].value, pin->conds[j].value_two);
	}
	for (size_t i = 0; i < pins->gaps.n_open; i++)
		fprintf(to, " open %d:%d", pins->gaps.open[i].index, pins->gaps.open[i].why);
	if (pins->gaps.denied_in_part)
		fprintf(to, " denied");
	return buf;
}

static void make_pins(const struct world *w, const char *name, enum pin_mode mode, struct pins *out)
{
	struct pin_call call = {&w->rec, w->abis, w->n_abis, name, mode};
	struct err e;

	if (pins_make(&call, out, &e))
		abort();
}

static void pins_are(const struct world *w, const char *name, enum pin_mode mode, const char *want,
	const char *claim)
{
	scoped(pins_done) struct pins pins = {0};
	char buf[4096] = "";

	make_pins(w, name, mode, &pins);
	is_text(pins_text(&pins, buf, sizeof(buf)), want, "%s: %s", name, claim);
}

static void pins_count(const struct world *w, const char *name, size_t want, const char *claim)
{
	scoped(pins_done) struct pins pins = {0};

	make_pins(w, name, PIN_FULL, &pins);
	ok(pins.n_pins == want && pins.gaps.n_open == 0, "%s: %s (%zu)", name, claim, pins.n_pins);
}

static void test_shapes(void)
{
	scoped(world_done) struct world w;

	world_init(&w);
	list_abi(&w, "x86_64");
	see(&w, "x86_64", "socket", 2, 1 | 02000000, 6);
	see(&w, "x86_64", "socket", 1, 2 | 04000, 0);
	see(&w, "x86_64", "socket", 1, 2, 0);
	pins_are(&w, "socket", PIN_NONE, "", "without a mode nothing is pinned");
	pins_are(&w, "socket", PIN_SAFE, " 0&ffffffff=1 1&f=2 | 0&ffffffff=2 1&f=1",
		"family and kind as they stood together, without the protocol");
	pins_are(&w, "socket", PIN_FULL,
		" 0&ffffffff=1 1&f=2 2&ffffffff=0 | 0&ffffffff=2 1&f=1 2&ffffffff=6",
		"full: with the protocol");
	see(&w, "x86_64", "ioctl", 0xffffffff80045430, 0, 0);
	pins_are(&w, "ioctl", PIN_SAFE, " 1&ffffffff=80045430", "the lower half of a request");
	see(&w, "x86_64", "clone", 0x3d0f00, 0, 0);
	pins_are(&w, "clone", PIN_SAFE, " 0&7e020000=0", "no namespaces, any other flags");
	see(&w, "x86_64", "clone", 0x20000011, 0, 0);
	pins_are(&w, "clone", PIN_SAFE, " 0&5e020000=0", "and one of them once it was seen");
	see(&w, "x86_64", "unshare", 0x7e020080, 0, 0);
	pins_are(&w, "unshare", PIN_SAFE, "", "all bits seen: no condition");
	see(&w, "x86_64", "setns", 0, 0, 0);
	pins_are(&w, "setns", PIN_SAFE, " 1&ffffffff=0", "an exact set of flags");
	pins_are(&w, "bpf", PIN_SAFE, " open 0:4", "not recorded");
}

static void test_full(void)
{
	scoped(world_done) struct world w;

	world_init(&w);
	list_abi(&w, "x86_64");
	see(&w, "x86_64", "waitid", 1, 4, 0);
	see(&w, "x86_64", "waitid", 1, 2, 0);
	see(&w, "x86_64", "waitid", 3, 8, 0);
	pins_are(&w, "waitid", PIN_SAFE, "", "not among the safe ones");
	pins_are(&w, "waitid", PIN_FULL, " 0&ffffffff=1 3&fffffff9=0 | 0&ffffffff=3 3&fffffff7=0",
		"flags are joined for each value that stood beside them");
	see(&w, "x86_64", "seccomp", 1, UINT32_MAX, 0);
	see(&w, "x86_64", "seccomp", 2, 1, 0);
	pins_are(&w, "seccomp", PIN_FULL, " 0&ffffffff=1 | 0&ffffffff=2",
		"all rules look at the same arguments");
	see(&w, "x86_64", "openat", 0x8000, 0, 0);
	pins_are(&w, "openat", PIN_FULL, " 2&400000=0", "only the bits that are safe to pin");
	see(&w, "x86_64", "iopl", 0, 0, 0);
	pins_are(&w, "iopl", PIN_FULL, " 0&ffffffff=0", "at most 0");
	see(&w, "x86_64", "iopl", 2, 0, 0);
	pins_are(&w, "iopl", PIN_FULL, " 0&fffffffc=0", "at most 2 is at most 3");
	see(&w, "x86_64", "ptrace", 0x100000010, 0, 0);
	pins_are(&w, "ptrace", PIN_FULL, " 0&ffffffffffffffff=100000010", "all of a long");
	see(&w, "x86_64", "mmap", 1, 2, 0);
	see(&w, "x86_64", "futex", 0, 0, 0);
	pins_are(&w, "mmap", PIN_FULL, "", "never, it is hot");
	pins_are(&w, "futex", PIN_FULL, "", "never, it is hot");
	pins_are(&w, "read", PIN_FULL, "", "no argument of it is recorded");
}

static void see_many(struct world *w, const char *name, uint64_t firsts, uint64_t seconds)
{
	for (uint64_t i = 0; i < firsts * seconds; i++)
		see(w, "x86_64", name, 1 + i / seconds, 1 + i % seconds, 0);
}

static void test_widening(void)
{
	static const struct arg_row bpf_row = {.index = 0, .bits = 32};
	scoped(world_done) struct world w;

	world_init(&w);
	list_abi(&w, "x86_64");
	see_many(&w, "shutdown", 16, 1);
	pins_count(&w, "shutdown", 16, "16 values are written down");
	see_many(&w, "ioctl", 17, 1);
	pins_are(&w, "ioctl", PIN_SAFE, " open 1:0", "17 requests: the name alone");
	see_many(&w, "getsockopt", 2, 9);
	pins_are(&w, "getsockopt", PIN_FULL, " 1&ffffffff=1 | 1&ffffffff=2 open 2:0",
		"18 combinations: the last one is left open");
	see_many(&w, "socketpair", 17, 1);
	pins_are(&w, "socketpair", PIN_FULL, " 1&f=1 2&ffffffff=0 open 0:0",
		"17 families: kind and protocol are pinned");
	see_many(&w, "waitid", 2, 20);
	pins_are(&w, "waitid", PIN_FULL, " 0&ffffffff=1 3&ffffffe0=0 | 0&ffffffff=2 3&ffffffe0=0",
		"40 combinations were not recorded: each value with each");
	see_many(&w, "prctl", 33, 1);
	pins_are(&w, "prctl", PIN_SAFE, " open 0:1", "33 options: not recorded either");
	see_many(&w, "socket", 33, 1);
	pins_are(&w, "socket", PIN_FULL, " 1&f=1 2&ffffffff=0 open 0:1",
		"33 families: the others' values are known");
	if (rec_args_many(rec_call_own_args(see(&w, "x86_64", "bpf", 1, 0, 0)), &bpf_row, 1))
		abort();
	pins_are(&w, "bpf", PIN_SAFE, " open 0:1", "a call whose arguments are not known");
	entry(&w, abi_by_name("x86_64"), "keyctl")->count = 1;
	pins_are(&w, "keyctl", PIN_SAFE, " open 0:2", "a recorder that did not look");
}

static void test_abis(void)
{
	scoped(world_done) struct world w;

	world_init(&w);
	list_abi(&w, "x86_64");
	list_abi(&w, "i386");
	see(&w, "x86_64", "socket", 1, 1, 0);
	pins_are(&w, "socket", PIN_SAFE, " 0&ffffffff=1 open 1:5",
		"beside socketcall only the first argument");
	see(&w, "x86_64", "timerfd_create", 1, 2, 0);
	pins_are(&w, "timerfd_create", PIN_FULL, " 0&ffffffff=1 1&fff7f77d=0",
		"an ABI that it was not recorded under has no say");
	see(&w, "i386", "timerfd_create", 7, 1, 0);
	pins_are(&w, "timerfd_create", PIN_FULL,
		" 0&ffffffff=1 1&fff7f77d=0 | 0&ffffffff=7 1&fff7f77e=0",
		"what was recorded under one passes under all");
	see(&w, "x86_64", "ptrace", 0x100000010, 0, 0);
	pins_are(&w, "ptrace", PIN_FULL, " 0&ffffffff=10",
		"beside an ABI of 32 bits the lower half of a long");
	see(&w, "x86_64", "fadvise64", 4, 0, 0);
	pins_are(&w, "fadvise64", PIN_FULL, " 3&ffffffff=4", "as x86_64 has it");
	see(&w, "i386", "fadvise64", 0, 0, 0);
	pins_are(&w, "fadvise64", PIN_FULL, " open 3:3", "it is elsewhere under the other");
	see(&w, "aarch64", "bpf", 0, 0, 0);
	pins_are(&w, "bpf", PIN_SAFE, " open 0:4", "recorded under no ABI of the profile");
	see(&w, "x86_64", "bpf", 1, 0, 0);
	pins_are(&w, "bpf", PIN_SAFE, " open 0:4", "nor under all of those that need it");
	see(&w, "i386", "socketcall", 1, 0, 0);
	pins_are(&w, "socketcall", PIN_FULL, "", "never, for libseccomp has rules of its own");
	w.abis[1] = abi_by_name("x32");
	pins_are(&w, "ptrace", PIN_FULL, " 0&ffffffff=10", "beside x32 as well");
}

static void test_denied(void)
{
	scoped(world_done) struct world w;

	world_init(&w);
	list_abi(&w, "x86_64");
	list_abi(&w, "i386");
	see(&w, "x86_64", "prctl", 1, 0, 0);
	see(&w, "x86_64", "prctl", 2, 0, 0)->denied = 1;
	pins_are(&w, "prctl", PIN_SAFE, " 0&ffffffff=1 | 0&ffffffff=2 denied",
		"denied in part: all that was seen passes, and that is said");
	see(&w, "i386", "prctl", 3, 0, 0)->denied = 1;
	pins_are(&w, "prctl", PIN_SAFE, " 0&ffffffff=1 | 0&ffffffff=2 denied",
		"always denied under an ABI: counts for nothing there");
}

/* Every row of the table, and by itself: what was seen of it passes and is said to. */
static void test_table(void)
{
	size_t len, open = 0, pinned = 0;
	const struct arg_row *rows = args_table(&len);

	for (size_t i = 0; i < len; i++) {
		scoped(world_done) struct world w;
		scoped(pins_done) struct pins pins = {0};
		const struct arg_row *first;

		world_init(&w);
		list_abi(&w, "x86_64");
		if (args_of_call(w.abis[0], rows[i].call, &first) == 0 ||
			syscall_number(w.abis[0], rows[i].call, &(uint32_t){0}))
			continue;
		see(&w, "x86_64", rows[i].call, 1, 1, 1);
		make_pins(&w, rows[i].call, PIN_FULL, &pins);
		open += pins.gaps.n_open;
		pinned += pins.n_pins;
	}
	ok(open == 0 && pinned > 100,
		"each call of the table, seen once: one pin, nothing open "
		"(%zu, %zu)",
		pinned, open);
}

int main(void)
{
	test_shapes();
	test_full();
	test_widening();
	test_abis();
	test_denied();
	test_table();
	return tap_done();
}
