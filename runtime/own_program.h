/*
 * own_program.h: the launcher's program stays out of reach of what it launches.
 *
 * A root that somebody else has made may ask for it to be executed inside: by a link to
 * /proc/self/exe, or as what a script's first line or a program's header names.  The process would
 * lend its file to others inside, for writing to it once nobody executes it (CVE-2019-5736).
 */
#ifndef SYSCLAMP_OWN_PROGRAM_H
#define SYSCLAMP_OWN_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

struct own_program {
	dev_t device;
	ino_t inode;
};

/** The program of the calling process.  Errors: there is no /proc to tell. */
int own_program_find(struct own_program *out, struct err *e);

/**
 * Refuse @path if execve(2) would execute the program @own for it: as itself, as the interpreter
 * of a script, of its interpreter and so on (execve(2): up to four times), or as the one of an ELF
 * program.  Paths are the calling process's.
 *
 * What execve(2) will say of a missing file or one that is no program is left to it.
 * Errors: -EPERM it would; -EACCES it cannot be told, as the file may be executed but not read.
 */
int own_program_refuse(const struct own_program *own, const char *path, struct err *e);

#endif
