/*
 * What recording by eBPF adds to a call: to one of the workload, and to one of a bystander, against
 * programs at the same hook that do nothing, or one step more each (ladder.bpf.c).
 *
 * On a shared machine only what is measured side by side can be compared: in each round every
 * program is attached once, in turn, and the same two processes do the same work on one CPU; of
 *each batch of work the processor time, of the batches the least, then the median over the rounds
 *of the differences to the bare run of the round.  Rounds in which somebody else has programs
 * attached are left out.  TSV on standard output.
 *
 *	ebpf [ROUNDS]		(of calls; a quarter of it of spawns)
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <bench/ladder.skel.h>
#include "bench.h"
#include "ebpf_target.h"
#include "proc.h"
#include "scope.h"
#include "workload.h"

enum { ROUNDS = 40, ROUNDS_MAX = 1000, PATIENCE_S = 40, PAUSE_US = 100000, PATH_SIZE = 4096 };

/* What is attached.  The order is that of the report. */
enum way { BARE, NOTHING, TASK, STORAGE, COUNTING, OURS, OURS_CGROUP, OURS_SPACE, WAYS };

static const char *const WAY_NAMES[WAYS] = {"bare", "empty program",
	"empty but for a load of the task", "task storage alone", "task storage and a counter",
	"record ebpf", "record ebpf, a cgroup", "record ebpf, a mount namespace"};

/* Whose calls. */
enum who { WATCHED, BYSTANDER, WHOS };

static const char *const WHO_NAMES[WHOS] = {"", ", bystander"};

static const struct {
	const char *name, *unit;
	double per_unit; /* nanoseconds */
	int batches, times;
	int rounds_per; /* of so many rounds one */
} JOBS[WORKS] = {
	[WORK_GETPPID] = {"getppid", "ns", 1, 60, 100, 1},
	[WORK_READ_WRITE] = {"read + write", "ns", 1, 60, 50, 1},
	[WORK_LSEEK] = {"lseek, of which one argument is recorded", "ns", 1, 60, 100, 1},
	[WORK_SETSOCKOPT] = {"setsockopt, two arguments", "ns", 1, 60, 100, 1},
	[WORK_SPAWN] = {"spawn + wait of a static true", "us", 1000, 4, 4, 4},
};

/* How we are told that we are a worker: two descriptors and the path to spawn follow. */
#define WORKER_OPTION "--worker"

/* A process that works on command. */
struct worker {
	pid_t pid;
	int to, from; /* pipes: which work, WORKS to exec; its cost in nanoseconds */
};

struct bench {
	struct worker workers[WHOS];
	char cgroup_path[PATH_SIZE];
	uint64_t cgroup, mount_space; /* of the worker that is watched */
	struct ladder_programs *ladder; /* of this round: where it lies in memory counts too */
	char program[PATH_SIZE];
	/* Of one kind of work. */
	enum work work;
	int rounds;
	double ns[WHOS][WAYS][ROUNDS_MAX];
};

static double work_time(enum work work, const char *program)
{
	double least = 0;

	for (int batch = 0; batch < JOBS[work].batches; batch++) {
		double start = work_cpu_ns(), took;

		work_do(work, JOBS[work].times, program);
		took = (work_cpu_ns() - start) / JOBS[work].times;
		least = batch == 0 || took < least ? took : least;
	}
	return least;
}

/* Our program anew, as a workload starts: a recorder counts from the execve on. */
static void worker_exec(const struct worker *worker, const char *program)
{
	char to[16], from[16];
	char *argv[] = {"ebpf", WORKER_OPTION, to, from, (char *)program, NULL};

	snprintf(to, sizeof(to), "%d", worker->to);
	snprintf(from, sizeof(from), "%d", worker->from);
	execv("/proc/self/exe", argv);
	_exit(127);
}

/* Until the pipe is closed; once for each time that we are executed. */
static void worker_run(const struct worker *worker, const char *program)
{
	enum work work;

	while (read(worker->to, &work, sizeof(work)) == sizeof(work)) {
		double ns;

		if (work == WORKS)
			worker_exec(worker, program);
		ns = work_time(work, program);
		if (write(worker->from, &ns, sizeof(ns)) != sizeof(ns))
			break;
	}
	_exit(0);
}

static void worker_start(struct worker *worker, const char *program, bool contained)
{
	int to[2], from[2];

	bench_must(!pipe2(to, O_CLOEXEC) && !pipe2(from, O_CLOEXEC), "make a pipe", NULL);
	worker->pid = fork();
	bench_must(worker->pid >= 0, "fork", NULL);
	if (!worker->pid) {
		if (contained)
			bench_must(!unshare(CLONE_NEWNS), "have mounts of its own", NULL);
		(void)fcntl(to[0], F_SETFD, 0);
		(void)fcntl(from[1], F_SETFD, 0);
		worker_exec(&(struct worker){0, to[0], from[1]}, program);
	}
	close(to[0]);
	close(from[1]);
	worker->to = to[1];
	worker->from = from[0];
}

static void worker_end(const struct worker *worker)
{
	close(worker->to);
	(void)kill(worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
}

static bool cgroup_enter(const char *directory, pid_t pid)
{
	scoped_file FILE *file = NULL;
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	file = fopen(path, "we");
	return file && fprintf(file, "%d", pid) > 0 && !fflush(file);
}

/* A container's worker: in a mount namespace, which it enters itself, and a cgroup of its own. */
static void worker_contain(struct bench *bench)
{
	static const char *const MOUNTS[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	pid_t pid = bench->workers[WATCHED].pid;
	struct statfs fs;
	struct stat st;

	bench->mount_space = proc_mount_space(pid);
	for (size_t i = 0; i < ARRAY_LEN(MOUNTS) && !bench->cgroup; i++) {
		if (statfs(MOUNTS[i], &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		snprintf(bench->cgroup_path, sizeof(bench->cgroup_path), "%s/sysclamp-bench-%d",
			MOUNTS[i], getpid());
		bench_must(!mkdir(bench->cgroup_path, 0755) && !stat(bench->cgroup_path, &st) &&
				   cgroup_enter(bench->cgroup_path, pid),
			"make a cgroup", NULL);
		bench->cgroup = st.st_ino;
	}
	bench_must(bench->cgroup, "find cgroups of version 2", NULL);
}

/* In a program that has just been executed, whatever is attached. */
static double worker_time(const struct worker *worker, enum work work)
{
	enum work again = WORKS;
	double ns = 0;

	bench_must(write(worker->to, &again, sizeof(again)) == sizeof(again) &&
			   write(worker->to, &work, sizeof(work)) == sizeof(work) &&
			   read(worker->from, &ns, sizeof(ns)) == sizeof(ns),
		"have a worker work", NULL);
	return ns;
}

/* To the last CPU that we may use; what we start inherits it. */
static void pin(void)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	bench_must(!sched_getaffinity(0, sizeof(all), &all), "ask for CPUs", NULL);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &one);
			break;
		}
	}
	(void)sched_setaffinity(0, sizeof(one), &one);
}

/* Whether somebody has programs at tracepoints: these calls would cost them too. */
static bool others_attached(void)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		scoped_fd int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info = {0};
		uint32_t size = sizeof(info);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
			(info.type == BPF_LINK_TYPE_TRACING ||
				info.type == BPF_LINK_TYPE_RAW_TRACEPOINT))
			return true;
	}
	return false;
}

static struct bpf_program *ladder_program(const struct bench *bench, enum way way)
{
	switch (way) {
	case NOTHING:
		return bench->ladder->progs.nothing;
	case TASK:
		return bench->ladder->progs.task;
	case STORAGE:
		return bench->ladder->progs.storage;
	default:
		return bench->ladder->progs.counting;
	}
}

static int worker_fd(const struct worker *worker)
{
	int fd = (int)syscall(SYS_pidfd_open, worker->pid, 0);

	bench_must(fd >= 0, "open a worker", NULL);
	return fd;
}

/* Returns what is to be destroyed, or NULL. */
static struct bpf_link *ladder_attach(struct bench *bench, enum way way)
{
	scoped_fd int fd = worker_fd(&bench->workers[WATCHED]);
	struct bpf_link *link;
	uint64_t mark = 1;

	bench_must(
		!bpf_map_update_elem(bpf_map__fd(bench->ladder->maps.tasks), &fd, &mark, BPF_ANY),
		"mark a worker", NULL);
	link = bpf_program__attach(ladder_program(bench, way));
	bench_must(link, "attach the ladder's program", NULL);
	return link;
}

static void ladder_detach(struct bench *bench, struct bpf_link *link)
{
	scoped_fd int fd = worker_fd(&bench->workers[WATCHED]);

	bpf_link__destroy(link);
	(void)bpf_map_delete_elem(bpf_map__fd(bench->ladder->maps.tasks), &fd);
}

static void measure(struct bench *bench, enum way way)
{
	for (int who = 0; who < WHOS; who++)
		bench->ns[who][way][bench->rounds] = worker_time(&bench->workers[who], bench->work);
}

/* Whether ours did what is measured. */
static bool has_counted(const struct ebpf_kernel *kernel, enum work work)
{
	uint64_t calls = 0;

	for (unsigned lane = 0; lane < kernel->limits.targets * kernel->lanes; lane++)
		for (unsigned slot = 0; slot < EBPF_SLOTS; slot++)
			calls += kernel->counts[lane].calls[slot];
	return calls >= (uint64_t)JOBS[work].batches * JOBS[work].times;
}

/* As `record -- command` does; in time for the program that the worker executes next. */
static void watch_command(struct bench *bench, struct ebpf_kernel *kernel)
{
	const struct ebpf_target_keys keys = {.starting = true};
	uint32_t target;
	struct err e;

	bench_must(!ebpf_target_new(kernel, &keys, &target, &e) &&
			   !ebpf_target_begin(kernel, target, bench->workers[WATCHED].pid, &e) &&
			   !ebpf_kernel_attach(kernel, &e),
		"watch", &e);
}

/* As for a container that runs already. */
static void watch_running(
	struct bench *bench, struct ebpf_kernel *kernel, const struct ebpf_target_keys *keys)
{
	uint32_t target;
	struct err e;

	(void)bench;
	bench_must(!ebpf_target_new(kernel, keys, &target, &e) && !ebpf_kernel_attach(kernel, &e) &&
			   !ebpf_targets_scan(kernel, &e),
		"watch", &e);
}

static void measure_ours(struct bench *bench, enum way way)
{
	const struct ebpf_target_keys by_cgroup = {.cgroup = bench->cgroup};
	const struct ebpf_target_keys by_space = {.mount_space = bench->mount_space};
	struct ebpf_limits limits = EBPF_LIMITS;
	struct ebpf_kernel *kernel = NULL;
	struct err e;

	limits.attaches = way != OURS;
	bench_must(!ebpf_kernel_new(&limits, &kernel, &e), "load", &e);
	if (way == OURS)
		watch_command(bench, kernel);
	else
		watch_running(bench, kernel, way == OURS_CGROUP ? &by_cgroup : &by_space);
	measure(bench, way);
	ebpf_kernel_stop(kernel);
	bench_must(has_counted(kernel, bench->work), "count", NULL);
	ebpf_kernel_free(kernel);
}

static void measure_way(struct bench *bench, enum way way)
{
	struct bpf_link *link;

	if (way == BARE) {
		measure(bench, way);
	} else if (way >= OURS) {
		measure_ours(bench, way);
	} else {
		link = ladder_attach(bench, way);
		measure(bench, way);
		ladder_detach(bench, link);
	}
}

/* Whether the round counts. */
static bool measure_round(struct bench *bench)
{
	if (others_attached())
		return false;
	bench->ladder = ladder_programs__open_and_load();
	bench_must(bench->ladder, "load the ladder", NULL);
	for (int i = 0; i < WAYS; i++)
		measure_way(bench, (enum way)((i + bench->rounds) % WAYS));
	ladder_programs__destroy(bench->ladder);
	return !others_attached();
}

static void measure_rounds(struct bench *bench, int rounds)
{
	double end = bench_clock_us(CLOCK_MONOTONIC) + PATIENCE_S * 1e6;

	bench->rounds = 0;
	while (bench->rounds < rounds && bench_clock_us(CLOCK_MONOTONIC) < end) {
		if (measure_round(bench))
			bench->rounds++;
		else
			usleep(PAUSE_US);
	}
}

/* The median over the rounds of the times, less the bare run's of the round if @difference. */
static double cost(const struct bench *bench, enum who who, enum way way, bool difference)
{
	double costs[ROUNDS_MAX];

	for (int round = 0; round < bench->rounds; round++)
		costs[round] = bench->ns[who][way][round] -
			       (difference ? bench->ns[who][BARE][round] : 0);
	return bench_median(costs, (size_t)bench->rounds) / JOBS[bench->work].per_unit;
}

/* What is added, against what the empty program adds. */
static void report_added(const struct bench *bench, enum who who)
{
	double floor = cost(bench, who, NOTHING, true);
	const char *unit = JOBS[bench->work].unit;
	char metric[128];

	snprintf(metric, sizeof(metric), "%s%s, added", JOBS[bench->work].name, WHO_NAMES[who]);
	bench_row(WAY_NAMES[NOTHING], metric, unit, floor, WAY_NAMES[BARE],
		cost(bench, who, BARE, false));
	for (int way = TASK; way < WAYS; way++)
		bench_row(WAY_NAMES[way], metric, unit, cost(bench, who, (enum way)way, true),
			WAY_NAMES[NOTHING], floor);
}

/* All of it against the bare run, where the calls are a small part of the cost. */
static void report_total(const struct bench *bench, enum who who)
{
	double bare = cost(bench, who, BARE, false);
	char metric[128];

	snprintf(metric, sizeof(metric), "%s%s", JOBS[bench->work].name, WHO_NAMES[who]);
	for (int way = NOTHING; way < WAYS; way++)
		bench_row(WAY_NAMES[way], metric, JOBS[bench->work].unit,
			cost(bench, who, (enum way)way, false), WAY_NAMES[BARE], bare);
}

/* @rounds: how many there should be. */
static void bench_work(struct bench *bench, enum work work, int rounds)
{
	bench->work = work;
	measure_rounds(bench, rounds);
	/* The others were spoilt: somebody had programs attached. */
	bench_row("rounds that count", JOBS[work].name, "", bench->rounds, "of", rounds);
	for (int who = 0; who < WHOS && bench->rounds; who++) {
		if (work == WORK_SPAWN)
			report_total(bench, (enum who)who);
		else
			report_added(bench, (enum who)who);
	}
}

static void prepare(struct bench *bench)
{
	const char *build = getenv("BUILD");

	snprintf(bench->program, sizeof(bench->program), "%s/tests/programs/static_true",
		build ? build : "build");
	pin();
	for (int who = 0; who < WHOS; who++)
		worker_start(&bench->workers[who], bench->program, who == WATCHED);
	worker_contain(bench);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
	struct ebpf_kernel *trial;
	struct err e;

	if (argc == 5 && !strcmp(argv[1], WORKER_OPTION))
		worker_run(&(struct worker){0, atoi(argv[2]), atoi(argv[3])}, argv[4]);
	if (ebpf_kernel_new(&EBPF_LIMITS, &trial, &e)) {
		printf("record ebpf\tnot possible here: %s\t\t\t\n", e.text);
		return 0;
	}
	ebpf_kernel_free(trial);
	prepare(&bench);
	rounds = rounds > 0 && rounds < ROUNDS_MAX ? rounds : ROUNDS;
	for (int work = 0; work < WORKS; work++)
		bench_work(&bench, (enum work)work, rounds / JOBS[work].rounds_per + 1);
	for (int who = 0; who < WHOS; who++)
		worker_end(&bench.workers[who]);
	(void)rmdir(bench.cgroup_path);
	return 0;
}
