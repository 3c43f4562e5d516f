/*
 * make_calls: make the calls that standard input lists, "NUMBER ARGUMENT..." a line, six arguments
 * each, all in hex; whatever they return.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	long n, a[6];

	while (scanf("%lx %lx %lx %lx %lx %lx %lx", &n, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]) ==
		7)
		(void)syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
	return 0;
}
