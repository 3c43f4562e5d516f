#include "filter_emit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { REACH = UINT8_MAX }; /* of jt and jf, struct sock_filter */

struct emit_row {
	struct sock_filter insn;
	uint32_t yes, no; /* the positions meant, however they are reached */
	uint32_t meant; /* the position that this one is or stands in for */
	uint32_t nearest; /* the newest position that stands in for this one, or itself */
	uint32_t older; /* 1 + position of the next older row of the hash; nearest before, if
			   standing in */
};

void emitter_done(struct emitter *emitter)
{
	free(emitter->rows);
	*emitter = (struct emitter){0};
}

static size_t row_bucket(uint16_t code, uint32_t k, uint32_t yes, uint32_t no)
{
	uint32_t hash = code;

	/* Knuth's multiplicative hash, once for each field. */
	hash = (hash ^ k) * 2654435761u;
	hash = (hash ^ yes ^ hash >> 15) * 2654435761u;
	hash = (hash ^ no ^ hash >> 15) * 2654435761u;
	return hash >> 16 & (EMIT_BUCKETS - 1);
}

/* The position of such an instruction; false if there is none yet. */
static bool row_find(const struct emitter *emitter, uint16_t code, uint32_t k, uint32_t yes,
	uint32_t no, uint32_t *out_at)
{
	uint32_t next = emitter->buckets[row_bucket(code, k, yes, no)];

	while (next) {
		const struct emit_row *row = &emitter->rows[next - 1];

		if (row->insn.code == code && row->insn.k == k && row->yes == yes &&
			row->no == no) {
			*out_at = next - 1;
			return true;
		}
		next = row->older;
	}
	return false;
}

static bool emitter_grow(struct emitter *emitter)
{
	size_t room = emitter->room ? 2 * emitter->room : 512;
	struct emit_row *rows;

	if (emitter->len < emitter->room)
		return true;
	if (emitter->len >= EMIT_LEN_MAX) {
		emitter->error = E2BIG;
		return false;
	}
	rows = reallocarray(emitter->rows, room, sizeof(*rows));
	if (!rows) {
		emitter->error = ENOMEM;
		return false;
	}
	emitter->rows = rows;
	emitter->room = room;
	return true;
}

static uint32_t row_add(struct emitter *emitter, struct emit_row row)
{
	uint32_t at = (uint32_t)emitter->len;
	uint32_t *bucket;

	if (!emitter_grow(emitter))
		return 0;
	bucket = &emitter->buckets[row_bucket(row.insn.code, row.insn.k, row.yes, row.no)];
	row.older = *bucket;
	row.meant = at;
	row.nearest = at;
	*bucket = at + 1;
	emitter->rows[emitter->len++] = row;
	return at;
}

/* The offset from the position written next. */
static uint32_t offset_to(const struct emitter *emitter, uint32_t target)
{
	return (uint32_t)emitter->len - 1 - emitter->rows[target].nearest;
}

static bool in_reach(const struct emitter *emitter, uint32_t target)
{
	return offset_to(emitter, target) <= REACH;
}

static bool is_branch(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_JA;
}

/* Write something that does what stands at @at: a copy where that is as short as a jump. */
static void stand_in(struct emitter *emitter, uint32_t at)
{
	struct emit_row row;

	if (!emitter_grow(emitter))
		return;
	row = emitter->rows[at];
	row.meant = at;
	row.older = row.nearest;
	if (is_branch(&row.insn) && in_reach(emitter, row.yes) && in_reach(emitter, row.no)) {
		row.insn.jt = (uint8_t)offset_to(emitter, row.yes);
		row.insn.jf = (uint8_t)offset_to(emitter, row.no);
	} else if (BPF_CLASS(row.insn.code) != BPF_RET) {
		row.insn = (struct sock_filter)BPF_STMT(
			BPF_JMP | BPF_JA, (uint32_t)emitter->len - 1 - at);
	}
	emitter->rows[at].nearest = (uint32_t)emitter->len;
	emitter->rows[emitter->len++] = row;
}

uint32_t emit_return(struct emitter *emitter, uint32_t action)
{
	uint16_t code = BPF_RET | BPF_K;
	uint32_t at;

	if (emitter->error)
		return 0;
	if (row_find(emitter, code, action, 0, 0, &at))
		return at;
	return row_add(emitter, (struct emit_row){.insn = BPF_STMT(code, action)});
}

uint32_t emit_branch(struct emitter *emitter, uint16_t op, uint32_t k, uint32_t yes, uint32_t no)
{
	uint16_t code = BPF_JMP | BPF_K | op;
	uint32_t at;

	if (emitter->error)
		return 0;
	if (yes == no)
		return yes;
	if (row_find(emitter, code, k, yes, no, &at))
		return at;
	/* Bringing one nearer takes the other one further away by one. */
	while (!emitter->error && !(in_reach(emitter, yes) && in_reach(emitter, no)))
		stand_in(emitter, in_reach(emitter, yes) ? no : yes);
	if (emitter->error)
		return 0;
	return row_add(emitter, (struct emit_row){
					.insn = BPF_JUMP(code, k, (uint8_t)offset_to(emitter, yes),
						(uint8_t)offset_to(emitter, no)),
					.yes = yes,
					.no = no,
				});
}

uint32_t emit_plain(struct emitter *emitter, uint16_t code, uint32_t k, uint32_t next)
{
	uint32_t at;

	if (emitter->error)
		return 0;
	if (row_find(emitter, code, k, next, next, &at))
		return at;
	if (offset_to(emitter, next) > 0)
		stand_in(emitter, next);
	if (emitter->error)
		return 0;
	return row_add(
		emitter, (struct emit_row){.insn = BPF_STMT(code, k), .yes = next, .no = next});
}

bool emit_is_return(const struct emitter *emitter, uint32_t at, uint32_t *out_action)
{
	if (emitter->error || BPF_CLASS(emitter->rows[at].insn.code) != BPF_RET)
		return false;
	*out_action = emitter->rows[at].insn.k;
	return true;
}

void emitter_rewind(struct emitter *emitter, size_t len)
{
	while (emitter->len > len) {
		uint32_t at = (uint32_t)--emitter->len;
		const struct emit_row *row = &emitter->rows[at];

		if (row->meant != at)
			emitter->rows[row->meant].nearest = row->older;
		else
			emitter->buckets[row_bucket(
				row->insn.code, row->insn.k, row->yes, row->no)] = row->older;
	}
}

static int too_long(const char *count, size_t len, struct err *e)
{
	return err_set(e, E2BIG,
		"the filter takes %s%zu instructions and the kernel accepts %d; list fewer "
		"architectures, or fewer rules with conditions",
		count, len, FILTER_INSNS_MAX);
}

int emitter_finish(const struct emitter *emitter, struct filter *out, struct err *e)
{
	struct sock_filter *insns;

	if (emitter->error == E2BIG)
		return too_long("more than ", EMIT_LEN_MAX, e);
	if (emitter->error)
		return err_sys(e, emitter->error, "cannot compile the filter");
	if (emitter->len > FILTER_INSNS_MAX)
		return too_long("", emitter->len, e);
	insns = calloc(emitter->len, sizeof(*insns));
	if (!insns)
		return err_nomem(e);
	for (size_t i = 0; i < emitter->len; i++)
		insns[i] = emitter->rows[emitter->len - 1 - i].insn;
	*out = (struct filter){.insns = insns, .len = emitter->len};
	return 0;
}
