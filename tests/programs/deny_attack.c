/* build: -pthread */
/*
 * deny_attack WAY [COUNT]: a workload that means no good to who answers for its filter.  Expected:
 * getppid is denied with EPERM, and so is openat for reading.  Prints what it got, or "held" if all
 * of it was as expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PERIOD_US = 300 };

static long count = 2000;
static volatile sig_atomic_t caught;
static volatile bool over;

static bool is_denied(void)
{
	return syscall(SYS_getppid) == -1 && errno == EPERM;
}

static bool open_is_denied(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0) == -1 && errno == EPERM;
}

static int held(bool all)
{
	printf("%s\n", all ? "held" : "not held");
	return all ? 0 : 1;
}

/* The parent, without the call for it, nor a file that would have to be opened for reading. */
static pid_t parent_of_self(void)
{
	char text[512];
	int fd = open("/proc/self/stat", O_RDWR | O_CLOEXEC);
	int pid = 0;
	ssize_t size;

	if (fd < 0)
		fd = (int)syscall(SYS_open, "/proc/self/stat", O_RDONLY);
	size = read(fd, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	close(fd);
	if (size <= 0 || sscanf(text, "%*d %*s %*c %d", &pid) != 1)
		exit(3);
	return pid;
}

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

/*
 * Signals hit the thread in its calls, with and without SA_RESTART.  One that comes before the
 * supervisor has read the call makes it fail with EINTR, without that.
 */
static int way_storm(void)
{
	struct itimerval timer = {{0, PERIOD_US}, {0, PERIOD_US}};
	struct sigaction act = {.sa_handler = on_signal};
	long denied = 0, interrupted[2] = {0};

	for (int restarts = 0; restarts < 2; restarts++) {
		act.sa_flags = restarts ? SA_RESTART : 0;
		sigaction(SIGALRM, &act, NULL);
		setitimer(ITIMER_REAL, &timer, NULL);
		for (long i = 0; i < count; i++) {
			if (is_denied())
				denied++;
			else
				interrupted[restarts] += errno == EINTR;
		}
	}
	printf("denied %ld, caught %d, others %ld\n", denied, caught > 0,
		2 * count - denied - interrupted[0]);
	return 0;
}

static char path[PAGE];

static void *flip(void *arg)
{
	(void)arg;
	while (!over) {
		strcpy(path, "/dev/null");
		strcpy(path, "/etc/passwd");
	}
	return NULL;
}

/* What the pointer points to changes all the time; the registers say what is decided. */
static int way_flip(void)
{
	pthread_t thread;
	bool all = true;

	if (pthread_create(&thread, NULL, flip, NULL))
		return 1;
	for (long i = 0; i < count; i++)
		all &= open_is_denied(path);
	over = true;
	pthread_join(thread, NULL);
	return held(all);
}

/* Pointers to what is huge, endless, or not there. */
static int way_huge(void)
{
	const size_t size = 64 << 20;
	char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uintptr_t odd[] = {0, 1, UINTPTR_MAX, (uintptr_t)1 << 63, ((uintptr_t)1 << 47) - 1};
	bool all = true;

	if (text == MAP_FAILED)
		return 1;
	memset(text, 'a', size);
	munmap(text + size - PAGE, PAGE);
	all &= open_is_denied(text) && open_is_denied(text + size - PAGE - 1);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		all &= open_is_denied((const char *)odd[i]);
	return held(all);
}

static int way_signals(void)
{
	pid_t parent = parent_of_self();
	bool all = true;

	for (int round = 0; round < 20; round++) {
		for (int sig = 1; sig < NSIG; sig++) {
			if (sig != SIGKILL && sig != SIGSTOP)
				kill(parent, sig);
			all &= is_denied();
		}
	}
	return held(all);
}

/* The supervisor may open nothing any more. */
static int way_limit(void)
{
	const struct rlimit none = {0, 0};
	pid_t parent = parent_of_self();
	bool all = true;

	if (prlimit(parent, RLIMIT_NOFILE, &none, NULL))
		return 3;
	for (long i = 0; i < count; i++)
		all &= is_denied();
	return held(all && open_is_denied("/etc/passwd"));
}

/* Ways into the supervisor's memory, which root has and others should not. */
static int way_intrude(void)
{
	pid_t parent = parent_of_self();
	char byte, name[64];
	struct iovec local = {&byte, 1}, remote = {&byte, 1};

	snprintf(name, sizeof(name), "/proc/%d/mem", parent);
	printf("ptrace: %d\n", ptrace(PTRACE_SEIZE, parent, 0, 0) ? errno : 0);
	printf("mem: %d\n", open(name, O_RDWR) < 0 ? errno : 0);
	printf("readv: %d\n", process_vm_readv(parent, &local, 1, &remote, 1, 0) < 0 ? errno : 0);
	return 0;
}

/* A path that nobody can read until somebody gives it: the thread that answers must not wait. */
static int way_fault(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register area = {
		.range = {(uintptr_t)page, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	bool all;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &area))
		return 3;
	all = open_is_denied(page) && is_denied();
	for (long i = 0; i < count; i++)
		all &= is_denied();
	return held(all);
}

/* A tracer of its own, over its own child, which is denied calls meanwhile. */
static int way_trace(void)
{
	int pipe_fds[2];
	bool all = true;
	char ok;
	pid_t child;

	if (pipe(pipe_fds))
		return 1;
	child = fork();
	if (child == 0) {
		for (long i = 0; i < count; i++)
			all &= is_denied();
		ok = all;
		_exit(write(pipe_fds[1], &ok, 1) != 1);
	}
	if (ptrace(PTRACE_SEIZE, child, 0, 0))
		return 3;
	for (int i = 0; i < 50; i++) {
		int status;

		ptrace(PTRACE_INTERRUPT, child, 0, 0);
		if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status))
			break;
		ptrace(PTRACE_CONT, child, 0, 0);
	}
	return held(read(pipe_fds[0], &ok, 1) == 1 && ok);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} WAYS[] = {
		{"storm", way_storm},
		{"flip", way_flip},
		{"huge", way_huge},
		{"signals", way_signals},
		{"limit", way_limit},
		{"intrude", way_intrude},
		{"fault", way_fault},
		{"trace", way_trace},
	};

	if (argc > 2)
		count = atol(argv[2]);
	for (size_t i = 0; argc > 1 && i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		if (!strcmp(WAYS[i].name, argv[1]))
			return WAYS[i].run();
	}
	return 2;
}
