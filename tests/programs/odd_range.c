/*
 * odd_range N: call N different numbers that no kernel knows, once each.
 */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 0;

	for (long i = 0; i < n; i++)
		(void)syscall(100000 + i);
	return 0;
}
