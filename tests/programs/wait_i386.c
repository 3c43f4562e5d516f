/* build: -m32 -static */
/* A 32-bit program that prints "+" and ends with its standard input. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char byte;

	puts("+");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
