/* build: -O2 -fno-omit-frame-pointer */
/*
 * nested.h, with frame pointers, and with rules as well.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
