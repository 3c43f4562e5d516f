/*
 * Numbers that are no calls: -1 twice, getpid with x32's bit 3 times, 600 4 times, one beyond 32
 * bits that the kernel cuts (2^32 + 110, getppid on x86_64) 5 times.  Prints which were refused.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void call(long nr, int times)
{
	int refused = 0;

	for (int i = 0; i < times; i++)
		refused += syscall(nr) == -1 && errno == ENOSYS;
	printf("%ld: %d of %d refused\n", nr, refused, times);
}

int main(void)
{
	call(-1, 2);
	call(0x40000000 | SYS_getpid, 3);
	call(600, 4);
	call((1L << 32) + SYS_getppid, 5);
	return 0;
}
