/*
 * fuzz.h: what the fuzz targets share.
 *
 * A target is one file with one LLVMFuzzerTestOneInput().  Linked with libFuzzer it is searched
 * with (make fuzz); linked with replay.c it goes through the inputs kept in corpus/ (make check).
 * What must hold is said with must(), which ends the process when it does not.
 */
#ifndef SYSCLAMP_FUZZ_H
#define SYSCLAMP_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(held, ...)                                                                            \
	do {                                                                                       \
		if (!(held)) {                                                                     \
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                            \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy of the input in a block of its own size, for the address sanitizer to watch.  Heap. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	copy = realloc(copy, size ? size : 1);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

#endif
