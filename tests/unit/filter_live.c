/*
 * The engines' default, loaded: the kernel's answer for every number 0...1023, entered as 64-bit
 * call, as x32 call and through int 0x80, is the evaluator's.  ALLOW is rewritten to an errno that
 * nothing else gives, so no call that is probed ever runs.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "filter_test.h"

#if defined(__x86_64__)

enum {
	NUMBERS = 1024,
	MARKER = 1000, /* beyond all errnos that the kernel has */
	MAGIC = 0x5c1a, /* argument of the one exit_group that is let through */
	PREFIX = 5,
	UNKNOWN = -1,
	KILLED = -2, /* by SIGSYS */
	DIED = -3, /* in another way */
};

/* Calls that never come by the filter: uretprobe, uprobe (kernel/seccomp.c). */
static bool is_exempt(const char *way, uint32_t nr)
{
	return !strcmp(way, "syscall") && (nr == 335 || nr == 336);
}

/* Arguments of interest to the conditions of the engines' default. */
static const uint32_t ARGS[][3] = {{0, 0, 0}, {0xffffffff, 0xffffffff, 0xffffffff}, {16, 3, 9},
	{16, 3, 10}, {38, 5, 0}, {40, 1, 0}, {0x7e020000, 0, 0}, {0x10000011, 0, 0}, {8, 1, 6},
	{0x20008, 2, 17}};

static long enter_syscall(uint32_t nr, const uint32_t args[3])
{
	long result = nr;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"((uint64_t)args[0]), "S"((uint64_t)args[1]), "d"((uint64_t)args[2])
			 : "rcx", "r11", "memory");
	return result;
}

static long enter_x32(uint32_t nr, const uint32_t args[3])
{
	return enter_syscall(nr | X32_BIT, args);
}

static long enter_int80(uint32_t nr, const uint32_t args[3])
{
	int result = (int)nr;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(args[0]), "c"(args[1]), "d"(args[2])
			 : "r8", "r9", "r10", "r11", "memory");
	return result;
}

struct way {
	const char *name;
	long (*enter)(uint32_t nr, const uint32_t args[3]);
	uint32_t arch, bit;
};

static const struct way WAYS[] = {
	{"syscall", enter_syscall, AUDIT_ARCH_X86_64, 0},
	{"x32", enter_x32, AUDIT_ARCH_X86_64, X32_BIT},
	{"int 0x80", enter_int80, AUDIT_ARCH_I386, 0},
};

/* A child's job; what it finds is shared. */
struct probe {
	const struct way *way;
	struct filter filter; /* to load: with marker and exit */
	uint32_t from; /* the first number */
	uint32_t at; /* the number being entered */
	long found[NUMBERS][ARRAY_LEN(ARGS)];
};

/* What a call came to when the filter says @action, and its allow is the marker. */
static long action_outcome(uint32_t action)
{
	if (action == SECCOMP_RET_ALLOW)
		return -MARKER;
	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		return -(long)(action & SECCOMP_RET_DATA);
	return action == SECCOMP_RET_KILL_PROCESS ? KILLED : UNKNOWN;
}

static void probe_fill(struct probe *probe, const struct filter *filter, struct sock_filter *insns)
{
	const struct sock_filter prefix[PREFIX] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	memcpy(insns, prefix, sizeof(prefix));
	memcpy(insns + PREFIX, filter->insns, filter->len * sizeof(*insns));
	for (size_t i = PREFIX; i < PREFIX + filter->len; i++) {
		if (BPF_CLASS(insns[i].code) == BPF_RET && insns[i].k == SECCOMP_RET_ALLOW)
			insns[i].k = SECCOMP_RET_ERRNO | MARKER;
	}
	probe->filter = (struct filter){insns, PREFIX + filter->len};
	for (size_t i = 0; i < (size_t)NUMBERS * ARRAY_LEN(ARGS); i++)
		probe->found[i / ARRAY_LEN(ARGS)][i % ARRAY_LEN(ARGS)] = UNKNOWN;
}

static void probe_child(void *arg)
{
	static const uint32_t magic[3] = {MAGIC, 0, 0};
	struct probe *probe = arg;

	filtered_child_begin();
	if (filter_load(&probe->filter, 0))
		_exit(1);
	for (probe->at = probe->from; probe->at < NUMBERS; probe->at++) {
		for (size_t i = 0; i < ARRAY_LEN(ARGS); i++)
			probe->found[probe->at][i] = probe->way->enter(probe->at, ARGS[i]);
	}
	enter_syscall(SYS_exit_group, magic);
}

/* Probe all numbers; where a child dies, another one goes on behind.  Returns children used. */
static size_t probe_all(struct probe *probe)
{
	size_t children = 0;

	for (probe->from = 0; probe->from < NUMBERS; probe->from = probe->at + 1) {
		int status = tap_child(probe_child, probe);
		size_t i = 0;

		children++;
		if (WIFEXITED(status))
			break;
		while (i < ARRAY_LEN(ARGS) - 1 && probe->found[probe->at][i] != UNKNOWN)
			i++;
		probe->found[probe->at][i] = WTERMSIG(status) == SIGSYS ? KILLED : DIED;
	}
	return children;
}

static void compare(const struct probe *probe, const struct filter *filter, const char *claim)
{
	size_t wrong = 0, marked = 0, killed = 0;

	for (uint32_t i = 0; i < NUMBERS * ARRAY_LEN(ARGS); i++) {
		uint32_t nr = i / ARRAY_LEN(ARGS);
		const uint32_t *args = ARGS[i % ARRAY_LEN(ARGS)];
		long got = probe->found[nr][i % ARRAY_LEN(ARGS)];
		struct seccomp_data call = {.nr = (int)(nr | probe->way->bit),
			.arch = probe->way->arch,
			.args = {args[0], args[1], args[2]}};
		long want = action_outcome(filter_run(filter, &call));

		/* Behind a kill nothing more of the number is known. */
		if (is_exempt(probe->way->name, nr) || (got == UNKNOWN && i % ARRAY_LEN(ARGS)))
			continue;
		marked += got == -MARKER;
		killed += got == KILLED;
		if (got == want || wrong++)
			continue;
		printf("#   call %u (0x%x 0x%x 0x%x): %ld, not %ld\n", nr, args[0], args[1],
			args[2], got, want);
	}
	ok(wrong == 0, "%s, by %s: %zu allowed, %zu killed, as evaluated", claim, probe->way->name,
		marked, killed);
}

static void int80_child(void *arg)
{
	static const uint32_t none[3];

	(void)arg;
	_exit(enter_int80(20, none) == getpid() ? 0 : 1); /* getpid of i386 */
}

static void test_way(const struct way *way, const struct filter *filter, const char *claim)
{
	scoped_free struct sock_filter *insns = calloc(PREFIX + filter->len, sizeof(*insns));
	struct probe *probe = mmap(
		NULL, sizeof(*probe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t children;

	if (!insns || probe == MAP_FAILED)
		abort();
	probe->way = way;
	probe_fill(probe, filter, insns);
	children = probe_all(probe);
	compare(probe, filter, claim);
	printf("#   %zu children\n", children);
	munmap(probe, sizeof(*probe));
}

static void test_profile(struct profile *profile, const char *claim)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	if (!ok(!policy_resolve(claim, profile, &policy, NULL, &e) &&
			    !filter_compile(&policy, &filter, &e),
		    "%s compiles", claim)) {
		printf("#   %s\n", e.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(WAYS); i++) {
		if (WAYS[i].enter == enter_int80 && tap_child(int80_child, NULL))
			tap_skip("ia32", WAYS[i].name, "the kernel has no 32-bit calls");
		else
			test_way(&WAYS[i], &filter, claim);
	}
}

int main(void)
{
	scoped(profile_done) struct profile profile = {0};
	uint32_t action = SECCOMP_RET_ERRNO;
	struct err e = {0};

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)) {
		tap_skip("seccomp", "the kernel as judge", "this kernel has no seccomp filters");
		return tap_done();
	}
	if (!ok(!profile_read("profiles/runtime-default.json", &profile, NULL, &e), "it is read")) {
		printf("#   %s\n", e.text);
		return tap_done();
	}
	test_profile(&profile, "runtime-default.json");
	profile.n_abis = 1;
	test_profile(&profile, "runtime-default.json, x86_64 alone");
	return tap_done();
}

#else

int main(void)
{
	tap_skip("x86_64", "the kernel as judge", "the probe enters calls as x86-64 does");
	return tap_done();
}

#endif
