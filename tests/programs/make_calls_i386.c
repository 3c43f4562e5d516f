/* build: -static -m32 */
#include "make_calls.c"
