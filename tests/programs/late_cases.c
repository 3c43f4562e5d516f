/* build: -rdynamic */
/*
 * What a program may be up to when the moment comes at which it is to be held: moment() is called.
 * It then reports how it is held, and ends with status 5.
 *
 *	late_cases CASE
 */
#include <linux/filter.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "late_cases.h"

enum { SMALL = 6 * 1024 };

/* @answers: to seccomp(2); all else is allowed. */
static void load_filter(uint32_t answers)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answers),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, insns};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static void behind_filter(uint32_t answers)
{
	load_filter(answers);
	moment();
	report("own");
}

static void own_filter(void)
{
	behind_filter(SECCOMP_RET_ALLOW);
}

static void faking_filter(void)
{
	behind_filter(SECCOMP_RET_ERRNO);
}

static void killing_filter(void)
{
	behind_filter(SECCOMP_RET_KILL_PROCESS);
}

/* A stack in a frame of the first one, as coroutines have them: what lies below is in use. */
static ucontext_t back, there;

static void coroutine(void)
{
	moment();
}

static void small_stack(void)
{
	char stack[64 * 1024];
	volatile size_t damaged = 0;

	memset(stack, 'x', sizeof(stack));
	(void)getcontext(&there);
	there.uc_stack.ss_sp = stack + sizeof(stack) / 2;
	there.uc_stack.ss_size = SMALL;
	there.uc_link = &back;
	makecontext(&there, coroutine, 0);
	(void)swapcontext(&back, &there);
	for (size_t i = 0; i < sizeof(stack) / 2; i++)
		damaged += stack[i] != 'x';
	printf("damaged: %zu\n", damaged);
	report("coroutine");
}

#ifdef __x86_64__
/* moment_in_sequence is called within a restartable sequence: preempted there, it is to be aborted.
 */
static int in_sequence(void)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	int aborted = 0;

	__asm__ volatile(".pushsection .data.rseq, \"aw\"\n"
			 ".balign 32\n"
			 "1: .long 0, 0\n"
			 ".quad 2f, 3f - 2f, 4f\n"
			 ".popsection\n"
			 "leaq 1b(%%rip), %%rax\n"
			 "movq %%rax, %[area]\n"
			 "2: nop\n"
			 ".globl moment_in_sequence\n"
			 ".type moment_in_sequence, @function\n"
			 "moment_in_sequence:\n"
			 "nop\n"
			 "3: jmp 5f\n"
			 ".long %c[signature]\n"
			 "4: movl $1, %[aborted]\n"
			 "5:\n"
			 : [aborted] "+m"(aborted), [area] "=m"(area->rseq_cs)
			 : [signature] "i"(RSEQ_SIG)
			 : "rax", "memory");
	return aborted;
}
#endif

static void sequence(void)
{
	printf("aborted: %d\n", in_sequence());
	report("sequence");
}

#ifdef __x86_64__
/* A function that begins with a breakpoint of its own. */
__asm__(".globl trapping\n.type trapping, @function\ntrapping: int3\nret\n.size trapping, 2\n");
#endif

static volatile sig_atomic_t traps;

static void on_trap(int sig)
{
	(void)sig;
	traps++;
}

/* Traps of the program's own before, and behind. */
static void own_traps(void)
{
	(void)signal(SIGTRAP, on_trap);
	(void)raise(SIGTRAP);
	__asm__ volatile("int3");
	moment();
	(void)raise(SIGTRAP);
	__asm__ volatile("int3");
	printf("traps: %d\n", (int)traps);
	report("own");
}

/* What SIGTRAP does, as it was inherited. */
static void inherited_trap(void)
{
	struct sigaction action;
	sigset_t mask;

	(void)sigaction(SIGTRAP, NULL, &action);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	printf("ignored: %d, blocked: %d\n", action.sa_handler == SIG_IGN,
		sigismember(&mask, SIGTRAP));
	report("own");
}

/* The program has said what SIGTRAP does, whatever it inherited. */
static void handled_trap(void)
{
	struct sigaction action;

	(void)signal(SIGTRAP, on_trap);
	moment();
	(void)sigaction(SIGTRAP, NULL, &action);
	printf("handled: %d\n", action.sa_handler == on_trap);
	report("own");
}

static void stops(void)
{
	(void)!write(STDOUT_FILENO, "stops\n", 6);
	(void)raise(SIGSTOP);
	moment();
	report("own");
}

/* A terminal's line, before the moment. */
static void line(void)
{
	char text[64] = "";

	printf("started %d\n", getpid());
	(void)!fgets(text, sizeof(text), stdin);
	moment();
	printf("got=%s", text);
	report("own");
}

static void held(void)
{
	moment();
	report("own");
}

/* Nobody but root may look into it any more. */
static void hidden(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	held();
}

static void never(void)
{
	char end;

	(void)!read(STDIN_FILENO, &end, 1);
}

static const struct late_case CASES[] = {
	{"own-filter", own_filter},
	{"faking-filter", faking_filter},
	{"killing-filter", killing_filter},
	{"small-stack", small_stack},
	{"sequence", sequence},
	{"own-traps", own_traps},
	{"inherited-trap", inherited_trap},
	{"handled-trap", handled_trap},
	{"stops", stops},
	{"held", held},
	{"hidden", hidden},
	{"line", line},
	{"never", never},
};

/* Before main. */
__attribute__((constructor)) static void before(int argc, char **argv)
{
	char held_case[] = "held", *again[] = {argv[0], held_case, NULL};

	if (argc > 1 && !strcmp(argv[1], "exec-before-main"))
		(void)execv("/proc/self/exe", again);
}

int main(int argc, char **argv)
{
	return late_run(CASES, sizeof(CASES) / sizeof(CASES[0]), argc, argv);
}
