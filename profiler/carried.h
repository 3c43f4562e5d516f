/*
 * carried.h: the calls that some 32-bit ABIs offer through socketcall and ipc too.
 */
#ifndef SYSCLAMP_CARRIED_H
#define SYSCLAMP_CARRIED_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the first argument of the carrier is then (linux/net.h: SYS_*; linux/ipc.h: SEMOP...).
 * libseccomp adds a rule for that form: a condition on argument 0 gives way to the number, those on
 * others stay (src/arch.c of 2.5: abi_rule_add() and arch_filter_rewrite() of each ABI).
 */
struct carried {
	const char *name, *carrier;
	uint8_t number;
};

/** A static table; @out_len its length. */
const struct carried *carried_table(size_t *out_len);

/** The row of a call, or NULL. */
const struct carried *carried_find(const char *name);

#endif
