/*
 * nested.h: nested_outer() calls nested_middle(), that nested_inner(), and that makes one call:
 * getppid.  Their frames are of three kinds: aligned to more than the stack is, of a size that is
 * not known before, and plain.  With NESTED_READ the call is a read of descriptor NESTED_FD, which
 * a thread may be cancelled in: C libraries make such calls less directly.
 */
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

enum { NESTED_FD = -7 };

#define NESTED __attribute__((noipa)) static

static volatile int nested_size = 100;

NESTED int nested_inner(void)
{
#ifdef NESTED_READ
	char byte;

	return (int)read(NESTED_FD, &byte, 1) + nested_size;
#else
	return getppid() + nested_size;
#endif
}

NESTED int nested_middle(int size)
{
	char room[size];
	int got;

	memset(room, size, (size_t)size);
	got = nested_inner();
	return got + room[size / 2];
}

NESTED int nested_outer(int size)
{
	alignas(64) char room[128];
	int got;

	memset(room, size, sizeof(room));
	got = nested_middle(size);
	return got + room[size % 64];
}
