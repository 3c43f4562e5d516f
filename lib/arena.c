#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

/* From what a small document needs to what malloc(3) does not yet map each time
 * (M_MMAP_THRESHOLD). */
enum { BLOCK_MIN = 4 * 1024, BLOCK_MAX = 64 * 1024, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *older;
	max_align_t bytes[];
};

static int arena_grow(struct arena *arena, size_t size)
{
	size_t usual = arena->newest ? 2 * arena->usual : BLOCK_MIN;
	struct arena_block *block = NULL;
	size_t room;

	usual = usual < BLOCK_MAX ? usual : BLOCK_MAX;
	room = size < usual ? usual : size;

	if (room <= SIZE_MAX - sizeof(*block))
		block = malloc(sizeof(*block) + room);
	if (!block)
		return -1;
	block->older = arena->newest;
	arena->newest = block;
	arena->at = (char *)block->bytes;
	arena->left = room;
	arena->usual = usual;
	return 0;
}

void *arena_take(struct arena *arena, size_t size)
{
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	char *taken;

	if (rounded < size || (rounded > arena->left && arena_grow(arena, rounded)))
		return NULL;
	taken = arena->at;
	arena->at += rounded;
	arena->left -= rounded;
	return taken;
}

void arena_done(struct arena *arena)
{
	for (struct arena_block *block = arena->newest, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	*arena = (struct arena){0};
}
