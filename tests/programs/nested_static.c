/* build: -O2 -fomit-frame-pointer -static */
/*
 * nested.h, static.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
