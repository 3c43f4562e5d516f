/*
 * call_kind.h: what is known of calls by their numbers: a name, and which arguments are recorded.
 * Looking that up is slow, and the answer stays.
 */
#ifndef SYSCLAMP_CALL_KIND_H
#define SYSCLAMP_CALL_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "syscalls.h"

struct call_kind {
	bool known; /* it was looked up */
	bool named;
	uint8_t n_args;
	const struct arg_row *args; /* n_args of them (args_of_call()) */
};

enum { CALL_ABIS_MAX = 32, CALL_NRS = 1024 };

/* Zeroed: nothing was looked up yet. */
struct call_kinds {
	struct call_kind *rows[CALL_ABIS_MAX]; /* heap: CALL_NRS of each ABI that was met */
};

void call_kinds_done(struct call_kinds *kinds);

/** The row of an ABI in the table of all. */
size_t call_abi_row(const struct abi *abi);

/** Of any number; one far from the others is looked up each time. */
struct call_kind call_kind_of(struct call_kinds *kinds, const struct abi *abi, uint32_t nr);

#endif
