/*
 * ebpf.h: each way to lose something, provoked: it is counted, the recording is incomplete, and
 * what was not lost is exact.  Little room takes the place of large workloads (struct ebpf_limits).
 */
#include "ebpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "scope.h"
#include "tap.h"

#include <programs/recursing.skel.h>

enum {
	SYS_GETPPID = 110,
	SYS_SCHED_YIELD = 24,
	SYS_DUP3 = 292,
	COPIES = 100,
	COPIES_FEW = 6,
	CROWD = 1500,
	HOLDS = 200,
	MS = 1000000
};

/* One thread takes the signal, and the others stop when that has got its turn. */
#define STOP_RECORDER                                                                              \
	"kill -STOP $PPID; while grep -qs '^State:.[^T]' /proc/$PPID/task/*/status; do :; done; "

/* A recording of a shell script, in a child; the outcome is shared with it. */
struct trial {
	struct ebpf_limits limits;
	const char *cgroup; /* whose memory the kernel's part is charged to; or NULL */
	char script[2 * PATH_MAX];
	struct outcome {
		bool recorded, complete;
		int status;
		uint64_t loss[LOSS_WAYS], getppid, sched_yield, odd_numbers;
		uint64_t many, dup3; /* calls with many arguments, different ones of dup3 */
	} * outcome;
};

static char scratch[] = "/tmp/sysclamp-test.XXXXXX";
static const char *programs;

static bool write_file(const char *directory, const char *name, const char *text)
{
	scoped_free char *path = NULL;
	scoped_file FILE *file = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return false;
	file = fopen(path, "we");
	return file && fputs(text, file) >= 0 && !fflush(file);
}

static uint64_t count_of(const struct recording *rec, uint32_t nr)
{
	const struct rec_call *call = recording_find(rec, abi_by_name("x86_64"), nr);

	return call ? call->count : 0;
}

static void note_args(struct outcome *outcome, const struct rec_call *call)
{
	const struct rec_args *args = rec_call_args(call);

	outcome->many += args->n_args > 0 && args->args[0].values.many;
	if (call->nr == SYS_DUP3)
		outcome->dup3 = args->n_args ? args->args[0].values.n_tuples : 0;
}

static void note(struct outcome *outcome, const struct recording *rec)
{
	outcome->recorded = true;
	outcome->complete = rec->complete;
	memcpy(outcome->loss, rec->loss, sizeof(rec->loss));
	outcome->getppid = count_of(rec, SYS_GETPPID);
	outcome->sched_yield = count_of(rec, SYS_SCHED_YIELD);
	for (size_t i = 0; i < rec->n_calls; i++) {
		outcome->odd_numbers += rec->calls[i].nr >= EBPF_NRS;
		note_args(outcome, &rec->calls[i]);
	}
}

/* To what is used already; version 1 refuses less. */
static void limit_memory(const char *cgroup)
{
	scoped_free char *path = NULL;
	scoped_file FILE *file = NULL;
	char used[32] = "0";

	if (asprintf(&path, "%s/memory.usage_in_bytes", cgroup) < 0)
		return;
	file = fopen(path, "re");
	if (!file || !fgets(used, sizeof(used), file))
		(void)write_file(cgroup, "memory.max", used);
	else
		(void)write_file(cgroup, "memory.limit_in_bytes", used);
}

/* The kernel charges its maps, now and later, to the cgroup of the process that makes them. */
static int kernel_new(const struct trial *trial, struct ebpf_kernel **kernel, struct err *e)
{
	scoped_free char *parent = NULL;
	int code;

	if (!trial->cgroup)
		return ebpf_kernel_new(&trial->limits, kernel, e);
	if (asprintf(&parent, "%s/..", trial->cgroup) < 0 ||
		!write_file(trial->cgroup, "cgroup.procs", "0"))
		return err_set(e, errno, "%s", trial->cgroup);
	code = ebpf_kernel_new(&trial->limits, kernel, e);
	if (!write_file(parent, "cgroup.procs", "0"))
		return err_set(e, errno, "%s", parent);
	limit_memory(trial->cgroup);
	return code;
}

static void record(void *arg)
{
	struct trial *trial = arg;
	char *argv[] = {"sh", "-c", trial->script, NULL};
	const struct tracer_job job = {.argv = argv, .path = "/bin/sh", .tick_ms = 100};
	struct ebpf_kernel *kernel = NULL;
	struct recording rec = {0};
	struct launch_end end = {0};
	struct err e = {0};

	if (recording_init(&rec, "ebpf", &e) || kernel_new(trial, &kernel, &e) ||
		ebpf_record(kernel, &job, &rec, &end, &e)) {
		printf("# %s\n", e.text);
		exit(1);
	}
	recording_end(&rec, launch_exit_code(&end));
	trial->outcome->status = launch_exit_code(&end);
	note(trial->outcome, &rec);
	recording_done(&rec);
	ebpf_kernel_free(kernel);
}

/* Record it, to @trial->outcome. */
static bool run(struct trial *trial)
{
	trial->outcome = mmap(NULL, sizeof(*trial->outcome), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return tap_child(record, trial) == 0 && trial->outcome->recorded &&
	       trial->outcome->status == 0;
}

/* Record it, and hold the outcome to what all have in common; returns how much @way lost. */
static uint64_t provoke(struct trial *trial, enum loss way)
{
	bool ran = run(trial);
	const struct outcome *outcome = trial->outcome;
	uint64_t others = 0;

	ok(ran, "%s: recorded, and the workload ends well (%d)", loss_name(way), outcome->status);
	/* Others that attach programs meanwhile may make returns late. */
	for (int i = 0; i < LOSS_WAYS; i++)
		others += i == (int)way || i == LOSS_LATE_RETURNS ? 0 : outcome->loss[i];
	ok(outcome->loss[way] > 0 && !others && !outcome->complete,
		"%s: counted (%ju), nothing else is (%ju), the recording is incomplete",
		loss_name(way), (uintmax_t)outcome->loss[way], (uintmax_t)others);
	return outcome->loss[way];
}

/* Copies of a program with 20 sched_yield under different names. */
static void make_copies(void)
{
	scoped_free char *command = NULL;

	if (asprintf(&command,
		    "cp %s/calls_static %s/copy && cd %s && n=0; while [ $n -lt %d ];"
		    " do n=$((n + 1)); ln copy $n || exit 1; done",
		    programs, scratch, scratch, COPIES) < 0)
		return;
	ok(system(command) == 0, "%d copies of a program", COPIES);
}

static void test_map_full(void)
{
	struct trial trial = {.limits = EBPF_LIMITS};
	uint64_t lost;

	/* Entry 0 stands for unknown: there is room for the shell and two more. */
	trial.limits.programs = 4;
	(void)snprintf(trial.script, sizeof(trial.script),
		"for n in 1 2 3 4 5 6; do %s/$n >/dev/null; done", scratch);
	lost = provoke(&trial, LOSS_MAP_FULL);
	ok(lost == 1 + COPIES_FEW - 3, "map_full: once for each program without room (%ju)",
		(uintmax_t)lost);
	ok(trial.outcome->sched_yield == COPIES_FEW * 20ul, "map_full: the calls are exact (%ju)",
		(uintmax_t)trial.outcome->sched_yield);
}

static void test_ring_full(void)
{
	struct trial trial = {.limits = EBPF_LIMITS};

	trial.limits.ring_bytes = 4096;
	/* The workload stops the recorder, which reads the ring, while it fills it. */
	(void)snprintf(trial.script, sizeof(trial.script),
		STOP_RECORDER "n=0; while [ $n -lt %d ]; do n=$((n + 1)); %s/$n >/dev/null; "
			      "done; kill -CONT $PPID",
		COPIES, scratch);
	provoke(&trial, LOSS_RING_FULL);
	ok(trial.outcome->sched_yield == COPIES * 20ul, "ring_full: the calls are exact (%ju)",
		(uintmax_t)trial.outcome->sched_yield);
}

static void test_out_of_range(void)
{
	struct trial trial = {.limits = EBPF_LIMITS};
	uint64_t lost;

	trial.limits.odds = 8;
	(void)snprintf(trial.script, sizeof(trial.script), "exec %s/odd_range 20", programs);
	lost = provoke(&trial, LOSS_OUT_OF_RANGE);
	ok(lost == 20 - 8 && trial.outcome->odd_numbers == 8,
		"out_of_range: 20 odd numbers where 8 have room (%ju lost, %ju noted)",
		(uintmax_t)lost, (uintmax_t)trial.outcome->odd_numbers);
}

/* Arguments without room are not lost: they may have been any, which is "many". */
static void test_tuples_full(void)
{
	struct trial trial = {.limits = EBPF_LIMITS};
	bool ran;

	(void)snprintf(trial.script, sizeof(trial.script),
		"n=10; while [ $n -lt 20 ]; do n=$((n + 1)); echo 124 0 0 7f0000$n 0 0 0; done |"
		" exec %s/make_calls",
		programs);
	ran = run(&trial);
	ok(ran && trial.outcome->complete && !trial.outcome->many && trial.outcome->dup3 == 10,
		"arguments are kept (%ju)", (uintmax_t)trial.outcome->dup3);
	/* The C library's own calls take it all. */
	trial.limits.tuples = 16;
	ran = run(&trial);
	ok(ran && trial.outcome->complete && trial.outcome->many > 1 && trial.outcome->dup3 == 0,
		"without room for arguments they are many (of %ju calls), and nothing is lost",
		(uintmax_t)trial.outcome->many);
}

static void test_late_returns(void)
{
	struct trial trial = {.limits = EBPF_LIMITS};
	uint64_t started_ns, took_ns;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) || CPU_COUNT(&cpus) < 2) {
		tap_skip("cpus", "late_returns", "with one CPU returns are always watched");
		return;
	}
	trial.limits.hold_ns = 0;
	(void)snprintf(trial.script, sizeof(trial.script), "exec %s/own_filter errno >/dev/null",
		programs);
	provoke(&trial, LOSS_LATE_RETURNS);

	/* A recorder that is stopped, all threads of it, keeps one call waiting, not each. */
	trial.limits.hold_ns = 20 * MS;
	(void)snprintf(trial.script, sizeof(trial.script),
		STOP_RECORDER "%s/odd_range %d; kill -CONT $PPID", programs, HOLDS);
	started_ns = now_ns();
	provoke(&trial, LOSS_LATE_RETURNS);
	took_ns = now_ns() - started_ns;
	if (getenv("TEST_SLOWER")) { /* scripts/check-kernel.sh */
		tap_skip("time", "late_returns: that it is not long", "the processor is emulated");
		return;
	}
	ok(took_ns < HOLDS * trial.limits.hold_ns / 2,
		"late_returns: %d calls without a reader are not held %d times (%ju ms)", HOLDS,
		HOLDS, (uintmax_t)(took_ns / MS));
}

/* A cgroup of the memory controller, version 1 or 2; heap, or NULL where there is none. */
static char *make_memory_cgroup(void)
{
	static const char *const ROOTS[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"};
	char *path = NULL;

	for (size_t i = 0; i < ARRAY_LEN(ROOTS); i++) {
		if (asprintf(&path, "%s/sysclamp-test-%d", ROOTS[i], getpid()) < 0)
			return NULL;
		if (!mkdir(path, 0755) && (write_file(path, "memory.limit_in_bytes", "-1") ||
						  write_file(path, "memory.max", "max")))
			return path;
		(void)rmdir(path);
		free(path);
	}
	return NULL;
}

static bool kernel_is_before(int major, int minor)
{
	struct utsname name;
	int mine[2] = {0};

	return !uname(&name) && sscanf(name.release, "%d.%d", &mine[0], &mine[1]) == 2 &&
	       (mine[0] < major || (mine[0] == major && mine[1] < minor));
}

/* The storage of a task is taken from what the kernel may not refuse (GFP_ATOMIC) before Linux 6.4.
 */
static void test_inherit_failures(void)
{
	scoped_free char *cgroup = make_memory_cgroup();
	struct trial trial = {.limits = EBPF_LIMITS, .cgroup = cgroup};
	uint64_t lost;

	if (!cgroup) {
		tap_skip(
			"cgroups", "inherit_failures", "no memory controller of cgroups to be had");
		return;
	}
	if (kernel_is_before(6, 4)) {
		tap_skip("cgroups", "inherit_failures",
			"before Linux 6.4 no limit of a cgroup holds for the storage of tasks");
		(void)rmdir(cgroup);
		return;
	}
	(void)snprintf(trial.script, sizeof(trial.script), "exec %s/crowd %d", programs, CROWD);
	lost = provoke(&trial, LOSS_INHERIT_FAILURES);
	/* The shell makes one, too. */
	ok(trial.outcome->getppid + lost == CROWD + 1,
		"inherit_failures: %ju processes are lost, the others are exact (%ju)",
		(uintmax_t)lost, (uintmax_t)trial.outcome->getppid);
	ok(!rmdir(cgroup), "the cgroup is empty");
}

static void test_missed_recursion(void)
{
	struct recursing_programs *skeleton = recursing_programs__open_and_load();
	struct bpf_test_run_opts run = {.sz = sizeof(run)};
	int fd = skeleton ? bpf_program__fd(skeleton->progs.on_print) : -1;

	ok(skeleton && !recursing_programs__attach(skeleton), "missed_recursion: a program");
	ok(ebpf_missed(fd) == 0, "missed_recursion: none yet");
	for (int i = 0; skeleton && i < 3; i++)
		(void)bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.print), &run);
	ok(ebpf_missed(fd) == 3, "missed_recursion: what the kernel skipped is told (%ju)",
		(uintmax_t)ebpf_missed(fd));
	recursing_programs__destroy(skeleton);
}

static void clean_up(void)
{
	scoped_free char *command = NULL;

	if (asprintf(&command, "rm -rf %s", scratch) >= 0)
		(void)!system(command);
}

int main(void)
{
	scoped_free char *path = NULL;
	struct err e = {0};
	void *state;

	if (ebpf_open(TRACER_COMMAND, &state, &e)) {
		tap_skip("bpf", "ways to lose", e.text);
		return tap_done();
	}
	ebpf_close(state);
	path = realpath(getenv("BUILD") ? getenv("BUILD") : "build", NULL);
	if (!path || asprintf((char **)&programs, "%s/tests/programs", path) < 0 ||
		!mkdtemp(scratch))
		return 1;
	make_copies();
	test_map_full();
	test_ring_full();
	test_out_of_range();
	test_tuples_full();
	test_late_returns();
	test_inherit_failures();
	test_missed_recursion();
	clean_up();
	return tap_done();
}
