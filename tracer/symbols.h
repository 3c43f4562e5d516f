/*
 * symbols.h: the files that code comes from, kept open for one recorder's life, and names for
 * addresses in them.
 *
 * Any number of processes share it: a file is known by what it is, not by where it is mapped.  At
 * most SYMBOLS_MODULES are open at a time, and about SYMBOLS_BYTES are taken; what was not used
 * for the longest time goes first.  One thread at a time.
 */
#ifndef SYSCLAMP_SYMBOLS_H
#define SYSCLAMP_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "module.h"
#include "space.h"

enum { SYMBOLS_MODULES = 64, SYMBOLS_BYTES = 128 << 20 };

/* A file that was opened, be it an ELF file or not. */
struct symbols_entry {
	struct file_id id; /* unknown: the entry is free */
	uint64_t used; /* when: the value of symbols.clock */
	size_t size; /* bytes; 0: it is no ELF file */
	struct module module;
};

struct symbols {
	const char *debug_root; /* where separate debug files lie; NULL: nowhere */
	struct symbols_entry entries[SYMBOLS_MODULES];
	uint64_t clock;
	size_t size; /* of all entries */
};

/* What an address means. */
struct symbols_name {
	const char *module; /* path as the process sees it, as long as the space; "": none */
	const char *symbol; /* not demangled, until the next call with these symbols; "": unknown */
	/*
	 * From the start of the symbol; without one, in the file, so that it needs nothing but the
	 * mapping; without a file, the address.
	 */
	uint64_t offset;
};

/** @debug_root: has to stay; /usr/lib/debug on Debian; NULL: separate debug files are not used. */
void symbols_init(struct symbols *symbols, const char *debug_root);
void symbols_done(struct symbols *symbols);

/**
 * The file that is mapped there, open; it stays until the next call with these symbols.  NULL: it
 * cannot be had, or is no ELF file.
 */
struct module *symbols_module(
	struct symbols *symbols, const struct space *space, const struct space_map *map);

/**
 * Name @address.
 *
 * @returned: it is one that a call returns to, not one that is executed: the call itself is in
 * front of it, and may be the last instruction of its function.
 */
void symbols_name(struct symbols *symbols, const struct space *space, uint64_t address,
	bool returned, struct symbols_name *out);

#endif
