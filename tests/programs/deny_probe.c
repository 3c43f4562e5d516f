/* build: -pthread */
/*
 * deny_probe WAY: make getppid, which somebody may deny, and print all that can be seen of how.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { I386_GETPPID = 64 };

static uintptr_t behind; /* the instruction behind the call */
static long parent; /* as /proc/self/stat tells it */

/* The value in the register, which is a pid if nobody denies it: printed as "some". */
__attribute__((noinline)) static long call_native(void)
{
	long value;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n"
			 "mov %%rcx, %1\n"
			 "syscall\n"
			 "1:"
			 : "=a"(value), "=m"(behind)
			 : "a"((long)SYS_getppid)
			 : "rcx", "r11", "memory");
	return value;
}

static long call_compat(void)
{
	long value;

	__asm__ volatile("int $0x80"
			 : "=a"(value)
			 : "a"((long)I386_GETPPID)
			 : "memory", "r8", "r9", "r10", "r11");
	return value;
}

/* What nobody denied is a process number. */
static void show(long value)
{
	if (value == parent)
		printf("made\n");
	else
		printf("value %ld\n", value);
}

static void handle(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;
	const greg_t *regs = at->uc_mcontext.gregs;

	printf("signal %d, errno %d, syscall %d, arch %x, at the call: %d, rax %lld, rip %d\n", sig,
		info->si_errno, info->si_syscall, info->si_arch,
		(uintptr_t)info->si_call_addr == behind, (long long)regs[REG_RAX],
		(uintptr_t)regs[REG_RIP] == behind);
	printf("code %d\n", info->si_code);
}

static long parent_of_self(void)
{
	FILE *stat = fopen("/proc/self/stat", "r");
	long number = 0;

	if (stat) {
		if (fscanf(stat, "%*d %*s %*c %ld", &number) != 1)
			number = 0;
		fclose(stat);
	}
	return number;
}

static int way_call(void)
{
	for (int i = 0; i < 3; i++)
		show(call_native());
	return 4;
}

static int way_compat(void)
{
	show(call_compat());
	return 4;
}

static int way_handler(void)
{
	struct sigaction act = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};

	sigaction(SIGSYS, &act, NULL);
	return way_call();
}

static int way_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return way_call();
}

static int way_ignored(void)
{
	signal(SIGSYS, SIG_IGN);
	return way_call();
}

static void *call_in_thread(void *arg)
{
	(void)arg;
	show(call_native());
	return NULL;
}

static int way_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_in_thread, NULL))
		return 1;
	pthread_join(thread, NULL);
	printf("the process lives\n");
	return 4;
}

static int way_child(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		parent = parent_of_self();
		_exit(way_call());
	}
	waitpid(child, &status, 0);
	printf("child: status %d, signal %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 4;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} WAYS[] = {
		{"call", way_call},
		{"compat", way_compat},
		{"handler", way_handler},
		{"blocked", way_blocked},
		{"ignored", way_ignored},
		{"thread", way_thread},
		{"child", way_child},
	};
	const struct rlimit none = {0, 0};

	/* What was printed before a death is seen. */
	setvbuf(stdout, NULL, _IONBF, 0);
	setrlimit(RLIMIT_CORE, &none);
	parent = parent_of_self();
	for (size_t i = 0; argc == 2 && i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		if (!strcmp(WAYS[i].name, argv[1]))
			return WAYS[i].run();
	}
	return 2;
}
