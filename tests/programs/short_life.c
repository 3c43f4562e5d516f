/* build: -static -nostdlib -fno-stack-protector */
/*
 * Lives for 20 ms, and makes 14 system calls whose first and last are unusual: a container for so
 * long.  Ends with 7 if every call did what it does, with 8 otherwise.  tests/engines/hook.py holds
 * the list.
 */
#include <sys/syscall.h>
#include <time.h>

enum { TIMES = 10 };

#if defined(__x86_64__)
static long call(long nr, long a, long b)
{
	long value;

	__asm__ volatile("syscall"
			 : "=a"(value)
			 : "a"(nr), "D"(a), "S"(b)
			 : "rcx", "r11", "memory");
	return value;
}
#elif defined(__aarch64__)
static long call(long nr, long a, long b)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
	return x0;
}
#else
#error "how does this machine make a system call?"
#endif

_Noreturn void _start(void)
{
	static const struct timespec life = {.tv_nsec = 20000000};
	static struct timespec interval;
	int failed = call(SYS_sched_get_priority_max, 0, 0) != 0;

	for (int i = 0; i < TIMES; i++)
		failed |= call(SYS_getpgid, 0, 0) < 0;
	failed |= call(SYS_nanosleep, (long)&life, 0) != 0;
	failed |= call(SYS_sched_rr_get_interval, 0, (long)&interval) != 0;
	(void)call(SYS_exit_group, 7 + failed, 0);
	__builtin_trap();
}
