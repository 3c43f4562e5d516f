/* build: -O2 -fno-omit-frame-pointer -fno-unwind-tables -fno-asynchronous-unwind-tables */
/*
 * nested.h, with frame pointers and nothing else to unwind by.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
