/*
 * A 64-bit process that also enters through int $0x80, as 32-bit code does: 30 times number 20
 * (i386: getpid; the same number is writev on x86_64), 5 times number 600 (nothing), between 40
 * native getppid.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
static long call_i386(long nr)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr) : "memory");
	return result;
}

int main(void)
{
	for (int i = 0; i < 30; i++) {
		if (call_i386(20) != getpid())
			return 1;
	}
	for (int i = 0; i < 5; i++) {
		if (call_i386(600) >= 0)
			return 1;
	}
	for (int i = 0; i < 40; i++)
		(void)getppid();
	puts("mixed");
	return 0;
}
#else
int main(void)
{
	puts("no int $0x80 here");
	return 77;
}
#endif
