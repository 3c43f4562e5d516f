#include "module.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module_rules.h"
#include "scope.h"

enum {
	PAGE = 4096,
	BUILD_ID_MAX = 64, /* bytes */
	DEBUG_PATH_MAX = 512,
	CODE_MAX = 1 << 20, /* bytes that are looked at */
	SMALL_MAX = 1 << 20, /* bytes of notes, and of the names of sections */
};

static void scope_elf(Elf **elf)
{
	if (*elf)
		(void)elf_end(*elf);
}

#define scoped_elf scoped(scope_elf)

/*
 * Counts that do not fit into the header are those of objects with more than 65000 sections; libelf
 * takes memory for as many as a file claims to have.
 */
static bool has_plain_counts(int fd)
{
	union {
		Elf64_Ehdr bits64;
		Elf32_Ehdr bits32;
	} header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return false;
	if (header.bits64.e_ident[EI_CLASS] == ELFCLASS64)
		return (header.bits64.e_shnum || !header.bits64.e_shoff) &&
		       header.bits64.e_phnum != PN_XNUM;
	return (header.bits32.e_shnum || !header.bits32.e_shoff) &&
	       header.bits32.e_phnum != PN_XNUM;
}

/* What libelf and libdw read as a whole without being asked for it is not large. */
static bool is_modest(Elf *elf)
{
	size_t names, n;
	GElf_Shdr section;
	GElf_Phdr segment;

	if (elf_getshdrstrndx(elf, &names) || elf_getphdrnum(elf, &n))
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (gelf_getshdr(scn, &section) && section.sh_size > SMALL_MAX &&
			(section.sh_type == SHT_NOTE || elf_ndxscn(scn) == names))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE &&
			segment.p_filesz > SMALL_MAX)
			return false;
	}
	return true;
}

static bool is_for_x86(Elf *elf, bool *out_bits32)
{
	GElf_Ehdr header;

	if (!elf || !gelf_getehdr(elf, &header))
		return false;
	*out_bits32 = header.e_machine == EM_386;
	return header.e_machine == EM_386 || header.e_machine == EM_X86_64;
}

static bool open_elf(struct module *module, Elf *elf)
{
	module->elf = elf;
	if (!is_for_x86(elf, &module->bits32) || !is_modest(elf)) {
		module_close(module);
		return false;
	}
	if (module_rules_are_sound(elf, &module->rules_size))
		module->cfi = dwarf_getcfi_elf(elf);
	return true;
}

bool module_open_file(struct module *module, int fd)
{
	*module = (struct module){.fd = fd};
	(void)elf_version(EV_CURRENT);
	return open_elf(module, has_plain_counts(fd) ? elf_begin(fd, ELF_C_READ, NULL) : NULL);
}

bool module_open_image(struct module *module, void *image, size_t size)
{
	*module = (struct module){.fd = -1, .image = image};
	(void)elf_version(EV_CURRENT);
	return open_elf(module, elf_memory(image, size));
}

void module_close(struct module *module)
{
	symbol_table_done(&module->table);
	if (module->cfi)
		(void)dwarf_cfi_end(module->cfi);
	scope_elf(&module->elf);
	free(module->image);
	scope_close(&module->fd);
	*module = MODULE_CLOSED;
}

/* Mappings begin with the page that the segment begins in. */
static uint64_t page_before(uint64_t offset)
{
	return offset & ~(uint64_t)(PAGE - 1);
}

/* The next segment of code, from the one of number *@at on; it is left at the one behind that. */
static bool next_code(const struct module *module, size_t *at, GElf_Phdr *out)
{
	size_t n;

	if (elf_getphdrnum(module->elf, &n))
		return false;
	while (*at < n && *at < UINT16_MAX) {
		if (gelf_getphdr(module->elf, (int)(*at)++, out) && out->p_type == PT_LOAD &&
			out->p_flags & PF_X)
			return true;
	}
	return false;
}

bool module_address(const struct module *module, uint64_t offset, uint64_t *out_address)
{
	GElf_Phdr code;
	size_t at = 0;

	while (next_code(module, &at, &code)) {
		uint64_t begin = page_before(code.p_offset);

		if (offset < begin || offset - begin >= code.p_filesz + code.p_offset - begin)
			continue;
		*out_address = offset - code.p_offset + code.p_vaddr;
		return true;
	}
	return false;
}

/* "push bp; mov sp, bp", in 64 bits and in 32. */
static bool sets_pointer(const uint8_t *code)
{
	static const uint8_t bits64[] = {0x55, 0x48, 0x89, 0xe5}, bits32[] = {0x55, 0x89, 0xe5};

	return !memcmp(code, bits64, sizeof(bits64)) || !memcmp(code, bits32, sizeof(bits32));
}

/* How many functions in that part of the file begin with setting a frame pointer. */
static size_t count_pointers(int fd, uint64_t offset, size_t size)
{
	scoped_free uint8_t *code = malloc(size);
	ssize_t got = code ? pread(fd, code, size, (off_t)offset) : 0;
	size_t n = 0;

	for (ssize_t i = 0; i + 4 <= got; i++)
		n += sets_pointer(code + i);
	return n;
}

bool module_keeps_pointers(struct module *module)
{
	GElf_Phdr code;
	size_t at = 0;

	if (module->looked_at || module->fd < 0 || !next_code(module, &at, &code))
		return module->keeps_pointers;
	module->looked_at = true;
	if (code.p_filesz > CODE_MAX)
		code.p_filesz = CODE_MAX;
	/* Where it is the rule there is one for each two hundred bytes or so. */
	module->keeps_pointers = count_pointers(module->fd, code.p_offset, code.p_filesz) >
				 code.p_filesz / PAGE;
	return module->keeps_pointers;
}

/* Where gdb and others look: ROOT/.build-id/ab/cdef....debug */
static bool debug_path(const char *root, const uint8_t *id, size_t size, char *path, size_t room)
{
	size_t used;

	if (size < 2 || size > BUILD_ID_MAX || strlen(root) + 2 * size + 32 > room)
		return false;
	used = (size_t)snprintf(path, room, "%s/.build-id/%02x/", root, id[0]);
	for (size_t i = 1; i < size; i++)
		used += (size_t)snprintf(path + used, room - used, "%02x", id[i]);
	(void)snprintf(path + used, room - used, ".debug");
	return true;
}

static bool same_build(Elf *elf, const void *id, ssize_t size)
{
	const void *other;

	return elf && dwelf_elf_gnu_build_id(elf, &other) == size &&
	       !memcmp(id, other, (size_t)size);
}

static void add_debug_file(struct symbol_table *table, Elf *elf, const char *root)
{
	char path[DEBUG_PATH_MAX];
	const void *id;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &id);
	scoped_fd int fd = -1;
	scoped_elf Elf *debug = NULL;

	if (size <= 0 || !debug_path(root, id, (size_t)size, path, sizeof(path)))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	debug = elf_begin(fd, ELF_C_READ, NULL);
	if (same_build(debug, id, size))
		(void)symbol_table_add(table, debug, SHT_SYMTAB);
}

const struct symbol_table *module_symbols(struct module *module, const char *debug_root)
{
	struct symbol_table *table = &module->table;
	/* One of its own, so that what was read for the table is released with it. */
	scoped_elf Elf *elf = NULL;

	if (module->named)
		return table;
	module->named = true;
	elf = module->image ? NULL : elf_begin(module->fd, ELF_C_READ, NULL);
	if (!symbol_table_add(table, elf ? elf : module->elf, SHT_SYMTAB) && debug_root)
		add_debug_file(table, module->elf, debug_root);
	(void)symbol_table_add(table, elf ? elf : module->elf, SHT_DYNSYM);
	symbol_table_sort(table);
	return table;
}

size_t module_size(const struct module *module)
{
	return sizeof(*module) + symbol_table_size(&module->table) + (size_t)module->rules_size;
}
