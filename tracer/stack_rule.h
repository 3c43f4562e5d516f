/*
 * stack_rule.h: what a rule for unwinding, a DWARF expression, comes to for a captured stack.
 */
#ifndef SYSCLAMP_STACK_RULE_H
#define SYSCLAMP_STACK_RULE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack.h"

/* What expressions are about. */
struct rule_frame {
	const struct stack_capture *capture;
	const struct stack_regs *regs;
	uint64_t cfa; /* canonical frame address, where it is known already */
	bool cut; /* set if something was to be read outside of the copy */
};

/**
 * The value that the expression leaves, which for the canonical frame address is that.
 * Expressions with branches are refused: those of compilers have none, and so each has an end.
 */
bool stack_rule_value(struct rule_frame *frame, const Dwarf_Op *ops, size_t n, uint64_t *out_value);

/** The value that is stored where the expression says, or that it says itself. */
bool stack_rule_register(
	struct rule_frame *frame, const Dwarf_Op *ops, size_t n, uint64_t *out_value);

#endif
