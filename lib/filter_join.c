/*
 * Two programs made into one, written from its end to its start (filter_emit.h): first the copies
 * of the older program, one for each answer of the newer one, then the newer program with jumps to
 * them where it returned.
 */
#include <errno.h>
#include <stdlib.h>

#include "filter.h"
#include "filter_emit.h"
#include "scope.h"

/* A program that is being written once more, with something else for its returns. */
struct copy {
	struct emitter *emitter;
	const struct filter *filter;
	uint32_t *at; /* by instruction: where it, or what does the same, stands now */
	uint32_t (*write_return)(struct copy *copy, uint32_t action);
	uint32_t before; /* in a copy of the older program: what the newer one answers */
	/* In that of the newer one: the older program, and its copies so far. */
	struct copy *older;
	struct start {
		uint32_t before, at;
	} * starts;
	size_t n_starts;
};

/* The stricter of both, the newer one's if they are equally strict. */
static uint32_t write_stricter(struct copy *copy, uint32_t action)
{
	return emit_return(
		copy->emitter, action_is_stricter(action, copy->before) ? action : copy->before);
}

static uint32_t write_insn(struct copy *copy, size_t i)
{
	const struct sock_filter *insn = &copy->filter->insns[i];
	const uint32_t *next = &copy->at[i + 1];
	uint32_t action;

	switch (BPF_CLASS(insn->code)) {
	case BPF_RET:
		if (BPF_RVAL(insn->code) == BPF_K)
			return copy->write_return(copy, insn->k);
		break;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_JA)
			return next[insn->k];
		if (BPF_SRC(insn->code) == BPF_K)
			return emit_branch(copy->emitter, BPF_OP(insn->code), insn->k,
				next[insn->jt], next[insn->jf]);
		break;
	case BPF_LD:
	case BPF_LDX:
		/* Nobody is left to look at it. */
		if (emit_is_return(copy->emitter, *next, &action))
			return *next;
		return emit_plain(copy->emitter, insn->code, insn->k, *next);
	default:
		return emit_plain(copy->emitter, insn->code, insn->k, *next);
	}
	copy->emitter->error = EINVAL;
	return 0;
}

/* Returns where it starts. */
static uint32_t write_copy(struct copy *copy)
{
	size_t i = copy->filter->len;

	while (i > 0 && !copy->emitter->error) {
		i--;
		copy->at[i] = write_insn(copy, i);
	}
	return copy->at[0];
}

/* What the newer program does where it answered @action: it goes on to the older one. */
static uint32_t write_older(struct copy *copy, uint32_t action)
{
	struct start *start = copy->starts;

	for (; start < copy->starts + copy->n_starts; start++) {
		if (start->before == action)
			return start->at;
	}
	copy->older->before = action;
	copy->n_starts++;
	start->before = action;
	start->at = write_copy(copy->older);
	return start->at;
}

static int join(struct emitter *emitter, struct copy *newer, struct copy *older)
{
	uint32_t start;

	/* One element at the least: a copy that fails at once has no start. */
	newer->at = calloc(newer->filter->len + 1, sizeof(*newer->at));
	older->at = calloc(older->filter->len + 1, sizeof(*older->at));
	newer->starts = calloc(newer->filter->len, sizeof(*newer->starts));
	if (!newer->at || !older->at || !newer->starts)
		return -ENOMEM;
	start = write_copy(newer);
	/* It was there before, if the newer program turned out to add nothing. */
	if (!emitter->error)
		emitter_rewind(emitter, (size_t)start + 1);
	return 0;
}

static void copy_done(struct copy *copy)
{
	free(copy->at);
	free(copy->starts);
}

int filter_join(
	const struct filter *newer, const struct filter *older, struct filter *out, struct err *e)
{
	scoped(emitter_done) struct emitter emitter = {0};
	scoped(copy_done) struct copy inner = {
		.emitter = &emitter, .filter = older, .write_return = write_stricter};
	scoped(copy_done) struct copy outer = {
		.emitter = &emitter, .filter = newer, .write_return = write_older, .older = &inner};

	if (join(&emitter, &outer, &inner))
		return err_nomem(e);
	return emitter_finish(&emitter, out, e);
}
