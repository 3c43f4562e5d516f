/* build: -O2 -fomit-frame-pointer */
/*
 * A function whose call frame information remembers its state a hundred times.
 */
#include <unistd.h>

__attribute__((noipa)) static int caller(void)
{
	__asm__ volatile(".rept 100\n.cfi_remember_state\n.endr");
	return getppid() + 1;
}

int main(void)
{
	return caller() == 0;
}
