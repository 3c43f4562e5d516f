/*
 * module.h: one ELF file that code comes from: its rules for unwinding, and its functions.
 *
 * What is needed of it is read, nothing is mapped: a file that is cut short meanwhile is no
 * reason to crash.
 */
#ifndef SYSCLAMP_MODULE_H
#define SYSCLAMP_MODULE_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol_table.h"

struct module {
	int fd; /* -1: it lies in memory, as the vDSO */
	void *image; /* its bytes, if it does */
	Elf *elf;
	Dwarf_CFI *cfi; /* NULL: none, or none that can be trusted */
	uint64_t rules_size; /* how much of the file that may hold in memory, in bytes */
	bool bits32;
	bool named; /* `table` was filled */
	bool looked_at,
		keeps_pointers; /* whether code was looked at for frame pointers; it has them */
	struct symbol_table table;
};

/**
 * Open the ELF file @fd, or the image of @size bytes; both belong to the module from here on, also
 * if it fails.  Returns whether it is an ELF file for x86.
 */
bool module_open_file(struct module *module, int fd);
bool module_open_image(struct module *module, void *image, size_t size);

#define MODULE_CLOSED ((struct module){.fd = -1})

/** Leaves MODULE_CLOSED, and takes that, too. */
void module_close(struct module *module);

/** The address, as in the file, of the code at @offset in the file; false: there is none. */
bool module_address(const struct module *module, uint64_t offset, uint64_t *out_address);

/**
 * Its functions: those of .symtab, or of that of the separate debug file, and of .dynsym; read
 * when they are asked for first.
 *
 * @debug_root: where separate debug files lie by build ID, as /usr/lib/debug; NULL: nowhere.
 */
const struct symbol_table *module_symbols(struct module *module, const char *debug_root);

/** Whether its functions keep frame pointers, as far as what they begin with tells. */
bool module_keeps_pointers(struct module *module);

/** About how much memory it takes, in bytes. */
size_t module_size(const struct module *module);

#endif
