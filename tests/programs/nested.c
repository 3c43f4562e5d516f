/* build: -O2 -fomit-frame-pointer */
/*
 * nested.h, without frame pointers.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
