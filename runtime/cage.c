#include "cage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cage_done(struct cage *cage)
{
	if (!cage)
		return;
	arena_done(&cage->arena);
	*cage = (struct cage){0};
}

const char *cage_text(struct cage *cage, const char *format, ...)
{
	va_list args, again;
	char *text;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	text = len < 0 ? NULL : arena_take(&cage->arena, (size_t)len + 1);
	if (text)
		(void)vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

/* An array has room for the next power of two of items, so that it is full at each of those. */
static bool is_full(size_t n)
{
	return (n & (n - 1)) == 0;
}

void *cage_append(struct cage *cage, void *items, size_t *n, size_t size)
{
	char *array, *grown;

	memcpy(&array, items, sizeof(array)); /* pointers to objects have one representation */
	if (is_full(*n)) {
		grown = arena_take(&cage->arena, (*n ? 2 * *n : 1) * size);
		if (!grown)
			return NULL;
		if (*n)
			memcpy(grown, array, *n * size);
		memcpy(items, &grown, sizeof(grown));
		array = grown;
	}
	return memset(array + (*n)++ * size, 0, size);
}
