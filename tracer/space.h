/*
 * space.h: where the code of a process lies: which part of which file at which address.
 *
 * A space is read once and stays as it was read: who sees an address that lies in none of its
 * mappings may read another one.
 */
#ifndef SYSCLAMP_SPACE_H
#define SYSCLAMP_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define SPACE_VDSO "[vdso]"

/*
 * Which file it is, and in which state: one that was replaced or written to is another one.  For
 * the vDSO, a hash of its content.  All zero: unknown.
 */
struct file_id {
	uint64_t dev, ino, size, mtime_ns, ctime_ns;
};

/* One executable mapping. */
struct space_map {
	uint64_t start, end;
	uint64_t offset; /* in the file, of `start` */
	uint64_t ino; /* of the file, as /proc tells it; 0: none */
	struct file_id id; /* that of the vDSO of 64 bits is left to space_identify() */
	/*
	 * As the process sees it (chroot(2) aside), with " (deleted)" behind what is; "[vdso]" and
	 * the like; "": memory without a file.
	 */
	char *path;
};

/* Its executable mappings by address. */
struct space {
	pid_t pid;
	struct space_map *maps;
	size_t n, room;
};

/**
 * Read the mappings of process @pid, which must not be gone.
 *
 * @out: to be released with space_done().
 * Errors: it cannot be read; out of memory.  Of a process with more than 4096 executable mappings
 * the first ones are taken.
 */
int space_read(pid_t pid, struct space *out, struct err *e);

/** Takes a zeroed one, too. */
void space_done(struct space *space);

/** The mapping that @address lies in, or NULL. */
const struct space_map *space_find(const struct space *space, uint64_t address);

/** Which file it is; all zero if that cannot be known. */
struct file_id space_identify(const struct space *space, const struct space_map *map);

/**
 * Open the file of one of its mappings, wherever its mount namespace is, as long as it is the one
 * that was mapped; works without the process if the file has the same path here.
 *
 * Returns a descriptor of the caller's, or -1.
 */
int space_open(const struct space *space, const struct space_map *map);

/**
 * The image of the vDSO that @map is.
 *
 * @out_size: in bytes.
 * Returns heap of the caller's; NULL if it cannot be read or is none.
 */
void *space_vdso(const struct space *space, const struct space_map *map, size_t *out_size);

/** Where in the file the code at @address lies, which is in @map. */
static inline uint64_t space_offset(const struct space_map *map, uint64_t address)
{
	return address - map->start + map->offset;
}

static inline bool file_id_known(const struct file_id *id)
{
	return id->size != 0;
}

#endif
