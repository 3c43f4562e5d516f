/* build: -O2 -fomit-frame-pointer */
/*
 * A function whose call frame information mentions register 134217727.
 */
#include <unistd.h>

__attribute__((noipa)) static int caller(void)
{
	__asm__ volatile(".cfi_escape 0x08, 0xff, 0xff, 0xff, 0x3f");
	return getppid() + 1;
}

int main(void)
{
	return caller() == 0;
}
