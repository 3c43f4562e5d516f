/* build: -static */
/*
 * call_with [int80] [hold] NR ARGUMENT...: make one system call by its number with these arguments
 * (0x for hexadecimal), or the first two of them by int $0x80 under i386's numbers, print "errno
 * N", and with "hold" wait to be killed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int call_i386(const unsigned long *words)
{
#ifdef __x86_64__
	int result = (int)words[0];

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(words[1]), "c"(words[2]), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result < 0 ? -result : 0;
#else
	return words[0] ? ENOSYS : 0;
#endif
}

static int call_native(const unsigned long *words)
{
	errno = 0;
	(void)syscall((long)words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
	return errno;
}

int main(int argc, char **argv)
{
	enum { WORDS = 7 };
	unsigned long words[WORDS] = {0};
	int next = 1;
	int i386 = next < argc && !strcmp(argv[next], "int80") && next++;
	int hold = next < argc && !strcmp(argv[next], "hold") && next++;

	for (int i = 0; i < WORDS && next + i < argc; i++)
		words[i] = strtoul(argv[next + i], NULL, 0);
	printf("errno %d\n", i386 ? call_i386(words) : call_native(words));
	fflush(stdout);
	while (hold)
		(void)syscall(SYS_ppoll, NULL, 0UL, NULL, NULL, 8UL);
	return 0;
}
