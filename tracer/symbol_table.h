/*
 * symbol_table.h: the functions of one ELF file, found by address.
 *
 * A table is filled from any number of files that describe the same code (the file itself, its
 * separate debug file), then sorted, then asked.  Names are as in the file: not demangled.
 */
#ifndef SYSCLAMP_SYMBOL_TABLE_H
#define SYSCLAMP_SYMBOL_TABLE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t start, end; /* addresses as in the file */
	uint32_t name; /* where it begins in symbol_table.names */
	uint8_t rank; /* of several at one address the lowest is taken */
	bool open; /* of unknown size: it ends where the next one begins, at the latest */
};

struct symbol_table {
	struct symbol *symbols; /* after symbol_table_sort(): by address, one at each */
	size_t n, room;
	char *names;
	size_t names_size, names_room; /* bytes */
};

/**
 * Add the functions of the file's symbol tables of type @type: SHT_SYMTAB or SHT_DYNSYM.  What is
 * damaged is left out, and so is what there is no memory for, or what is larger than any table
 * that people work with.  Returns whether there is such a table.
 */
bool symbol_table_add(struct symbol_table *table, Elf *elf, uint32_t type);

/** To be called once, when all was added. */
void symbol_table_sort(struct symbol_table *table);

/** The function that @address lies in; NULL if none is known. */
const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address);

/** The name of one of its symbols; it stays as long as the table. */
const char *symbol_table_name(const struct symbol_table *table, const struct symbol *symbol);

/** How much memory it takes, in bytes. */
size_t symbol_table_size(const struct symbol_table *table);

void symbol_table_done(struct symbol_table *table);

#endif
