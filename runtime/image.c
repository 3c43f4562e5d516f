#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"
#include "syscalls.h"

/* An entry of the auxiliary vector (getauxval(3)) of another process. */
static int read_auxv(pid_t pid, uint64_t type, uint64_t *out, struct err *e)
{
	scoped_file FILE *file = NULL;
	Elf64_auxv_t entry;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	file = fopen(path, "re");
	if (!file)
		return err_sys(e, errno, "%s", path);
	while (fread(&entry, sizeof(entry), 1, file) == 1 && entry.a_type != AT_NULL) {
		if (entry.a_type == type) {
			*out = entry.a_un.a_val;
			return 0;
		}
	}
	return err_set(e, ENOEXEC, "%s: says nothing of the program", path);
}

static int read_image(struct image *image, struct err *e)
{
	GElf_Ehdr header;

	(void)elf_version(EV_CURRENT);
	image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &header))
		return err_set(e, ENOEXEC, "process %d: its program is no ELF file", image->pid);
	if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64)
		return err_set(e, ENOEXEC,
			"process %d: its program is not of %s; a filter is loaded into programs of "
			"another ABI at their launch only",
			image->pid, abi_native()->name);
	image->file_entry = header.e_entry;
	return 0;
}

int image_open(pid_t pid, struct image *out, struct err *e)
{
	struct image image = {.pid = pid, .fd = -1};
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	image.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image.fd < 0)
		return err_sys(e, errno, "%s: reading the program", path);
	if (read_image(&image, e)) {
		image_done(&image);
		return -e->code;
	}
	*out = image;
	return 0;
}

int image_place(struct image *image, struct err *e)
{
	if (read_auxv(image->pid, AT_ENTRY, &image->entry, e))
		return -e->code;
	image->bias = image->entry - image->file_entry;
	return 0;
}

static bool key_of_file(const struct stat *st, uint64_t entry, struct image_key *out)
{
	*out = (struct image_key){.dev = st->st_dev, .ino = st->st_ino, .entry = entry};
	return true;
}

bool image_key(const struct image *image, struct image_key *out)
{
	struct stat st;

	return !fstat(image->fd, &st) && key_of_file(&st, image->entry, out);
}

bool image_key_of(pid_t tid, struct image_key *out)
{
	char path[32];
	uint64_t entry = 0;
	struct stat st;
	struct err e;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	if (stat(path, &st))
		return false;
	if (read_auxv(tid, AT_ENTRY, &entry, &e)) {
		errno = e.code;
		return false;
	}
	return key_of_file(&st, entry, out);
}

bool image_keys_equal(const struct image_key *a, const struct image_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->entry == b->entry;
}

void image_done(struct image *image)
{
	if (!image || !image->pid)
		return;
	(void)elf_end(image->elf);
	(void)close(image->fd);
	*image = (struct image){0};
}

/* The file's header may lie in a segment of code, and addresses of it are common. */
bool image_is_code(const struct image *image, uint64_t address)
{
	uint64_t at = address - image->bias;
	GElf_Phdr part;
	size_t n;

	if (elf_getphdrnum(image->elf, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (gelf_getphdr(image->elf, (int)i, &part) && part.p_type == PT_LOAD &&
			part.p_flags & PF_X && at - part.p_vaddr < part.p_memsz)
			return part.p_offset || at - part.p_vaddr >= sizeof(Elf64_Ehdr);
	}
	return false;
}

/* Functions of one name: there are several where they are local to their files. */
struct found {
	const char *name;
	size_t n; /* at different addresses: 0, 1, 2: more than one */
	uint64_t at; /* as the file says */
};

/* One symbol table. */
static void find_in(
	const struct image *image, Elf_Scn *section, const GElf_Shdr *header, struct found *found)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(image->elf, header->sh_link, symbol.st_name);

		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF ||
			!name || strcmp(name, found->name) != 0 ||
			(found->n && found->at == symbol.st_value))
			continue;
		found->n = found->n ? 2 : 1;
		found->at = symbol.st_value;
	}
}

int image_find(const struct image *image, const char *name, uint64_t *out_address, struct err *e)
{
	struct found found = {.name = name};
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(image->elf, section))) {
		if (gelf_getshdr(section, &header) &&
			(header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			find_in(image, section, &header, &found);
	}
	if (!found.n)
		return err_set(e, ENOENT,
			"the program has no function \"%s\" (a stripped one has hardly any; see nm "
			"or objdump -T)",
			name);
	if (found.n > 1)
		return err_set(e, ENOTUNIQ,
			"the program has several functions \"%s\" (see nm): name another one",
			name);
	*out_address = found.at + image->bias;
	return 0;
}
