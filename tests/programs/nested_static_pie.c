/* build: -O2 -fomit-frame-pointer -static-pie */
/*
 * nested.h, static, anywhere in memory.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
