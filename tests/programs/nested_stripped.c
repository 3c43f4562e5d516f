/* build: -O2 -fomit-frame-pointer -s */
/*
 * nested.h, without symbols; otherwise the same as nested.
 */
#include "nested.h"

int main(void)
{
	return nested_outer(nested_size) == 0;
}
