/*
 * filter_args.h: the argument checks of one call as a program.
 */
#ifndef SYSCLAMP_FILTER_ARGS_H
#define SYSCLAMP_FILTER_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "filter_emit.h"
#include "policy.h"

/**
 * Write the checks of @clauses: the action of one that matches, else go on at @miss.
 *
 * No path of the program looks at a word of an argument twice, except where that would take more
 * instructions than checking the clauses one after the other.
 *
 * @abi: of the call; where arguments are 32 bits wide the upper words are taken as zero.
 * @clauses: @n of them; those that overlap have one action (policy.h).
 * Returns the position of the start.
 */
uint32_t args_emit(struct emitter *emitter, const struct abi *abi, const struct clause *clauses,
	size_t n, uint32_t miss);

#endif
