/* build: -static -nostdlib -fno-stack-protector */
/*
 * exit_errno NUMBER [ARGUMENT...]: make one system call by its number, with up to three arguments,
 * in decimal, and end with the errno as status, or 0.  It makes no other calls: execve, that one,
 * exit_group.
 */
#include <sys/syscall.h>

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start\n");

static long call(long nr, long a, long b, long c)
{
	long value;

	__asm__ volatile("syscall"
			 : "=a"(value)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return value;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x0, sp\n"
	"	bl start\n");

static long call(long nr, long a, long b, long c)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#else
#error "how does this machine make a system call?"
#endif

static long number(const char *text)
{
	long value = 0;

	while (*text >= '0' && *text <= '9')
		value = 10 * value + (*text++ - '0');
	return value;
}

/* @stack: what a program finds there: the number of arguments, then their addresses. */
_Noreturn void start(const long *stack)
{
	enum { WORDS = 4 };
	const char *const *argv = (const char *const *)(stack + 1);
	long words[WORDS] = {0}, result;

	for (long i = 0; i < WORDS && i + 1 < stack[0]; i++)
		words[i] = number(argv[i + 1]);
	result = call(words[0], words[1], words[2], words[3]);
	(void)call(SYS_exit_group, result < 0 ? -result : 0, 0, 0);
	__builtin_trap();
}
