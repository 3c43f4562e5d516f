#include "symbol_table.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTION_MAX = 32 << 20, /* bytes of a table of symbols, or of its names */
	TABLE_MAX = 64 << 20, /* bytes of what is made of them: names may overlap in a file */
	NAME_MAX_LEN = 4096, /* of one name, in bytes */
	ENCLOSING_MAX = 16, /* how many symbols further down one that encloses them is looked for */
};

/* The sections that symbols lie in: where they end, and whether they hold code. */
struct section {
	uint64_t end;
	bool code;
};

struct sections {
	struct section *at;
	size_t n;
};

static struct sections sections_of(Elf *elf)
{
	struct sections sections = {0};
	GElf_Shdr header;

	if (elf_getshdrnum(elf, &sections.n) || sections.n == 0 || sections.n > UINT16_MAX)
		return (struct sections){0};
	sections.at = calloc(sections.n, sizeof(*sections.at));
	if (!sections.at)
		return (struct sections){0};
	for (size_t i = 0; i < sections.n; i++) {
		if (!gelf_getshdr(elf_getscn(elf, i), &header))
			continue;
		sections.at[i] = (struct section){
			header.sh_addr + header.sh_size, (header.sh_flags & SHF_EXECINSTR) != 0};
	}
	return sections;
}

/* Grow *@items, of @size bytes each, so that @more fit behind @n of them. */
static bool make_room(void *items, size_t size, size_t n, size_t more, size_t *room)
{
	size_t wanted = *room ? *room : 256;
	void *grown;

	if (n + more <= *room)
		return true;
	while (wanted < n + more)
		wanted *= 2;
	grown = realloc(*(void **)items, wanted * size);
	if (!grown)
		return false;
	*(void **)items = grown;
	*room = wanted;
	return true;
}

/*
 * What is exported is known by its name; a local alias ("__GI_write") is not.  Names with fewer
 * underscores in front are those that are in manuals.
 */
static uint8_t rank_of(const GElf_Sym *sym, const char *name)
{
	size_t underscores = strspn(name, "_");

	return (uint8_t)((GELF_ST_BIND(sym->st_info) == STB_LOCAL ? 128 : 0) +
			 (underscores < 127 ? underscores : 127));
}

static void add_one(struct symbol_table *table, const GElf_Sym *sym, const struct section *section,
	const char *name)
{
	size_t size = strnlen(name, NAME_MAX_LEN) + 1;
	uint64_t end = sym->st_size ? sym->st_value + sym->st_size : section->end;

	if (size == 1 || size > NAME_MAX_LEN || end <= sym->st_value ||
		symbol_table_size(table) > TABLE_MAX ||
		!make_room(&table->symbols, sizeof(*table->symbols), table->n, 1, &table->room) ||
		!make_room(&table->names, 1, table->names_size, size, &table->names_room))
		return;
	table->symbols[table->n++] = (struct symbol){.start = sym->st_value,
		.end = end,
		.name = (uint32_t)table->names_size,
		.rank = rank_of(sym, name),
		.open = sym->st_size == 0};
	memcpy(table->names + table->names_size, name, size);
	table->names_size += size;
}

/*
 * Labels without a type are functions that were written in assembler.  Between two that are
 * exported lie others, which those of unknown size must not cover.
 */
static bool is_function(const GElf_Sym *sym, const struct sections *sections, uint32_t table_type)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= sections->n ||
		!sections->at[sym->st_shndx].code)
		return false;
	if (table_type == SHT_DYNSYM && sym->st_size == 0)
		return false;
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* The text that names are parts of; NULL: there is none, or the last of them has no end. */
static const Elf_Data *names_of(Elf *elf, const GElf_Shdr *symbols)
{
	Elf_Scn *scn = elf_getscn(elf, symbols->sh_link);
	const Elf_Data *names;
	GElf_Shdr header;

	if (!gelf_getshdr(scn, &header) || header.sh_type != SHT_STRTAB ||
		header.sh_size > SECTION_MAX)
		return NULL;
	names = elf_getdata(scn, NULL);
	if (!names || !names->d_buf || names->d_size == 0 ||
		((const char *)names->d_buf)[names->d_size - 1] != '\0')
		return NULL;
	return names;
}

static void add_all(struct symbol_table *table, Elf *elf, Elf_Data *symbols, const Elf_Data *names,
	const GElf_Shdr *header)
{
	struct sections sections = sections_of(elf);
	size_t count = header->sh_size / header->sh_entsize;
	GElf_Sym sym;

	for (size_t i = 0; i < count; i++) {
		if (gelf_getsym(symbols, (int)i, &sym) &&
			is_function(&sym, &sections, header->sh_type) &&
			sym.st_name < names->d_size)
			add_one(table, &sym, &sections.at[sym.st_shndx],
				(const char *)names->d_buf + sym.st_name);
	}
	free(sections.at);
}

bool symbol_table_add(struct symbol_table *table, Elf *elf, uint32_t type)
{
	GElf_Shdr header;

	/* A file has one of each type; one that is made to keep us busy has more. */
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const Elf_Data *names;
		Elf_Data *symbols;

		if (!gelf_getshdr(scn, &header) || header.sh_type != type)
			continue;
		if (header.sh_entsize < sizeof(Elf32_Sym) || header.sh_size > SECTION_MAX)
			return false;
		names = names_of(elf, &header);
		symbols = names ? elf_getdata(scn, NULL) : NULL;
		if (symbols)
			add_all(table, elf, symbols, names, &header);
		return symbols != NULL;
	}
	return false;
}

static int by_address(const void *left, const void *right, void *names)
{
	const struct symbol *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp((const char *)names + a->name, (const char *)names + b->name);
}

void symbol_table_sort(struct symbol_table *table)
{
	size_t kept = 0;

	if (table->n == 0)
		return;
	qsort_r(table->symbols, table->n, sizeof(*table->symbols), by_address, table->names);
	for (size_t i = 1; i < table->n; i++) {
		if (table->symbols[i].start != table->symbols[kept].start)
			table->symbols[++kept] = table->symbols[i];
	}
	table->n = kept + 1;
	for (size_t i = 0; i < kept; i++) {
		struct symbol *symbol = &table->symbols[i];

		if (symbol->open && symbol->end > symbol[1].start)
			symbol->end = symbol[1].start;
	}
}

/* How many symbols begin at or below @address. */
static size_t count_below(const struct symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
	size_t below = count_below(table, address);

	for (size_t i = 0; i < ENCLOSING_MAX && i < below; i++) {
		const struct symbol *symbol = &table->symbols[below - 1 - i];

		if (address < symbol->end)
			return symbol;
	}
	return NULL;
}

const char *symbol_table_name(const struct symbol_table *table, const struct symbol *symbol)
{
	return table->names + symbol->name;
}

size_t symbol_table_size(const struct symbol_table *table)
{
	return table->room * sizeof(*table->symbols) + table->names_room;
}

void symbol_table_done(struct symbol_table *table)
{
	free(table->symbols);
	free(table->names);
	*table = (struct symbol_table){0};
}
