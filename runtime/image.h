/*
 * image.h: the program that a process executes, as its ELF file says: where it begins, what of it
 * is code, and where its functions lie.
 */
#ifndef SYSCLAMP_IMAGE_H
#define SYSCLAMP_IMAGE_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* Addresses are those of the process: of a position-independent program, those it was loaded to. */
struct image {
	pid_t pid;
	int fd;
	Elf *elf;
	uint64_t file_entry; /* as the file says */
	/* Of image_place(): */
	uint64_t bias; /* what the file's addresses lack */
	uint64_t entry; /* the program's first instruction, to which ld.so leads */
};

/* What tells programs apart, and where they were loaded to: of processes that have the same one,
 * each is a copy of the other, or executed the same file at the same place. */
struct image_key {
	dev_t dev;
	ino_t ino;
	uint64_t entry; /* as of struct image */
};

/**
 * @pid: a process that the caller traces, after its execve.
 * @out: to be released with image_done().
 * Errors: -ENOEXEC: no ELF program of the native ABI; those of reading it.
 */
int image_open(pid_t pid, struct image *out, struct err *e);
void image_done(struct image *image);

/**
 * Learn where the process has it: what the functions below need.
 *
 * Errors: those of reading /proc/PID/auxv.
 */
int image_place(struct image *image, struct err *e);

/** That of an image that was placed; false, with errno: its file cannot be looked at. */
bool image_key(const struct image *image, struct image_key *out);

/** That of whatever the process of a task executes; false, with errno: unknown. */
bool image_key_of(pid_t tid, struct image_key *out);
bool image_keys_equal(const struct image_key *a, const struct image_key *b);

/** Whether the address lies in code of the program itself, rather than of a library. */
bool image_is_code(const struct image *image, uint64_t address);

/**
 * A function of the program by its name, as in its symbol tables (mangled).
 *
 * Errors: -ENOENT; -ENOTUNIQ: there are several.
 */
int image_find(const struct image *image, const char *name, uint64_t *out_address, struct err *e);

#endif
