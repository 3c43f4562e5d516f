/*
 * filter_emit.h: an assembler for classic BPF that writes a program from its end to its start.
 *
 * All jumps of classic BPF lead forward, so whoever writes backwards knows every target before the
 * jump to it.  A position counts from the end of the program (0 is its last instruction) and stays
 * what it is while more is written in front.
 *
 * What has been written is found again: an instruction equal to an earlier one with the same
 * targets is that earlier one, and so whole tails of a program are shared.  Where an 8-bit jump
 * offset does not reach its target, a copy of the target or a long jump is put in between.
 */
#ifndef SYSCLAMP_FILTER_EMIT_H
#define SYSCLAMP_FILTER_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "filter.h"

enum {
	EMIT_LEN_MAX = 1 << 18, /* instructions before it gives up counting */
	EMIT_BUCKETS = 1024,
};

struct emit_row;

/* All zero at the start. */
struct emitter {
	struct emit_row *rows; /* heap, by position */
	size_t len, room;
	uint32_t buckets[EMIT_BUCKETS]; /* 1 + position of the newest row of each hash, 0: none */
	int error; /* positive errno of the first failure; everything is void from then on */
};

void emitter_done(struct emitter *emitter);

/** Return @action. */
uint32_t emit_return(struct emitter *emitter, uint32_t action);

/**
 * Compare the accumulator with a constant and go on at one of two positions.
 *
 * @op: BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET.
 * Returns @yes itself, and writes nothing, if both are the same.
 */
uint32_t emit_branch(struct emitter *emitter, uint16_t op, uint32_t k, uint32_t yes, uint32_t no);

/** An instruction (a load, an operation) that is followed by what stands at @next. */
uint32_t emit_plain(struct emitter *emitter, uint16_t code, uint32_t k, uint32_t next);

/** Whether a return of some action stands at @at; @out_action is set if so. */
bool emit_is_return(const struct emitter *emitter, uint32_t at, uint32_t *out_action);

/** Take back what was written since emitter->len was @len; positions from then on are void. */
void emitter_rewind(struct emitter *emitter, size_t len);

/**
 * Hand out the program; it starts at the newest position.
 *
 * Errors: -E2BIG past FILTER_INSNS_MAX, -ENOMEM.
 */
int emitter_finish(const struct emitter *emitter, struct filter *out, struct err *e);

#endif
