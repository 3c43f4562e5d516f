/* profile_generate(): what goes into a profile, what stays out, and what is said about it. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>

#include "base.h"
#include "generate_trial.h"
#include "scope.h"

/* "x86_64 i386" */
static const char *abis(const struct trial *t, char *buf, size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < t->profile.n_abis; i++) {
		size_t used = strlen(buf);

		snprintf(buf + used, size - used, "%s%s", i ? " " : "", t->profile.abis[i]->name);
	}
	return buf;
}

static bool in_base(const char *runtime, const char *nnp, const char *name)
{
	size_t len;
	const struct base_call *table = base_table(&len);

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(table[i].runtime, runtime) && !strcmp(table[i].nnp, nnp) &&
			!strcmp(table[i].name, name))
			return true;
	}
	return false;
}

/* Every row of the base table is in the profile exactly when it should be. */
static void check_base(enum base_runtime runtime, bool nnp, const char *label)
{
	size_t len, wrong = 0;
	const struct base_call *table = base_table(&len);
	const char *key = nnp ? "yes" : "no";
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	t.options.exact = true;
	t.options.runtime = runtime;
	t.options.nnp = nnp;
	generate(&t);
	for (size_t i = 0; i < len; i++) {
		const char *name = table[i].name;
		bool want = !strcmp(name, "execve");

		want |= (runtime == BASE_RUNC || runtime == BASE_ANY) && in_base("runc", key, name);
		want |= (runtime == BASE_CRUN || runtime == BASE_ANY) && in_base("crun", key, name);
		wrong += want != allows(&t, name);
	}
	ok(len > 0 && !t.code && wrong == 0,
		"base set %s, nnp %s: just the rows that apply (%zu wrong)", label, key, wrong);
}

static void test_base(void)
{
	static const char *const names[] = {"none", "runc", "crun", "any"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		check_base((enum base_runtime)i, true, names[i]);
		check_base((enum base_runtime)i, false, names[i]);
	}
}

static void test_base_elsewhere(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "armv7l");
	add_named(&t, "arm", "execve");
	t.options.runtime = BASE_RUNC;
	t.options.nnp = false;
	ok(!generate(&t) && allows(&t, "openat") && !allows(&t, "newfstatat"),
		"of the base set only what the architectures have: no newfstatat under arm");
}

static void test_shape(void)
{
	scoped(trial_done) struct trial t;
	const struct rule *rule;
	size_t unsorted = 0;

	trial_init(&t, "x86_64");
	t.options = generate_defaults();
	add_named(&t, "x86_64", "write");
	add_named(&t, "i386", "write");
	add_named(&t, "x86_64", "execve");
	ok(!generate(&t), "a profile is cut");
	ok(t.profile.default_action == (SECCOMP_RET_ERRNO | ENOSYS),
		"by default the rest is ENOSYS");
	ok(t.profile.n_rules == 1 && t.profile.rules[0].action == SECCOMP_RET_ALLOW &&
			t.profile.rules[0].n_conds == 0,
		"one rule, which allows, without conditions");
	ok(!t.profile.flags && !t.profile.listener_path, "no flags, no listener");
	rule = &t.profile.rules[0];
	for (size_t i = 1; i < rule->n_names; i++)
		unsorted += strcmp(rule->names[i - 1], rule->names[i]) >= 0;
	ok(rule->n_names > 5 && unsorted == 0, "names are sorted and occur once");
}

static void test_abis(void)
{
	static const struct {
		const char *machine, *recorded[3], *want;
		bool log;
	} rows[] = {
		{"x86_64", {"x86_64"}, "x86_64", false},
		{"x86_64", {"i386"}, "x86_64 i386", false},
		{"x86_64", {"x32", "i386"}, "x86_64 i386 x32", false},
		{"x86_64", {"x86_64"}, "x86_64 i386 x32", true},
		{"i686", {"i386"}, "i386", false},
		{"i686", {"x86_64"}, "x86_64 i386", false},
		{"aarch64", {"aarch64"}, "aarch64", false},
		{"aarch64", {"aarch64"}, "aarch64 arm", true},
		{"armv7l", {"arm"}, "arm", false},
		{"armv7l", {"aarch64"}, "aarch64 arm", false},
		{"s390x", {"s390x"}, "s390x s390", true},
		{"riscv64", {"riscv64"}, "riscv64", true},
		{"mips64", {"mipsel64"}, "mipsel64", false},
		{"mips64", {"mips64"}, "mips64", false},
		{"unheard-of", {"x86_64"}, "x86_64", false},
		{"", {"x86_64"}, "x86_64", false},
	};
	char buf[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(trial_done) struct trial t;

		trial_init(&t, rows[i].machine);
		for (size_t j = 0; rows[i].recorded[j]; j++)
			add_named(&t, rows[i].recorded[j], "execve");
		if (rows[i].log)
			t.options.default_action = SECCOMP_RET_LOG;
		generate(&t);
		is_text(abis(&t, buf, sizeof(buf)), rows[i].want,
			"recorded on \"%s\" under %s%s%s: architectures", rows[i].machine,
			rows[i].recorded[0], rows[i].recorded[1] ? " and another" : "",
			rows[i].log ? ", default log" : "");
	}
}

static void test_byte_orders(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "s390x", "execve");
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "x86_64 and s390x"),
		"both byte orders in one recording are refused by name");
	ok(t.profile.n_rules == 0 && t.profile.n_abis == 0, "and the output is untouched");
}

static void test_denied(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "x86_64", "ptrace")->denied = 1;
	add_named(&t, "x86_64", "mount")->count = 3;
	add_named(&t, "x86_64", "close");
	recording_call(&t.rec, abi_by_name("x86_64"), 165)->count = 3;
	recording_call(&t.rec, abi_by_name("x86_64"), 165)->denied = 2;
	ok(!generate(&t), "a recording with denied calls is taken");
	ok(!allows(&t, "ptrace") && says(&t, "ptrace"), "always denied: left out, and said");
	ok(allows(&t, "mount") && !says(&t, "mount"), "denied in part: allowed, without a word");
	t.options.runtime = BASE_ANY;
	recording_call(&t.rec, abi_by_name("x86_64"), 3)->denied = 1;
	generate(&t);
	ok(allows(&t, "close") && !says(&t, "ptrace, close") && !says(&t, "close, ptrace"),
		"denied but in the base set: allowed, and not called left out");
}

static void test_all_denied(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve")->denied = 1;
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "web.rec.json: every call"),
		"nothing but denied calls: an error");
}

static void test_unnamed(void)
{
	static const uint32_t numbers[] = {1000, UINT32_MAX, 0x80000000u};
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		add(&t, "x86_64", numbers[i], 7)->enosys = 7;
	ok(!generate(&t), "numbers that the kernel lacks are no obstacle");
	ok(says(&t, "x86_64 1000, x86_64 -2147483648, x86_64 -1"), "and are named");
	recording_call(&t.rec, abi_by_name("x86_64"), 1000)->enosys = 6;
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "web.rec.json: x86_64 number 1000 was") &&
			strstr(t.e.text, "7 times"),
		"a number without a name that did something is refused, with ABI, number, count");
	recording_call(&t.rec, abi_by_name("x86_64"), 1000)->denied = 7;
	ok(!generate(&t), "unless it was always denied");
}

static void test_many_unnamed(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	for (uint32_t nr = 2000; nr < 3000; nr++)
		add(&t, "x86_64", nr, 1)->enosys = 1;
	ok(!generate(&t) && says(&t, "x86_64 2000, ") && says(&t, " more\n"),
		"a long row of numbers is cut and says how many are missing");
}

static void test_incomplete(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	t.rec.complete = false;
	t.rec.loss[LOSS_UNREADABLE] = 3;
	t.rec.loss[LOSS_RING_FULL] = 1;
	ok(generate(&t) == -EPERM && strstr(t.e.text, "unreadable 3, ring_full 1"),
		"lost calls: refused, with every counter");
	ok(strstr(t.e.text, "--allow-incomplete"), "and with the way to have it all the same");
	t.options.allow_incomplete = true;
	ok(!generate(&t) && allows(&t, "execve"), "taken with allow_incomplete");

	t.options.allow_incomplete = false;
	memset(t.rec.loss, 0, sizeof(t.rec.loss));
	ok(generate(&t) == -EPERM && strstr(t.e.text, "joined in it never ended"),
		"ended, nothing lost, incomplete: a part of a join");
	t.rec.workload.ended_ns = 0;
	ok(generate(&t) == -EPERM && strstr(t.e.text, "it never ended: its recorder was killed"),
		"never ended: refused with that reason");
}

static void test_accept(void)
{
	scoped(trial_done) struct trial t;
	struct notice to = notice_to(&t.heard);

	trial_init(&t, "x86_64");
	ok(!generate_accept("a", &t.rec, &t.options, &to, &t.e) && !*t.heard.text,
		"a complete recording is accepted without a word");
	t.rec.complete = false;
	t.rec.loss[LOSS_UNTRACED] = 1;
	t.options.allow_incomplete = true;
	ok(!generate_accept("a", &t.rec, &t.options, &to, &t.e) &&
			says(&t, "a: incomplete: calls were lost: untraced 1"),
		"an incomplete one, if allowed, with what it lacks");
}

static void test_empty(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "web.rec.json: holds no calls"),
		"a recording without calls is refused");
}

static void test_implied(void)
{
	static const struct {
		const char *machine, *recorded, *want;
	} rows[] = {
		{"x86_64", "x86_64", " clock: clock_gettime getcpu gettimeofday time, exit: "},
		{"x86_64", "i386",
			" clock: clock_gettime clock_gettime64 getcpu gettimeofday time, exit: "},
		{"x86_64", "i386",
			" signal: restart_syscall rt_sigreturn sigreturn, thread: futex "
			"futex_time64\n"},
		{"aarch64", "aarch64", " clock: clock_gettime getcpu gettimeofday, exit: "},
		{"x86_64", "x86_64", " abort: getpid gettid tgkill tkill, "},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(trial_done) struct trial t;

		trial_init(&t, rows[i].machine);
		add_named(&t, rows[i].recorded, "execve");
		ok(!generate(&t) && says(&t, rows[i].want) && allows(&t, "clock_gettime"),
			"implied under %s, of those that exist: %s", rows[i].recorded,
			rows[i].want);
	}
}

static void test_implied_by(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	generate(&t);
	ok(!allows(&t, "exit") && !allows(&t, "faccessat") && !says(&t, "fallback"),
		"without threads nothing is added for them, nor a fallback of what was not called");
	add_named(&t, "x86_64", "clone3");
	add_named(&t, "x86_64", "faccessat2");
	generate(&t);
	ok(allows(&t, "exit") && allows(&t, "futex") && allows(&t, "clone"),
		"with a thread: what ends it, what locks, and what starts it elsewhere");
	ok(says(&t, "fallback: clone faccessat, "), "fallbacks are named");
	add_named(&t, "x86_64", "faccessat");
	generate(&t);
	ok(says(&t, "fallback: clone, "), "but for those that were recorded");
	t.options.runtime = BASE_RUNC;
	generate(&t);
	ok(allows(&t, "statx") && !allows(&t, "newfstatat"),
		"what the runtime alone calls implies nothing");
	t.options.exact = true;
	generate(&t);
	ok(!allows(&t, "exit_group") && !allows(&t, "clone") && allows(&t, "clone3") &&
			!says(&t, "few runs show") && !says(&t, "implied"),
		"exact: nothing of it");
}

static void test_portable(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	t.options.exact = true;
	add_named(&t, "x86_64", "openat");
	add_named(&t, "x86_64", "newfstatat");
	ok(!generate(&t) && !allows(&t, "open") && !says(&t, "for the same"),
		"what other C libraries call is added only if asked for");
	t.options.portable = 1u << LIBC_MUSL;
	ok(!generate(&t) && allows(&t, "open") && allows(&t, "lstat") && !allows(&t, "select"),
		"musl: what it calls for what was recorded, and nothing for what was not");
	ok(says(&t, "added what musl may call for the same: ") && says(&t, " 2 recorded, ") &&
			says(&t, " for musl\n"),
		"which is said, and counted");
	t.options.portable |= 1u << LIBC_GLIBC;
	ok(!generate(&t) && allows(&t, "creat") && says(&t, "what glibc and musl may call"),
		"both: what either calls");
	t.options.runtime = BASE_RUNC;
	generate(&t);
	ok(!allows(&t, "set_robust_list"), "what the runtime calls is no start of a program");
	t.options.runtime = BASE_NONE;
	add_named(&t, "x86_64", "execve");
	generate(&t);
	ok(allows(&t, "set_robust_list"), "an execve that was recorded is");
}

static void test_portable_elsewhere(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "aarch64");
	add_named(&t, "aarch64", "openat");
	t.options.portable = 1u << LIBC_MUSL;
	ok(!generate(&t) && !allows(&t, "open") && allows(&t, "ioctl"),
		"of those only what the architecture has");
}

static void test_warnings(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "read");
	generate(&t);
	ok(says(&t, "execve is not allowed"), "a profile under which nothing can start: said");
	add_named(&t, "x86_64", "execve");
	generate(&t);
	ok(!says(&t, "execve") && !says(&t, "io_uring") && !says(&t, "libseccomp"),
		"no warning without cause");
	add_named(&t, "x86_64", "io_uring_enter");
	add_named(&t, "x86_64", "cachestat");
	generate(&t);
	ok(says(&t, "io_uring_enter was called"), "io_uring: said");
	ok(says(&t, "libseccomp 2.5 or older drops these and denies them: cachestat"),
		"a name that libseccomp 2.5 lacks: said");
	ok(allows(&t, "cachestat"), "and allowed all the same");
}

static void test_fallbacks(void)
{
	static const struct {
		action_t action;
		bool warns;
	} rows[] = {
		{SECCOMP_RET_ERRNO | ENOSYS, false},
		{SECCOMP_RET_ERRNO | EPERM, true},
		{SECCOMP_RET_KILL_PROCESS, true},
		{SECCOMP_RET_TRAP, true},
		{SECCOMP_RET_LOG, false},
	};
	char action[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(trial_done) struct trial t;

		trial_init(&t, "x86_64");
		add_named(&t, "x86_64", "execve");
		add_named(&t, "x86_64", "clone");
		add_named(&t, "x86_64", "newfstatat");
		add_named(&t, "x86_64", "statx");
		t.options.default_action = rows[i].action;
		generate(&t);
		ok(says(&t, "clone3 to clone") == rows[i].warns && !says(&t, "statx"),
			"default %s: clone3 is%s pointed out, statx, which is allowed, is not",
			action_print(rows[i].action, action, sizeof(action)),
			rows[i].warns ? "" : " not");
		ok(t.profile.default_action == rows[i].action, "and it is the default action");
	}
}

static void test_summary(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "i386", "execve");
	add_named(&t, "x86_64", "time");
	generate(&t);
	ok(says(&t, "16 calls allowed: 2 recorded, 14 implied\n"),
		"the summary counts each name once, for the first reason");
	add_named(&t, "x86_64", "getpid");
	add_named(&t, "i386", "clock_gettime64");
	generate(&t);
	ok(says(&t, "16 calls allowed: 4 recorded, 12 implied\n"), "whatever else put it in");
	t.options.exact = true;
	generate(&t);
	ok(says(&t, "4 calls allowed: 4 recorded\n"), "and says nothing of what was not added");
}

static void test_order(void)
{
	scoped(trial_done) struct trial t, u;
	scoped_free char *text_t = NULL, *text_u = NULL;
	size_t size;

	trial_init(&t, "x86_64");
	trial_init(&u, "x86_64");
	t.options = u.options = generate_defaults();
	add_named(&t, "x86_64", "execve");
	add_named(&t, "x86_64", "brk");
	add_named(&t, "i386", "socketcall");
	add_named(&u, "i386", "socketcall");
	add_named(&u, "x86_64", "brk");
	add_named(&u, "x86_64", "execve");
	generate(&t);
	generate(&u);
	profile_emit(&t.profile, &text_t, &size, &t.e);
	profile_emit(&u.profile, &text_u, &size, &u.e);
	is_text(text_u, text_t, "the order of recording does not show in the profile");
}

int main(void)
{
	test_base();
	test_base_elsewhere();
	test_shape();
	test_abis();
	test_byte_orders();
	test_denied();
	test_all_denied();
	test_unnamed();
	test_many_unnamed();
	test_incomplete();
	test_accept();
	test_empty();
	test_implied();
	test_implied_by();
	test_portable();
	test_portable_elsewhere();
	test_warnings();
	test_fallbacks();
	test_summary();
	test_order();
	return tap_done();
}
