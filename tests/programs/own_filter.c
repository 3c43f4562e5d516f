/* build: -pthread */
/*
 * own_filter WAY, own_filter hold COMMAND...: processes with seccomp filters of their own making.
 * In every way the forbidden call is getppid, and no other is ever refused.  How often it is made
 * and refused: see the rows of main().
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static const char *program; /* argv[0] */
static volatile sig_atomic_t trapped;
static pthread_barrier_t barrier;

/* A filter: @action for @nr, everything else allowed.  Returns what seccomp(2) does. */
static int install(long nr, uint32_t action, unsigned flags)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = ARRAY_LEN(insns), .filter = insns};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static int forbid(uint32_t action)
{
	return install(SYS_getppid, action, 0);
}

/* How many of @times getppid fail with @error. */
static int count_refused(int times, int error)
{
	int refused = 0;

	for (int i = 0; i < times; i++)
		refused += syscall(SYS_getppid) == -1 && errno == error;
	return refused;
}

static int wait_status(pid_t child)
{
	int status;

	if (child < 0)
		return -1;
	while (waitpid(child, &status, 0) != child) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

static bool killed_by(pid_t child, int signo)
{
	int status = wait_status(child);

	return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signo;
}

/* 20 allowed, 50 refused. */
static int way_errno(void)
{
	if (count_refused(20, EACCES) != 0 || forbid(SECCOMP_RET_ERRNO | EACCES))
		return 1;
	return count_refused(50, EACCES) == 50 ? 0 : 1;
}

/* A filter that refuses nothing that is called: 20 allowed before it, 50 behind. */
static int way_allow(void)
{
	if (count_refused(20, EACCES) != 0 || install(600, SECCOMP_RET_ERRNO | EACCES, 0))
		return 1;
	return count_refused(50, EACCES) == 0 ? 0 : 1;
}

/* An action that lets the call pass: 30 made, none refused. */
static int way_log(void)
{
	if (forbid(SECCOMP_RET_LOG))
		return 1;
	return count_refused(30, EACCES) == 0 ? 0 : 1;
}

/* The child's first getppid kills it. */
static int way_kill_process(void)
{
	pid_t child = fork();

	if (child == 0) {
		if (forbid(SECCOMP_RET_KILL_PROCESS))
			_exit(1);
		_exit(count_refused(5, EACCES));
	}
	return killed_by(child, SIGSYS) ? 0 : 1;
}

static void *forbid_and_die(void *arg)
{
	int *survived = arg;

	if (forbid(SECCOMP_RET_KILL_THREAD))
		return NULL;
	(void)syscall(SYS_getppid);
	*survived = 1;
	return NULL;
}

/* Each of 3 threads dies of its first getppid; the process makes 10 more that are allowed. */
static int way_kill_thread(void)
{
	pthread_t threads[3];
	int survived = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		if (pthread_create(&threads[i], NULL, forbid_and_die, &survived) ||
			pthread_join(threads[i], NULL))
			return 1;
	}
	return survived + count_refused(10, EACCES);
}

static void count_trap(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	trapped += info->si_syscall == SYS_getppid;
}

/* 25 refused by a signal, which a handler takes. */
static int way_trap(void)
{
	struct sigaction act = {.sa_sigaction = count_trap, .sa_flags = SA_SIGINFO};

	if (sigaction(SIGSYS, &act, NULL) || forbid(SECCOMP_RET_TRAP))
		return 1;
	for (int i = 0; i < 25; i++)
		(void)syscall(SYS_getppid);
	return trapped == 25 ? 0 : 1;
}

/* SECCOMP_RET_TRACE where nobody answers: 15 refused with ENOSYS. */
static int way_trace(void)
{
	if (forbid(SECCOMP_RET_TRACE | 7))
		return 1;
	return count_refused(15, ENOSYS) == 15 ? 0 : 1;
}

/*
 * The child enters strict mode, writes, and dies of its first getppid.  Status 3: strict mode was
 * refused.
 */
static int way_strict(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
			_exit(3);
		(void)!write(STDOUT_FILENO, "strict\n", 7);
		(void)syscall(SYS_getppid);
		syscall(SYS_exit, 4);
	}
	status = wait_status(child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 3 : 1;
}

/* The filter of the parent holds 3 children, 10 refused each, the last in a new image. */
static int way_inherit(void)
{
	if (forbid(SECCOMP_RET_ERRNO | EPERM))
		return 1;
	for (int i = 0; i < 3; i++) {
		pid_t child = i == 1 ? vfork() : fork();

		if (child == 0 && i == 2)
			execl(program, program, "inherited", (char *)NULL);
		if (child == 0)
			_exit(count_refused(10, EPERM) == 10 ? 0 : 1);
		if (wait_status(child) != 0)
			return 1;
	}
	return 0;
}

static int way_inherited(void)
{
	return count_refused(10, EPERM) == 10 ? 0 : 1;
}

static void *call_around_barrier(void *arg)
{
	int *right = arg;

	*right = count_refused(5, EPERM) == 0;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	*right &= count_refused(10, EPERM) == 10;
	return NULL;
}

/* One call gives 4 running threads the filter: 5 allowed and 10 refused in each. */
static int way_tsync(void)
{
	pthread_t threads[4];
	int right[4];
	int all = 0;

	if (pthread_barrier_init(&barrier, NULL, 5))
		return 1;
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, call_around_barrier, &right[i]))
			return 1;
	}
	pthread_barrier_wait(&barrier);
	if (install(SYS_getppid, SECCOMP_RET_ERRNO | EPERM, SECCOMP_FILTER_FLAG_TSYNC))
		_exit(1);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		all += right[i];
	}
	return all == 4 ? 0 : 1;
}

/* Two filters, the later one about another number: 6 refused before it, 4 behind. */
static int way_stacked(void)
{
	if (forbid(SECCOMP_RET_ERRNO | EPERM) || count_refused(6, EPERM) != 6)
		return 1;
	if (install(600, SECCOMP_RET_KILL_PROCESS, 0))
		return 1;
	return count_refused(4, EPERM) == 4 ? 0 : 1;
}

static void ignore(int signo)
{
	(void)signo;
}

static pid_t start_nothing(bool by_vfork)
{
	pid_t child = by_vfork ? vfork() : fork();

	if (child == 0) {
		execl(program, program, "nothing", (char *)NULL);
		_exit(1);
	}
	return child;
}

/* Signals with a handler, and new images by fork and vfork. */
static int busy_children(void)
{
	struct sigaction act = {.sa_handler = ignore};

	if (sigaction(SIGUSR1, &act, NULL))
		return 1;
	for (int i = 0; i < 6; i++) {
		raise(SIGUSR1);
		if (wait_status(start_nothing(i % 2)))
			return 1;
	}
	return 0;
}

/* Children that are killed between two of their calls, or in one, wherever that is. */
static int busy_killed(const int *pipe_fds)
{
	for (int i = 0; i < 30; i++) {
		pid_t child = fork();
		char byte;

		if (child == 0) {
			(void)!write(pipe_fds[1], "", 1);
			for (;;)
				(void)syscall(SYS_getuid);
		}
		if (child < 0 || read(pipe_fds[0], &byte, 1) != 1 || kill(child, SIGKILL))
			return 1;
		if (!killed_by(child, SIGKILL))
			return 1;
	}
	return 0;
}

static void *block(void *arg)
{
	int fd = *(int *)arg;
	char byte;

	pthread_barrier_wait(&barrier);
	(void)!read(fd, &byte, 1);
	return NULL;
}

/* Behind a filter that refuses nothing: what could be mistaken for a refusal. */
static int way_busy(void)
{
	pthread_t thread;
	int pipe_fds[2];

	if (install(600, SECCOMP_RET_ERRNO | EACCES, 0) || pipe(pipe_fds))
		return 1;
	if (busy_children() || busy_killed(pipe_fds))
		return 1;
	/* And a thread that sits in a call when the process ends. */
	if (pthread_barrier_init(&barrier, NULL, 2) ||
		pthread_create(&thread, NULL, block, &pipe_fds[0]))
		return 1;
	pthread_barrier_wait(&barrier);
	return 0;
}

static int way_nothing(void)
{
	return 0;
}

/* Answer @count requests of @listener: the first half with EPERM, the rest may go on. */
static int answer(int listener, int count)
{
	for (int i = 0; i < count; i++) {
		struct seccomp_notif request = {0};
		struct seccomp_notif_resp response = {0};

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
			return 1;
		response.id = request.id;
		if (i < count / 2)
			response.error = -EPERM;
		else
			response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response))
			return 1;
	}
	return 0;
}

/* A supervisor in the parent: of 16 calls it refuses 8 and lets 8 go on. */
static int way_notify(void)
{
	int pipe_fds[2];
	int listener;
	pid_t child;

	if (pipe(pipe_fds))
		return 1;
	child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		listener = install(
			SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		(void)!write(pipe_fds[1], &listener, sizeof(listener));
		_exit(count_refused(16, EPERM) == 8 ? 0 : 1);
	}
	/* The table of descriptors is shared, so the number says it all. */
	if (child < 0 || read(pipe_fds[0], &listener, sizeof(listener)) != sizeof(listener))
		return 1;
	if (listener < 0 || answer(listener, 16))
		return 1;
	return wait_status(child) ? 1 : 0;
}

static void *call_supervised(void *right)
{
	pthread_barrier_wait(&barrier);
	*(int *)right = count_refused(16, EPERM) == 8;
	return NULL;
}

/* The same for a thread that gets its supervisor from another one. */
static int way_notify_all(void)
{
	int listener, right = 0;
	pthread_t thread;

	if (pthread_barrier_init(&barrier, NULL, 2) ||
		pthread_create(&thread, NULL, call_supervised, &right))
		return 1;
	listener = install(SYS_getppid, SECCOMP_RET_USER_NOTIF,
		SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
			SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (listener < 0)
		_exit(1);
	pthread_barrier_wait(&barrier);
	if (answer(listener, 16))
		_exit(1);
	pthread_join(thread, NULL);
	return right ? 0 : 1;
}

/* A launcher: whatever it starts may not make getppid. */
static int hold(char **argv)
{
	if (!forbid(SECCOMP_RET_ERRNO | EPERM))
		execvp(argv[0], argv);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} WAYS[] = {
		/* calls of getppid made, refused */
		{"errno", way_errno}, /* 70, 50 */
		{"allow", way_allow}, /* 70, 0 */
		{"log", way_log}, /* 30, 0 */
		{"kill-process", way_kill_process}, /* 1, 1 */
		{"kill-thread", way_kill_thread}, /* 13, 3 */
		{"trap", way_trap}, /* 25, 25 */
		{"trace", way_trace}, /* 15, 15 */
		{"strict", way_strict}, /* 1, 1 */
		{"inherit", way_inherit}, /* 30, 30 */
		{"inherited", way_inherited}, /* 10, 10; without its parent's filter it fails */
		{"tsync", way_tsync}, /* 60, 40 */
		{"stacked", way_stacked}, /* 10, 10 */
		{"notify", way_notify}, /* 16, 8 */
		{"notify-all", way_notify_all}, /* 16, 8 */
		{"busy", way_busy}, /* 0, 0 */
		{"nothing", way_nothing}, /* 0, 0 */
	};

	program = argv[0];
	if (argc > 2 && !strcmp(argv[1], "hold"))
		return hold(argv + 2);
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(WAYS); i++) {
		if (!strcmp(WAYS[i].name, argv[1]))
			return WAYS[i].run();
	}
	return 2;
}
