/* build: -pthread */
/*
 * filter_races WAY: a workload that loads its own filter in a way that once misled or hung a
 * recorder. Each makes getppid calls that its filter denies; it exits 0 if they were denied.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter DENY_GETPPID[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static atomic_int ready, done;

static int load(unsigned flags)
{
	struct sock_fprog program = {4, DENY_GETPPID};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0;
}

/* How many of @n calls were not denied. */
static int denied(int n)
{
	int failed = 0;

	while (n-- > 0)
		failed += syscall(SYS_getppid) != -1;
	return failed;
}

/* A listener is asked for in a way that fails, as libraries do to see what the kernel knows. */
static int way_probe(void)
{
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, NULL);
	return load(0) || denied(5);
}

static int leader_is_dead(void)
{
	char text[512];
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return strstr(text, ") Z") != NULL;
}

static void *after_leader(void *unused)
{
	(void)unused;
	while (!leader_is_dead())
		sched_yield();
	_exit(load(SECCOMP_FILTER_FLAG_TSYNC) || denied(5));
}

/* All threads get the filter when the first of them has ended. */
static int way_leader(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, after_leader, NULL);
	pthread_exit(NULL);
}

static void *in_vfork(void *unused)
{
	pid_t pid = vfork();

	if (pid == 0) {
		ready = 1;
		while (!done)
			sched_yield();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return unused;
}

/* All threads get the filter while one waits for its vfork child, which waits for that. */
static int way_vfork(void)
{
	pthread_t thread;
	int failed;

	pthread_create(&thread, NULL, in_vfork, NULL);
	while (!ready)
		sched_yield();
	failed = load(SECCOMP_FILTER_FLAG_TSYNC) || denied(5);
	done = 1;
	pthread_join(thread, NULL);
	return failed;
}

static void *failing(void *out_failed)
{
	while (!done) {
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
		ready = 1;
	}
	*(int *)out_failed = denied(5);
	return NULL;
}

/* All threads get the filter while one is about to fail to load its own. */
static int way_failing(void)
{
	pthread_t thread;
	int failed = 0;

	pthread_create(&thread, NULL, failing, &failed);
	while (!ready)
		sched_yield();
	if (load(SECCOMP_FILTER_FLAG_TSYNC))
		failed = 1;
	done = 1;
	pthread_join(thread, NULL);
	return failed;
}

static char stack[65536] __attribute__((aligned(16)));
static atomic_int fresh_failed = -1;

static int fresh(void *unused)
{
	(void)unused;
	while (!done)
		;
	fresh_failed = denied(5);
	return 0;
}

/* All threads get the filter while one has not called anything yet. */
static int way_fresh(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	int failed;

	if (clone(fresh, stack + sizeof(stack), flags, NULL) < 0)
		return 1;
	usleep(50000); /* it has returned from clone */
	failed = load(SECCOMP_FILTER_FLAG_TSYNC);
	done = 1;
	while (fresh_failed < 0)
		sched_yield();
	return failed || fresh_failed;
}

#ifdef __x86_64__
/* prctl of i386 with an upper half that the kernel does not look at. */
static int way_int80(void)
{
	char *low = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	memcpy(low + 64, DENY_GETPPID, sizeof(DENY_GETPPID));
	*(uint16_t *)low = 4;
	*(uint32_t *)(low + 4) = (uint32_t)(uintptr_t)(low + 64);
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(172L), "b"((long)PR_SET_SECCOMP), "c"(0x100000002L), "d"(low)
			 : "memory", "r8", "r9", "r10", "r11");
	return result != 0 || denied(5);
}
#endif

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} ways[] = {
		{"probe", way_probe},
		{"leader", way_leader},
		{"vfork", way_vfork},
		{"failing", way_failing},
		{"fresh", way_fresh},
#ifdef __x86_64__
		{"int80", way_int80},
#endif
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (argc > 1 && !strcmp(argv[1], ways[i].name))
			return ways[i].run();
	}
	return 2;
}
