/* build: -O2 -fomit-frame-pointer -shared -fPIC */
/*
 * A library: nested.h, called by a function that calls back first.
 */
#include "nested.h"

int library_call(int (*back)(void));

int library_call(int (*back)(void))
{
	return back() + nested_outer(nested_size);
}
