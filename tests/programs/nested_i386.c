/* build: -m32 -O2 -fomit-frame-pointer */
/*
 * nested.h, as a 32-bit program.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
