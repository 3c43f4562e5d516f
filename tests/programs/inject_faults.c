/*
 * inject_faults [-c PROCESS:N:ERRNO] [-a PROCESS:N] -b OFFSET [-m OFFSET]... -o FILE FROM UNTIL
 * CMD...
 *
 * Run CMD, and from main of the program FROM until the execve of UNTIL let one thing fail: -c, the
 * Nth system call of a process (with ERRNO; it is not made), or -a, its Nth allocation, which gets
 * NULL.  Processes are numbered from 0 in the order of their birth, calls and allocations from 1.
 * Where in FROM's file main begins: -b; an allocator: -m.
 *
 * What there was is written to FILE: a line "PROCESS CALLS ALLOCATIONS" for each process, "faulted
 * NAME-OF-WHAT" if something was made to fail, "started" once UNTIL has begun, and "left N" if N
 * processes are there still when the first one has ended and all traced ones have.  Exit status: as
 * CMD's.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TASKS_MAX = 64, ENTRIES_MAX = 16, TRAP = 0xcc, BYTE = 0xff, FAILED = 96 };

static const unsigned long OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
				     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

struct task {
	pid_t pid; /* 0: none any more */
	bool inside, failing; /* a call; which is to fail */
	unsigned long calls, allocations;
};

static struct task tasks[TASKS_MAX];
static int n_tasks;

/* The first is main. */
static struct {
	uint64_t offset, at; /* in the file; in memory */
	long text; /* what stood there */
} entries[ENTRIES_MAX];
static int n_entries;

static struct {
	int process;
	unsigned long call, allocation;
	int error;
	bool done;
} fault = {.process = -1};

static bool armed, counting, started;
static FILE *report;

static void die(const char *what)
{
	fprintf(stderr, "inject_faults: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static struct task *task_of(pid_t pid)
{
	for (int i = 0; i < n_tasks; i++) {
		if (tasks[i].pid == pid)
			return &tasks[i];
	}
	if (n_tasks == TASKS_MAX)
		die("too many processes");
	tasks[n_tasks] = (struct task){.pid = pid};
	return &tasks[n_tasks++];
}

static bool is_it(const struct task *task, unsigned long n, unsigned long wanted)
{
	return !fault.done && task - tasks == fault.process && wanted && n == wanted;
}

static bool executes(pid_t pid, const char *path)
{
	char link[64];
	struct stat exe, file;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	return !stat(link, &exe) && !stat(path, &file) && exe.st_dev == file.st_dev &&
	       exe.st_ino == file.st_ino;
}

/* Where the program is in memory: its first segment is the first that has the file's name. */
static uint64_t base_of(pid_t pid, const char *program)
{
	char path[64], line[512];
	uint64_t base = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && !base && fgets(line, sizeof(line), maps)) {
		if (strstr(line, program))
			base = strtoull(line, NULL, 16);
	}
	if (!base)
		die(path);
	fclose(maps);
	return base;
}

static void poke(pid_t pid, uint64_t at, long text)
{
	if (ptrace(PTRACE_POKETEXT, pid, at, text))
		die("writing to its memory");
}

static void arm(pid_t pid, int i)
{
	poke(pid, entries[i].at, (entries[i].text & ~(long)BYTE) | TRAP);
}

static void arm_all(pid_t pid, const char *program)
{
	uint64_t base = base_of(pid, program);

	for (int i = 0; i < n_entries; i++) {
		entries[i].at = base + entries[i].offset;
		errno = 0;
		entries[i].text = ptrace(PTRACE_PEEKTEXT, pid, entries[i].at, 0);
		if (errno)
			die("reading its memory");
		arm(pid, i);
	}
}

static void write_report(void)
{
	for (int i = 0; i < n_tasks; i++)
		fprintf(report, "%d %lu %lu\n", i, tasks[i].calls, tasks[i].allocations);
}

/* Returns whether it is to be let go. */
static bool at_exec(struct task *task, const char *from, const char *until)
{
	if (!armed && executes(task->pid, from)) {
		armed = true;
		arm_all(task->pid, from);
		return false;
	}
	if (!armed)
		return false;
	if (executes(task->pid, until))
		started = true;
	return true;
}

static void at_call(struct task *task)
{
	struct user_regs_struct regs;

	task->inside = !task->inside;
	if (!counting || (!task->inside && !task->failing))
		return;
	if (task->inside && !is_it(task, ++task->calls, fault.call))
		return;
	if (ptrace(PTRACE_GETREGS, task->pid, 0, &regs))
		die("reading registers");
	if (task->inside) {
		fprintf(report, "faulted %llu\n", regs.orig_rax);
		regs.orig_rax = (unsigned long long)-1;
		task->failing = fault.done = true;
	} else {
		regs.rax = (unsigned long long)-(long long)fault.error;
		task->failing = false;
	}
	if (ptrace(PTRACE_SETREGS, task->pid, 0, &regs))
		die("setting registers");
}

static void step_over(pid_t pid, int i)
{
	int status;

	poke(pid, entries[i].at, entries[i].text);
	if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid)
		die("a step");
	if (WIFSTOPPED(status))
		arm(pid, i);
}

/* Returns whether the stop was at main, or at the beginning of an allocator. */
static bool at_trap(struct task *task)
{
	struct user_regs_struct regs;
	int i = 0;

	if (ptrace(PTRACE_GETREGS, task->pid, 0, &regs))
		die("reading registers");
	while (i < n_entries && entries[i].at != regs.rip - 1)
		i++;
	if (i == n_entries)
		return false;
	regs.rip--;
	counting |= i == 0; /* main */
	if (i && counting && is_it(task, ++task->allocations, fault.allocation)) {
		regs.rip = (unsigned long long)ptrace(PTRACE_PEEKTEXT, task->pid, regs.rsp, 0);
		regs.rsp += sizeof(long);
		regs.rax = 0;
		fault.done = true;
		fprintf(report, "faulted allocation\n");
		return !ptrace(PTRACE_SETREGS, task->pid, 0, &regs);
	}
	if (ptrace(PTRACE_SETREGS, task->pid, 0, &regs))
		die("setting registers");
	step_over(task->pid, i);
	return true;
}

static void at_stop(pid_t pid, int status, const char *from, const char *until)
{
	struct task *task = task_of(pid);
	int sig = WSTOPSIG(status), event = status >> 16;
	enum __ptrace_request request = PTRACE_SYSCALL;

	if (sig == (SIGTRAP | 0x80)) {
		at_call(task);
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		task->inside = true; /* its exit is still to come */
		if (at_exec(task, from, until))
			request = PTRACE_DETACH;
		sig = 0;
	} else if (event || (sig == SIGTRAP && armed && at_trap(task))) {
		sig = 0;
	} else if (sig == SIGSTOP && !task->calls && !task->inside) {
		sig = 0; /* a new task's first stop */
	}
	(void)ptrace(request, pid, 0, (long)sig);
	if (request == PTRACE_DETACH)
		task->pid = 0;
}

static void start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(FAILED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
		ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) || ptrace(PTRACE_SYSCALL, pid, 0, 0))
		die("starting");
	(void)task_of(pid);
}

static bool has_traced(void)
{
	for (int i = 0; i < n_tasks; i++) {
		if (tasks[i].pid)
			return true;
	}
	return false;
}

/* The end of the first process, which is not detached, or that of its last one. */
static int follow(const char *from, const char *until)
{
	pid_t first = tasks[0].pid;
	int status, first_status = -1;

	while (first_status < 0 || has_traced()) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0)
			break;
		if (WIFSTOPPED(status)) {
			at_stop(pid, status, from, until);
			continue;
		}
		if (pid == first)
			first_status = status;
		for (int i = 0; i < n_tasks; i++) {
			if (tasks[i].pid == pid)
				tasks[i].pid = 0;
		}
	}
	return first_status;
}

/* Those that nobody has waited for have been handed to us. */
static int count_left(void)
{
	int n = 0;
	siginfo_t info = {0};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		n = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
	}
	return n;
}

static void take_fault(const char *text, bool is_call)
{
	int error = 0, n;
	unsigned long number;

	n = sscanf(text, "%d:%lu:%d", &fault.process, &number, &error);
	if (n < 2 + is_call)
		die(text);
	*(is_call ? &fault.call : &fault.allocation) = number;
	fault.error = error;
}

int main(int argc, char **argv)
{
	int option, status;

	while ((option = getopt(argc, argv, "+c:a:b:m:o:")) != -1) {
		if (option == 'o')
			report = fopen(optarg, "we");
		else if (option == 'b' || (option == 'm' && n_entries && n_entries < ENTRIES_MAX))
			entries[n_entries++].offset = strtoull(optarg, NULL, 16);
		else
			take_fault(optarg, option == 'c');
	}
	if (!report || !n_entries || argc - optind < 3)
		die("usage");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start(argv + optind + 2);
	status = follow(argv[optind], argv[optind + 1]);
	write_report();
	if (started)
		fprintf(report, "started\n");
	fprintf(report, "left %d\n", count_left());
	fclose(report);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
