#include "recording_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

/* One of the two that are joined: what its indexes become in the join. */
struct side {
	const struct recording *rec;
	size_t *sources, *phases, *programs; /* heap, as long as the lists in rec */
};

static void side_done(struct side *side)
{
	free(side->sources);
	free(side->phases);
	free(side->programs);
}

static int side_init(struct side *side, const struct recording *rec)
{
	side->rec = rec;
	side->sources = calloc(rec->n_sources + 1, sizeof(size_t));
	side->phases = calloc(rec->phases.n_names + 1, sizeof(size_t));
	side->programs = calloc(rec->programs.n_names + 1, sizeof(size_t));
	return side->sources && side->phases && side->programs ? 0 : -ENOMEM;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Which of @a and @b is next in a merge by id: below 0 @a, above 0 @b, 0 both. */
static int next_source(const struct side *a, size_t i, const struct side *b, size_t j)
{
	if (i == a->rec->n_sources)
		return 1;
	if (j == b->rec->n_sources)
		return -1;
	return strcmp(a->rec->sources[i].id, b->rec->sources[j].id);
}

/* The higher seq; of one seq both say the same, or one was tampered with. */
static struct rec_source newer_source(const struct rec_source *a, const struct rec_source *b)
{
	struct rec_source source = a->seq >= b->seq ? *a : *b;

	if (a->seq == b->seq)
		source.complete = a->complete && b->complete;
	return source;
}

static int join_sources(struct side *a, struct side *b, struct recording *out)
{
	size_t i = 0, j = 0, n = 0;

	out->sources = calloc(a->rec->n_sources + b->rec->n_sources + 1, sizeof(*out->sources));
	if (!out->sources)
		return -ENOMEM;
	while (i < a->rec->n_sources || j < b->rec->n_sources) {
		int order = next_source(a, i, b, j);

		if (order == 0)
			out->sources[n] = newer_source(&a->rec->sources[i], &b->rec->sources[j]);
		else
			out->sources[n] = order < 0 ? a->rec->sources[i] : b->rec->sources[j];
		if (order <= 0)
			a->sources[i++] = n;
		if (order >= 0)
			b->sources[j++] = n;
		n++;
	}
	out->n_sources = n;
	return n > RECORDING_SOURCES_MAX ? -E2BIG : 0;
}

/* A name to be placed, and where its new index is wanted (NULL: nowhere). */
struct placed {
	const char *name;
	size_t *index;
};

static int by_name(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static size_t place_all(struct placed *to, const struct rec_names *names, size_t *map)
{
	for (size_t i = 0; i < names->n_names; i++)
		to[i] = (struct placed){names->names[i], map ? &map[i] : NULL};
	return names->n_names;
}

/* Whether the shorter list is the beginning of the longer one. */
static bool is_prefix(const struct rec_names *a, const struct rec_names *b)
{
	for (size_t i = 0; i < a->n_names && i < b->n_names; i++) {
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	}
	return true;
}

static void count_up(size_t *map, size_t n)
{
	for (size_t i = 0; map && i < n; i++)
		map[i] = i;
}

/*
 * Unite two lists of names.
 *
 * @a_map, @b_map: get the new indexes; NULL if nobody asks.
 * @in_order: the join has one source, two states of which are joined: its order is kept.
 */
static int join_names(const struct rec_names *a, size_t *a_map, const struct rec_names *b,
	size_t *b_map, bool in_order, struct rec_names *out)
{
	size_t n = a->n_names + b->n_names;
	scoped_free struct placed *all = calloc(n + 1, sizeof(*all));
	bool keep = in_order && is_prefix(a, b);

	if (!all)
		return -ENOMEM;
	if (keep) {
		n = place_all(all, a->n_names >= b->n_names ? a : b, NULL);
		count_up(a_map, a->n_names);
		count_up(b_map, b->n_names);
	} else {
		place_all(all + place_all(all, a, a_map), b, b_map);
		qsort(all, n, sizeof(*all), by_name);
	}
	for (size_t i = 0; i < n; i++) {
		bool known = !keep && i > 0 && !strcmp(all[i].name, all[i - 1].name);
		int code = known ? 0 : rec_names_add(out, all[i].name);

		if (code)
			return code;
		if (all[i].index)
			*all[i].index = out->n_names - 1;
	}
	return out->n_names > RECORDING_NAMES_MAX ? -E2BIG : 0;
}

/* Add the members of @from, renumbered. */
static int fold_bits(struct bits *to, const struct bits *from, const size_t *map)
{
	for (size_t n = bits_next(from, 0); n != SIZE_MAX; n = bits_next(from, n + 1)) {
		if (bits_add(to, map[n]))
			return -ENOMEM;
	}
	return 0;
}

/*
 * What was let through is a largest too: a call is always denied in the join only if every source
 * saw it always denied.
 */
static void fold_counts(struct rec_call *to, const struct rec_call *from)
{
	uint64_t passed = larger(to->count - to->denied, from->count - from->denied);
	uint64_t known = larger(to->count - to->enosys, from->count - from->enosys);

	to->count = larger(to->count, from->count);
	to->denied = to->count - passed;
	to->enosys = to->count - known;
}

/*
 * Nothing recorded of arguments is a statement, too: only a call of which nothing is there yet, as
 * its sources tell, takes over what @from says.
 */
static int fold_args(struct rec_call *to, const struct rec_call *from)
{
	const struct rec_args *theirs = rec_call_args(from);

	if (bits_next(&to->sources, 0) != SIZE_MAX)
		return to->args ? rec_args_join(to->args, theirs) : 0;
	if (theirs->n_args == 0)
		return 0;
	return rec_call_own_args(to) ? rec_args_copy(to->args, theirs) : -ENOMEM;
}

static int fold_call(struct rec_call *to, const struct rec_call *from, const struct side *side)
{
	fold_counts(to, from);
	to->last_ns = larger(to->last_ns, from->last_ns);
	if (from->first_ns && (!to->first_ns || from->first_ns < to->first_ns))
		to->first_ns = from->first_ns;
	if (fold_args(to, from) || fold_bits(&to->sources, &from->sources, side->sources) ||
		fold_bits(&to->programs, &from->programs, side->programs) ||
		fold_bits(&to->phases, &from->phases, side->phases))
		return -ENOMEM;
	return 0;
}

/* One side's part of a call that is joined. */
struct part {
	const struct rec_call *call; /* NULL: the side has none */
	const struct side *side;
};

/*
 * Whether each source that saw the call saw it in all of its phases, as far as the parts tell.
 *
 * @to: with the phases of both.
 */
static bool seen_follows(const struct rec_call *to, const struct part parts[2])
{
	size_t n_phases = bits_count(&to->phases);

	for (size_t i = 0; i < 2; i++) {
		const struct rec_call *call = parts[i].call;

		if (call && (call->seen || bits_count(&call->phases) != n_phases))
			return false;
	}
	return true;
}

static int fold_seen(struct rec_call *to, const struct rec_call *from, const struct side *side)
{
	const struct bits *phases = &from->phases;

	for (size_t n = bits_next(phases, 0); n != SIZE_MAX; n = bits_next(phases, n + 1)) {
		struct bits *seen = rec_call_own_seen(to, side->phases[n]);

		if (!seen || fold_bits(seen, rec_call_seen_in(from, n), side->sources))
			return -ENOMEM;
	}
	return 0;
}

static int join_call(const struct part parts[2], struct rec_call *to)
{
	for (size_t i = 0; i < 2; i++) {
		if (parts[i].call && fold_call(to, parts[i].call, parts[i].side))
			return -ENOMEM;
	}
	if (seen_follows(to, parts))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (parts[i].call && fold_seen(to, parts[i].call, parts[i].side))
			return -ENOMEM;
	}
	if (rec_call_seen_follows(to))
		rec_call_drop_seen(to);
	return 0;
}

static int next_call(const struct side *a, size_t i, const struct side *b, size_t j)
{
	if (i == a->rec->n_calls)
		return 1;
	if (j == b->rec->n_calls)
		return -1;
	return rec_call_compare(&a->rec->calls[i], &b->rec->calls[j]);
}

static int join_calls(const struct side *a, const struct side *b, struct recording *out)
{
	size_t i = 0, j = 0;

	out->room_calls = a->rec->n_calls + b->rec->n_calls + 1;
	out->calls = calloc(out->room_calls, sizeof(*out->calls));
	if (!out->calls)
		return -ENOMEM;
	while (i < a->rec->n_calls || j < b->rec->n_calls) {
		int order = next_call(a, i, b, j);
		const struct part parts[2] = {
			{order <= 0 ? &a->rec->calls[i++] : NULL, a},
			{order >= 0 ? &b->rec->calls[j++] : NULL, b},
		};
		const struct rec_call *first = parts[order > 0].call;
		struct rec_call *to = &out->calls[out->n_calls++];

		*to = (struct rec_call){.abi = first->abi, .nr = first->nr};
		if (join_call(parts, to))
			return -ENOMEM;
	}
	return out->n_calls > RECORDING_CALLS_MAX ? -E2BIG : 0;
}

static int join_origins(const struct side *a, const struct side *b, struct recording *out)
{
	if (rec_origins_append(out, a->rec, a->programs, a->phases) ||
		rec_origins_append(out, b->rec, b->programs, b->phases))
		return -ENOMEM;
	rec_origins_settle(out);
	return 0;
}

/* Whose workload, host and recorder the join shows. */
static const struct recording *head_of(const struct recording *a, const struct recording *b)
{
	int order;

	if (a->n_sources == 0 || b->n_sources == 0)
		return a->n_sources ? a : b;
	order = strcmp(a->sources[0].id, b->sources[0].id);
	if (order == 0)
		return a->sources[0].seq >= b->sources[0].seq ? a : b;
	return order < 0 ? a : b;
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_head(const struct recording *head, struct recording *out)
{
	out->workload.started_ns = head->workload.started_ns;
	out->workload.ended_ns = head->workload.ended_ns;
	out->workload.status = head->workload.status;
	if (rec_names_append(&out->workload.argv, &head->workload.argv) ||
		copy_text(&out->workload.cwd, head->workload.cwd) ||
		copy_text(&out->host_kernel, head->host_kernel) ||
		copy_text(&out->host_machine, head->host_machine) ||
		copy_text(&out->recorder_version, head->recorder_version) ||
		copy_text(&out->recorder_backend, head->recorder_backend))
		return -ENOMEM;
	return 0;
}

static int join_sides(struct side *a, struct side *b, struct recording *out)
{
	int code = join_sources(a, b, out);
	bool in_order = out->n_sources == 1;

	if (!code)
		code = copy_head(head_of(a->rec, b->rec), out);
	if (!code)
		code = join_names(&a->rec->phases, a->phases, &b->rec->phases, b->phases, in_order,
			&out->phases);
	if (!code)
		code = join_names(&a->rec->programs, a->programs, &b->rec->programs, b->programs,
			in_order, &out->programs);
	if (!code)
		code = join_names(
			&a->rec->mapped, NULL, &b->rec->mapped, NULL, in_order, &out->mapped);
	if (!code)
		code = join_calls(a, b, out);
	if (!code)
		code = join_origins(a, b, out);
	if (code)
		return code;
	for (size_t i = 0; i < LOSS_WAYS; i++)
		out->loss[i] = larger(a->rec->loss[i], b->rec->loss[i]);
	recording_settle(out);
	return 0;
}

int recording_merge(struct recording *into, const struct recording *from, struct err *e)
{
	scoped(side_done) struct side a = {0}, b = {0};
	scoped(recording_done) struct recording joined = {0};
	int code = side_init(&a, into);

	if (!code)
		code = side_init(&b, from);
	if (!code)
		code = join_sides(&a, &b, &joined);
	if (code == -E2BIG)
		return err_set(e, E2BIG,
			"too much for one recording, which has at most %d sources, %d calls and %d "
			"names of programs or files; merge fewer",
			RECORDING_SOURCES_MAX, RECORDING_CALLS_MAX, RECORDING_NAMES_MAX);
	if (code)
		return err_nomem(e);
	recording_done(into);
	*into = joined;
	joined = (struct recording){0};
	return 0;
}

int rec_pile_add(struct rec_pile *pile, struct recording *rec, struct err *e)
{
	scoped(recording_done) struct recording carried = *rec;
	size_t i = 0;

	*rec = (struct recording){0};
	/* As a carry runs through a binary counter. */
	for (; i < REC_PILE_SLOTS - 1 && pile->slots[i].n_sources; i++) {
		if (recording_merge(&carried, &pile->slots[i], e))
			return -e->code;
		recording_done(&pile->slots[i]);
	}
	if (pile->slots[i].n_sources)
		return recording_merge(&pile->slots[i], &carried, e);
	pile->slots[i] = carried;
	carried = (struct recording){0};
	return 0;
}

int rec_pile_join(struct rec_pile *pile, struct recording *out, struct err *e)
{
	scoped(recording_done) struct recording joined = {0};

	for (size_t i = 0; i < REC_PILE_SLOTS; i++) {
		if (pile->slots[i].n_sources && recording_merge(&joined, &pile->slots[i], e))
			return -e->code;
		recording_done(&pile->slots[i]);
	}
	*out = joined;
	joined = (struct recording){0};
	return 0;
}

void rec_pile_done(struct rec_pile *pile)
{
	for (size_t i = 0; i < REC_PILE_SLOTS; i++)
		recording_done(&pile->slots[i]);
}
