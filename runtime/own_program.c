#include "own_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

enum {
	LINE_MAX_SIZE = 256, /* BINPRM_BUF_SIZE of linux/binfmts.h */
	SCRIPTS_MAX = 6, /* more than exec_binprm() of fs/exec.c follows */
	HEADERS_MAX = 1024, /* more than fit the page that the kernel takes (load_elf_phdrs()) */
};

/* A file that execve(2) would come to, and the one that it names in turn. */
struct step {
	int fd;
	char next[PATH_MAX]; /* empty: none */
	bool is_last; /* `next` is loaded, whatever it names itself */
};

int own_program_find(struct own_program *out, struct err *e)
{
	struct stat st;

	if (stat("/proc/self/exe", &st))
		return err_sys(e, errno,
			"/proc/self/exe: to keep the launcher's own program out of the root");
	*out = (struct own_program){st.st_dev, st.st_ino};
	return 0;
}

/* "#! /bin/sh -e": the second word is the path, as in load_script() of fs/binfmt_script.c. */
static void take_script(const char *line, struct step *step)
{
	const char *path = line + strspn(line, " \t");
	size_t len = strcspn(path, " \t\n");

	memcpy(step->next, path, len); /* less than LINE_MAX_SIZE, NUL-terminated by what it was */
	step->next[len] = '\0';
}

/* The two classes differ in the widths of these only. */
struct segment {
	uint32_t type;
	uint64_t offset, size;
};

static bool read_segment(int fd, bool is_64, uint64_t at, struct segment *out)
{
	union {
		Elf64_Phdr of_64;
		Elf32_Phdr of_32;
	} header;
	size_t size = is_64 ? sizeof(header.of_64) : sizeof(header.of_32);

	if (pread(fd, &header, size, (off_t)at) != (ssize_t)size)
		return false;
	*out = is_64 ? (struct segment){header.of_64.p_type, header.of_64.p_offset,
			       header.of_64.p_filesz}
		     : (struct segment){
			       header.of_32.p_type, header.of_32.p_offset, header.of_32.p_filesz};
	return true;
}

/* What the kernel would not load needs no interpreter either. */
static void take_interpreter(const struct segment *segment, struct step *step)
{
	if (segment->size < 2 || segment->size > sizeof(step->next))
		return;
	if (pread(step->fd, step->next, segment->size, (off_t)segment->offset) !=
		(ssize_t)segment->size)
		step->next[0] = '\0';
	step->next[segment->size - 1] = '\0';
	step->is_last = true;
}

static void take_elf(const char *bytes, struct step *step)
{
	Elf64_Ehdr of_64;
	Elf32_Ehdr of_32;
	bool is_64 = bytes[EI_CLASS] == ELFCLASS64;
	uint64_t at, size, n;

	memcpy(&of_64, bytes, sizeof(of_64));
	memcpy(&of_32, bytes, sizeof(of_32));
	at = is_64 ? of_64.e_phoff : of_32.e_phoff;
	size = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	n = is_64 ? of_64.e_phnum : of_32.e_phnum;
	for (uint64_t i = 0; i < n && i < HEADERS_MAX; i++) {
		struct segment segment;

		if (!read_segment(step->fd, is_64, at + i * size, &segment))
			return;
		if (segment.type == PT_INTERP) {
			take_interpreter(&segment, step);
			return;
		}
	}
}

static int look(const char *command, struct step *step, struct err *e)
{
	char bytes[LINE_MAX_SIZE + 1] = {0};
	ssize_t size = pread(step->fd, bytes, LINE_MAX_SIZE, 0);

	step->next[0] = '\0';
	if (size < 0 && errno != EISDIR && errno != ESPIPE)
		return err_sys(e, errno, "%s: reading what it names", command);
	if (size >= 2 && bytes[0] == '#' && bytes[1] == '!')
		take_script(bytes + 2, step);
	else if (size >= (ssize_t)sizeof(Elf64_Ehdr) && !memcmp(bytes, ELFMAG, SELFMAG))
		take_elf(bytes, step);
	return 0;
}

/* What execve(2) itself will say of a file. */
static bool is_for_execve(int error, const char *path)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG ||
	       error == ENXIO || (error == EACCES && access(path, X_OK));
}

/* -1 in @out_fd: there is nothing to look at. */
static int open_program(const char *path, int *out_fd, struct err *e)
{
	/* A device or a FIFO is nothing to wait for; execve(2) refuses it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = fd < 0 ? errno : 0;

	*out_fd = fd;
	if (fd >= 0 || is_for_execve(error, path))
		return 0;
	if (error != EACCES)
		return err_sys(e, error, "%s", path);
	return err_set(e, EACCES,
		"%s: it may be executed but not read, so that nobody can tell whether it leads to "
		"sysclamp's own program; let it be read",
		path);
}

static int refuse_one(
	const struct own_program *own, const char *command, struct step *step, struct err *e)
{
	struct stat st;

	if (fstat(step->fd, &st))
		return err_sys(e, errno, "%s", command);
	if (st.st_dev != own->device || st.st_ino != own->inode)
		return 0;
	return err_set(e, EPERM,
		"%s leads to sysclamp's own program, which the inside may not reach "
		"(/proc/self/exe?): refused",
		command);
}

int own_program_refuse(const struct own_program *own, const char *path, struct err *e)
{
	struct step step = {.fd = -1};

	(void)stpncpy(step.next, path, sizeof(step.next) - 1);
	for (int i = 0; i <= SCRIPTS_MAX && step.next[0]; i++) {
		bool was_last = step.is_last;
		int code = open_program(step.next, &step.fd, e);

		if (code || step.fd < 0)
			return code;
		code = refuse_one(own, path, &step, e);
		if (!code)
			code = look(path, &step, e);
		scope_close(&step.fd);
		if (code || was_last)
			return code;
	}
	return 0;
}
