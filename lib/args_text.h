/*
 * args_text.h: the values of arguments as people write them: "SOCK_STREAM|SOCK_CLOEXEC".
 *
 * The names are those of C headers (lib/arg_names.tsv), so they fit the ABIs of the machine that
 * this was compiled for; of other ABIs numbers stay numbers.
 */
#ifndef SYSCLAMP_ARGS_TEXT_H
#define SYSCLAMP_ARGS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "syscalls.h"

enum {
	ARG_TEXT_MAX = 512, /* bytes: room for every text of an argument */
	CALL_TEXT_MAX = 1024, /* and for that of a call, unless it has several of such length */
};

/**
 * One argument: its name or names, what is left over in hex; a number without a name in decimal if
 * it is small (down to -4095, as the kernel has errors), otherwise in hex.
 *
 * @call: its name under @abi.
 * @value: as in the register; what lies above the width that the kernel looks at is ignored.
 * @out: @size bytes; the text is cut if it does not fit.
 *
 * Returns @out.
 */
const char *args_text(const struct abi *abi, const char *call, unsigned index, uint64_t value,
	char *out, size_t size);

/**
 * The same where other arguments are known, too: what an option of a socket means depends on its
 * level.
 *
 * @known: bit i is set if values[i] is known; that of @index is.
 */
const char *args_text_among(const struct abi *abi, const char *call, unsigned index,
	const uint64_t values[SYSCALL_ARGS], unsigned known, char *out, size_t size);

/**
 * A whole call, "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)": as many arguments as it has, or up
 * to the last that is recorded or has names (args.h) where that is not known.
 *
 * @call: its name, or what stands for it: "#999".
 */
const char *args_text_call(const struct abi *abi, const char *call,
	const uint64_t values[SYSCALL_ARGS], char *out, size_t size);

/** Which of its arguments are texts in memory, as the path of openat: a bit each. */
unsigned args_texts(const char *call);

/**
 * The same where texts have been read from memory: strings[i], in quotes, stands in place of
 * argument i unless it is NULL.
 */
const char *args_text_call_with(const struct abi *abi, const char *call,
	const uint64_t values[SYSCALL_ARGS], const char *const strings[SYSCALL_ARGS], char *out,
	size_t size);

#endif
