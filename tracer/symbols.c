#include "symbols.h"

#include <stdlib.h>
#include <string.h>

void symbols_init(struct symbols *symbols, const char *debug_root)
{
	*symbols = (struct symbols){.debug_root = debug_root};
	for (size_t i = 0; i < SYMBOLS_MODULES; i++)
		symbols->entries[i].module = MODULE_CLOSED;
}

static void entry_release(struct symbols *symbols, struct symbols_entry *entry)
{
	symbols->size -= entry->size;
	module_close(&entry->module);
	*entry = (struct symbols_entry){.module = MODULE_CLOSED};
}

void symbols_done(struct symbols *symbols)
{
	for (size_t i = 0; i < SYMBOLS_MODULES; i++)
		entry_release(symbols, &symbols->entries[i]);
}

static struct symbols_entry *entry_find(struct symbols *symbols, const struct file_id *id)
{
	for (size_t i = 0; i < SYMBOLS_MODULES; i++) {
		if (!memcmp(&symbols->entries[i].id, id, sizeof(*id)))
			return &symbols->entries[i];
	}
	return NULL;
}

/*
 * The one that was not used for the longest time, or a free one.  @but: only one that takes memory,
 * and is not this; NULL if there is none.
 */
static struct symbols_entry *entry_oldest(struct symbols *symbols, const struct symbols_entry *but)
{
	struct symbols_entry *oldest = NULL;

	for (size_t i = 0; i < SYMBOLS_MODULES; i++) {
		struct symbols_entry *entry = &symbols->entries[i];

		if (but && (entry == but || entry->size == 0))
			continue;
		if (!oldest || entry->used < oldest->used)
			oldest = entry;
	}
	return oldest;
}

/* Note how large it has become, and make room for that. */
static void entry_measure(struct symbols *symbols, struct symbols_entry *entry)
{
	symbols->size -= entry->size;
	entry->size = entry->module.elf ? module_size(&entry->module) : 0;
	symbols->size += entry->size;
	while (symbols->size > SYMBOLS_BYTES) {
		struct symbols_entry *oldest = entry_oldest(symbols, entry);

		if (!oldest)
			return;
		entry_release(symbols, oldest);
	}
}

static bool module_open(struct module *module, const struct space *space,
	const struct space_map *map, bool *out_had)
{
	size_t size;
	void *image = space_vdso(space, map, &size);
	int fd = image ? -1 : space_open(space, map);

	*out_had = image || fd >= 0;
	if (image)
		return module_open_image(module, image, size);
	return fd >= 0 && module_open_file(module, fd);
}

/* NULL: the file cannot be had, which is not remembered: another process may show it. */
static struct symbols_entry *entry_open(struct symbols *symbols, const struct space *space,
	const struct space_map *map, const struct file_id *id)
{
	struct module module = MODULE_CLOSED;
	struct symbols_entry *entry;
	bool had;

	(void)module_open(&module, space, map, &had);
	if (!had)
		return NULL;
	entry = entry_oldest(symbols, NULL);
	entry_release(symbols, entry);
	entry->id = *id;
	entry->module = module;
	entry_measure(symbols, entry);
	return entry;
}

static struct symbols_entry *entry_of(
	struct symbols *symbols, const struct space *space, const struct space_map *map)
{
	struct file_id id = map->id;
	struct symbols_entry *entry;

	if (!file_id_known(&id) && !strcmp(map->path, SPACE_VDSO))
		id = space_identify(space, map);
	if (!file_id_known(&id))
		return NULL;
	entry = entry_find(symbols, &id);
	if (!entry)
		entry = entry_open(symbols, space, map, &id);
	if (!entry)
		return NULL;
	entry->used = ++symbols->clock;
	return entry->module.elf ? entry : NULL;
}

struct module *symbols_module(
	struct symbols *symbols, const struct space *space, const struct space_map *map)
{
	struct symbols_entry *entry = entry_of(symbols, space, map);

	return entry ? &entry->module : NULL;
}

/* The symbol at @offset in the file of @map, and how far behind its start that is. */
static const char *name_of(struct symbols *symbols, const struct space *space,
	const struct space_map *map, uint64_t offset, uint64_t *out_behind)
{
	struct symbols_entry *entry = entry_of(symbols, space, map);
	const struct symbol_table *table;
	const struct symbol *symbol;
	uint64_t address;

	if (!entry || !module_address(&entry->module, offset, &address))
		return NULL;
	if (!entry->module.named) {
		(void)module_symbols(&entry->module, symbols->debug_root);
		entry_measure(symbols, entry);
	}
	table = module_symbols(&entry->module, symbols->debug_root);
	symbol = symbol_table_find(table, address);
	if (!symbol)
		return NULL;
	*out_behind = address - symbol->start;
	return symbol_table_name(table, symbol);
}

void symbols_name(struct symbols *symbols, const struct space *space, uint64_t address,
	bool returned, struct symbols_name *out)
{
	uint64_t before = returned && address > 0 ? 1 : 0, offset, behind;
	const struct space_map *map = space_find(space, address - before);
	const char *symbol;

	*out = (struct symbols_name){.module = "", .symbol = "", .offset = address};
	if (!map || !*map->path)
		return;
	offset = space_offset(map, address - before);
	symbol = name_of(symbols, space, map, offset, &behind);
	out->module = map->path;
	out->symbol = symbol ? symbol : "";
	out->offset = (symbol ? behind : offset) + before;
}
