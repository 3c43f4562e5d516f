/*
 * The kernel of this machine has the last word: which programs it accepts, and what they answer.
 * Filters are loaded in children, with no_new_privs, so this needs no privilege.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "filter_test.h"
#include "random_filter.h"

enum {
	PROBE = 999, /* a number that no call has: programs act on it alone */
	PREFIX = 3, /* instructions that see to that */
	LEN_MAX = 48,
	BATCHES = 60,
	BATCH = 100, /* filters on top of each other in one child */
	PROGRAMS = 3000,
	CALLS = 6,
	DATA_MASK = 0x7ff,
};

/* Between a child and the test. */
struct shared {
	size_t accepted, refused, answers, wrong;
	bool dies; /* the call being made should kill */
	char text[TEXT_LEN]; /* of the first thing wrong */
};

static struct shared *shared_new(void)
{
	void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

/* Allow every call but the probe, for which the rest of the program runs. */
static void prefix_fill(struct sock_filter *insns)
{
	insns[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	insns[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE, 1, 0);
	insns[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void wrong(struct shared *shared, uint64_t seed, const char *what)
{
	if (!shared->wrong++)
		snprintf(shared->text, TEXT_LEN, "seed %" PRIu64 ": %.400s", seed, what);
}

/* Many programs in one child; those that are accepted stay, but see only the probe. */
struct batch {
	struct shared *shared;
	uint64_t seed;
};

static void accept_batch(void *arg)
{
	const struct batch *batch = arg;
	struct sock_filter insns[PREFIX + LEN_MAX];

	filtered_child_begin();
	for (uint64_t i = 0; i < BATCH; i++) {
		struct rng rng = {batch->seed + i};
		uint32_t len = 12 + (uint32_t)rng_below(&rng, LEN_MAX - 11);
		struct filter filter = {insns, PREFIX + len};
		struct err e = {.text = "our own check accepts it"};
		int ours, kernels;

		prefix_fill(insns);
		random_filter(&rng, insns + PREFIX, len);
		/* Some cells unwritten, so that it depends on the paths. */
		if (rng_percent(&rng, 50))
			insns[PREFIX + 1 + 2 * rng_below(&rng, 4)] = random_insn(&rng, len - 8);
		for (uint64_t left = rng_below(&rng, 3); left > 0; left--)
			random_damage(&rng, &insns[PREFIX + rng_below(&rng, len)]);
		ours = filter_validate(&filter, &e);
		kernels = filter_load(&filter, 0);
		if (ours != kernels)
			wrong(batch->shared, batch->seed + i, e.text);
		batch->shared->accepted += kernels == 0;
		batch->shared->refused += kernels == -EINVAL;
	}
}

static void test_accepts(void)
{
	struct shared *shared = shared_new();
	bool whole = true;

	for (uint64_t i = 0; i < BATCHES; i++) {
		struct batch batch = {shared, 1 + i * BATCH};

		whole &= tap_child(accept_batch, &batch) == 0;
	}
	ok(whole && shared->accepted + shared->refused == BATCHES * BATCH &&
			shared->accepted > 1000 && shared->refused > 1000,
		"the kernel answers for all programs: %zu accepted, %zu refused", shared->accepted,
		shared->refused);
	ok(shared->wrong == 0, "and filter_validate() answers alike");
	if (shared->wrong)
		printf("#   %zu differ; %s\n", shared->wrong, shared->text);
	munmap(shared, sizeof(*shared));
}

static void load_length(void *arg)
{
	static struct sock_filter insns[FILTER_INSNS_MAX + 1];
	size_t len = *(size_t *)arg;
	struct filter filter = {insns, len};
	struct err e;
	int ours;

	for (size_t i = 0; i < ARRAY_LEN(insns); i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	ours = filter_validate(&filter, &e);
	filtered_child_begin();
	_exit(ours != filter_load(&filter, 0));
}

static void test_lengths(void)
{
	size_t lens[] = {0, 1, FILTER_INSNS_MAX, FILTER_INSNS_MAX + 1};

	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		ok(tap_child(load_length, &lens[i]) == 0, "%zu instructions: the kernel agrees",
			lens[i]);
}

/* One program, and the probe with several arguments. */
struct program {
	struct shared *shared;
	uint64_t seed;
	struct filter filter;
};

/* The probe's answer: an errno, or 0. */
static long probe(const uint64_t args[6])
{
	long result = syscall(PROBE, args[0], args[1], args[2], args[3], args[4], args[5]);

	return result == -1 ? errno : result;
}

static void answer_program(void *arg)
{
	const struct program *program = arg;
	struct shared *shared = program->shared;
	struct rng rng = {program->seed ^ 0x5eed};
	struct seccomp_data call = {.nr = PROBE, .arch = abi_native()->audit_arch};

	filtered_child_begin();
	if (filter_load(&program->filter, 0))
		_exit(2);
	for (int i = 0; i < CALLS; i++) {
		uint32_t want;
		long got;

		for (int j = 0; j < 6; j++)
			call.args[j] = random_value(&rng);
		want = filter_run(&program->filter, &call);
		shared->dies = (want & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD;
		got = probe((const uint64_t *)call.args);
		shared->answers++;
		if (shared->dies || got != (long)(want & SECCOMP_RET_DATA))
			wrong(shared, program->seed, shared->dies ? "survives" : "another errno");
	}
}

/* The body's result becomes an errno. */
static void program_fill(struct program *program, uint64_t seed)
{
	struct rng rng = {seed};
	uint32_t len = 12 + (uint32_t)rng_below(&rng, LEN_MAX - 14);
	struct sock_filter *insns = program->filter.insns, *end = insns + PREFIX + len;

	program->seed = seed;
	program->filter.len = PREFIX + len + 2;
	prefix_fill(insns);
	random_filter(&rng, insns + PREFIX, len);
	end[-1] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, DATA_MASK);
	end[0] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
	end[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
}

static void test_answers(void)
{
	struct sock_filter insns[PREFIX + LEN_MAX];
	struct program program = {.shared = shared_new(), .filter = {.insns = insns}};
	size_t died = 0;

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		int status;

		program_fill(&program, seed);
		program.shared->dies = false;
		status = tap_child(answer_program, &program);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && program.shared->dies)
			died++;
		else if (status)
			wrong(program.shared, seed, "killed, or not loaded");
	}
	ok(program.shared->answers > (size_t)PROGRAMS * CALLS / 2 && died > 20,
		"%d programs answer %zu calls; %zu more divide by zero and kill", PROGRAMS,
		program.shared->answers, died);
	ok(program.shared->wrong == 0, "as filter_run() says");
	if (program.shared->wrong)
		printf("#   %zu differ; %s\n", program.shared->wrong, program.shared->text);
	munmap(program.shared, sizeof(*program.shared));
}

static void load_without_privilege(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct filter filter = {&allow, 1};

	(void)arg;
	if (geteuid() == 0 && setresuid(65534, 65534, 65534))
		_exit(3);
	if (filter_load(&filter, 0) != -EACCES)
		_exit(1);
	filtered_child_begin();
	_exit(filter_load(&filter, 0) || filter_load(&filter, 1u << 31) != -EINVAL);
}

int main(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)) {
		tap_skip("seccomp", "the kernel as judge", "this kernel has no seccomp filters");
		return tap_done();
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		tap_skip("new-privs", "a load without privilege", "no_new_privs is set already");
	else
		ok(tap_child(load_without_privilege, NULL) == 0,
			"without no_new_privs and privilege: -EACCES; unknown flags: -EINVAL");
	test_lengths();
	test_accepts();
	test_answers();
	return tap_done();
}
