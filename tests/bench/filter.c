/*
 * What a filter costs: the engines' default compiled by us and by libseccomp, plain and with its
 * binary tree.  Instructions, compiling, loading, checking, and calls under each against none.
 * Median of five rounds, interleaved; of calls, the median of forty loops in each round.  TSV on
 * standard output.
 */
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bench.h"
#include "filter_test.h"

enum { ROUNDS = 5, COMPILES = 8, LOADS = 40, LOOPS = 40, CALLS = 5000, GOAL_NS = 20 };

#define PROFILE "profiles/runtime-default.json"

/* FLOOR and NONE: of calls only. */
enum maker { OURS, LINEAR, TREE, COMPILERS, FLOOR = COMPILERS, NONE, MAKERS };

static const char *const MAKER_NAMES[MAKERS] = {"ours", "libseccomp", "libseccomp, optimized",
	"two instructions, one reads an argument", "no filter"};

enum metric { COMPILE_US, LOAD_US, GETPPID_NS, PERSONALITY_NS, METRICS };

struct subject {
	const struct profile *profile;
	struct policy policy;
	struct filter filters[MAKERS]; /* NONE: without instructions */
	double rounds[METRICS][MAKERS][ROUNDS];
	double check_us[ROUNDS];
};

static enum scmp_compare libseccomp_op(enum condition_op op)
{
	static const enum scmp_compare ops[OP_COUNT] = {
		[OP_NE] = SCMP_CMP_NE,
		[OP_LT] = SCMP_CMP_LT,
		[OP_LE] = SCMP_CMP_LE,
		[OP_EQ] = SCMP_CMP_EQ,
		[OP_GE] = SCMP_CMP_GE,
		[OP_GT] = SCMP_CMP_GT,
		[OP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};

	return ops[op];
}

/* As runc does it: one rule for each name. */
static void libseccomp_add(scmp_filter_ctx ctx, const struct rule *rule)
{
	struct scmp_arg_cmp args[SYSCALL_ARGS];

	for (size_t i = 0; i < rule->n_conds; i++)
		args[i] = (struct scmp_arg_cmp){rule->conds[i].index,
			libseccomp_op((enum condition_op)rule->conds[i].op), rule->conds[i].value,
			rule->conds[i].value_two};
	for (size_t i = 0; i < rule->n_names; i++) {
		int nr = seccomp_syscall_resolve_name(rule->names[i]);

		/* Refused: what some architecture cannot express, as runc and crun ignore it. */
		if (nr != __NR_SCMP_ERROR)
			(void)seccomp_rule_add_array(
				ctx, rule->action, nr, (unsigned)rule->n_conds, args);
	}
}

/* @level: SCMP_FLTATR_CTL_OPTIMIZE. */
static void libseccomp_compile(const struct profile *profile, uint32_t level, struct filter *out)
{
	scmp_filter_ctx ctx = seccomp_init(profile->default_action);
	scoped_fd int fd = memfd_create("bpf", MFD_CLOEXEC);
	off_t size;

	bench_must(ctx && fd >= 0, "start libseccomp", NULL);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, level);
	for (size_t i = 0; i < profile->n_abis; i++)
		(void)seccomp_arch_add(ctx, profile->abis[i]->scmp_arch);
	for (size_t i = 0; i < profile->n_rules; i++)
		libseccomp_add(ctx, &profile->rules[i]);
	bench_must(!seccomp_export_bpf(ctx, fd), "export libseccomp's filter", NULL);
	seccomp_release(ctx);
	size = lseek(fd, 0, SEEK_END);
	out->len = (size_t)size / sizeof(*out->insns);
	out->insns = malloc((size_t)size);
	bench_must(out->insns && pread(fd, out->insns, (size_t)size, 0) == size, "read it", NULL);
}

/* From names to a program. */
static void make(const struct profile *profile, enum maker maker, struct filter *out)
{
	scoped(policy_done) struct policy policy = {0};
	struct err e;

	if (maker == OURS)
		bench_must(!policy_resolve(PROFILE, profile, &policy, NULL, &e) &&
				   !filter_compile(&policy, out, &e),
			"compile", &e);
	else
		libseccomp_compile(profile, maker == TREE ? 2 : 1, out);
}

static double time_compile(const struct subject *subject, enum maker maker)
{
	double start = bench_cpu_us();

	for (int i = 0; i < COMPILES; i++) {
		scoped(filter_done) struct filter filter = {0};

		make(subject->profile, maker, &filter);
	}
	return (bench_cpu_us() - start) / COMPILES;
}

/* What any filter costs that the kernel has to ask: it remembers answers that hang on nothing. */
static void make_floor(struct filter *out)
{
	const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	out->len = ARRAY_LEN(insns);
	out->insns = malloc(sizeof(insns));
	bench_must(out->insns, "make a filter", NULL);
	memcpy(out->insns, insns, sizeof(insns));
}

/* A job for a child, and a number that comes back. */
struct job {
	const struct filter *filter;
	double *result; /* shared */
};

static void load_child(void *arg)
{
	const struct job *job = arg;
	double start;

	filtered_child_begin();
	start = bench_cpu_us();
	if (filter_load(job->filter, 0))
		_exit(1);
	*job->result = bench_cpu_us() - start;
}

/* A process that makes calls when it is told to, under a filter or none. */
struct caller {
	pid_t pid;
	int go[2], done[2]; /* pipes: a byte to it, the time of its loop back */
};

static double time_calls(long nr)
{
	enum { QUERY = 0xffffffff };
	double start = bench_cpu_us();

	for (int i = 0; i < CALLS; i++)
		(void)syscall(nr, (unsigned long)QUERY);
	return (bench_cpu_us() - start) * 1e3 / CALLS;
}

static _Noreturn void caller_run(const struct caller *caller, const struct filter *filter, long nr)
{
	char byte;
	double ns;

	filtered_child_begin();
	if (filter->len && filter_load(filter, 0))
		_exit(1);
	while (read(caller->go[0], &byte, 1) == 1) {
		ns = time_calls(nr);
		if (write(caller->done[1], &ns, sizeof(ns)) != sizeof(ns))
			_exit(1);
	}
	_exit(0);
}

static void caller_start(struct caller *caller, const struct filter *filter, long nr)
{
	bench_must(!pipe(caller->go) && !pipe(caller->done), "make pipes", NULL);
	caller->pid = fork();
	if (caller->pid == 0) {
		close(caller->go[1]);
		caller_run(caller, filter, nr);
	}
	bench_must(caller->pid > 0, "start a process", NULL);
	close(caller->go[0]);
	close(caller->done[1]);
}

static double caller_loop(const struct caller *caller)
{
	double ns;

	bench_must(write(caller->go[1], "", 1) == 1 &&
			   read(caller->done[0], &ns, sizeof(ns)) == sizeof(ns),
		"have calls made", NULL);
	return ns;
}

static void caller_end(const struct caller *caller)
{
	int status;

	close(caller->go[1]);
	close(caller->done[0]);
	bench_must(waitpid(caller->pid, &status, 0) == caller->pid && status == 0, "end a process",
		NULL);
}

/*
 * What each filter adds to a call: the median over the loops, in which each of the processes has
 * its turn, so that what disturbs the machine disturbs all of them.
 */
static void measure_calls(struct subject *subject, enum metric metric, int round)
{
	static double loops[MAKERS][LOOPS];
	struct caller callers[MAKERS];
	long nr = metric == GETPPID_NS ? SYS_getppid : SYS_personality;

	/* One after the other: a later one would keep the pipe of an earlier one open. */
	for (int maker = MAKERS - 1; maker >= 0; maker--)
		caller_start(&callers[maker], &subject->filters[maker], nr);
	for (int loop = 0; loop < LOOPS; loop++) {
		for (int maker = 0; maker < MAKERS; maker++)
			loops[maker][loop] = caller_loop(&callers[maker]);
		for (int maker = 0; maker < NONE; maker++)
			loops[maker][loop] -= loops[NONE][loop];
	}
	for (int maker = 0; maker < MAKERS; maker++) {
		subject->rounds[metric][maker][round] = bench_median(loops[maker], LOOPS);
		caller_end(&callers[maker]);
	}
}

static double time_load(const struct subject *subject, enum maker maker)
{
	static double *result;
	struct job job = {&subject->filters[maker], NULL};
	double samples[LOADS];

	if (!result)
		result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench_must(result != MAP_FAILED, "share memory", NULL);
	job.result = result;
	for (size_t i = 0; i < LOADS; i++) {
		bench_must(tap_child(load_child, &job) == 0, "run a child", NULL);
		samples[i] = *result;
	}
	return bench_median(samples, LOADS);
}

static double time_check(const struct subject *subject)
{
	double start = bench_cpu_us();
	struct err e;

	bench_must(!filter_check(&subject->filters[OURS], &subject->policy, &e), "check", &e);
	return bench_cpu_us() - start;
}

static void measure(struct subject *subject)
{
	for (int round = 0; round < ROUNDS; round++) {
		for (int metric = GETPPID_NS; metric < METRICS; metric++)
			measure_calls(subject, (enum metric)metric, round);
		for (int maker = 0; maker < COMPILERS; maker++) {
			subject->rounds[COMPILE_US][maker][round] = time_compile(
				subject, (enum maker)maker);
			subject->rounds[LOAD_US][maker][round] = time_load(
				subject, (enum maker)maker);
		}
		subject->check_us[round] = time_check(subject);
	}
}

/* What checking the arguments adds to being asked at all. */
static void report_floor(struct subject *subject, const char *name)
{
	double ours = bench_median(subject->rounds[PERSONALITY_NS][OURS], ROUNDS);
	double floor = bench_median(subject->rounds[PERSONALITY_NS][FLOOR], ROUNDS);

	bench_row(name, "added to personality (argument-checked)", "ns", ours, MAKER_NAMES[FLOOR],
		floor);
	bench_row(name, "the same, above those two instructions", "ns", ours - floor, "goal",
		GOAL_NS);
}

static void report(struct subject *subject, const char *name)
{
	static const char *const claims[METRICS] = {"compile, names to program",
		"load (seccomp(2))", "added to getppid (allowed)",
		"added to personality (argument-checked)"};
	static const char *const units[METRICS] = {"us", "us", "ns", "ns"};

	for (int maker = LINEAR; maker <= TREE; maker++) {
		const char *against = MAKER_NAMES[maker];

		bench_row(name, "instructions", "", (double)subject->filters[OURS].len, against,
			(double)subject->filters[maker].len);
		for (int metric = GETPPID_NS; metric < METRICS; metric++)
			bench_row(name, claims[metric], units[metric],
				bench_median(subject->rounds[metric][OURS], ROUNDS), against,
				bench_median(subject->rounds[metric][maker], ROUNDS));
		for (int metric = COMPILE_US; metric <= LOAD_US; metric++)
			bench_row(name, claims[metric], units[metric],
				bench_median(subject->rounds[metric][OURS], ROUNDS), against,
				bench_median(subject->rounds[metric][maker], ROUNDS));
	}
	report_floor(subject, name);
	bench_row(name, "check by evaluation", "us", bench_median(subject->check_us, ROUNDS),
		"our compile", bench_median(subject->rounds[COMPILE_US][OURS], ROUNDS));
}

static void bench(const struct profile *profile, const char *name)
{
	static struct subject subject;
	struct err e;

	subject = (struct subject){.profile = profile};
	bench_must(!policy_resolve(PROFILE, profile, &subject.policy, NULL, &e), "resolve", &e);
	for (int maker = 0; maker < COMPILERS; maker++)
		make(profile, (enum maker)maker, &subject.filters[maker]);
	make_floor(&subject.filters[FLOOR]);
	measure(&subject);
	report(&subject, name);
	for (int maker = 0; maker < MAKERS; maker++)
		filter_done(&subject.filters[maker]);
	policy_done(&subject.policy);
}

int main(void)
{
	scoped(profile_done) struct profile profile = {0};
	struct err e;

	if (profile_read(PROFILE, &profile, NULL, &e)) {
		fprintf(stderr, "filter: %s\n", e.text);
		return 1;
	}
	bench(&profile, "filter, three ABIs");
	profile.n_abis = 1;
	bench(&profile, "filter, x86_64");
	return 0;
}
