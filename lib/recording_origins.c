#include "recording_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

enum { FIRST_ROOM = 64 };

static int order_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

void rec_origin_done(struct rec_origin *origin)
{
	for (size_t i = 0; i < origin->n_frames; i++) {
		free(origin->frames[i].module);
		free(origin->frames[i].symbol);
	}
	free(origin->frames);
	origin->frames = NULL;
	origin->n_frames = 0;
}

void rec_origins_done(struct recording *rec)
{
	for (size_t i = 0; i < rec->n_origins; i++)
		rec_origin_done(&rec->origins[i]);
	free(rec->origins);
	rec->origins = NULL;
	rec->n_origins = rec->room_origins = 0;
}

static int call_compare(const struct rec_origin *a, const struct rec_origin *b)
{
	return rec_number_compare(a->abi, a->nr, b->abi, b->nr);
}

/* The same name has the same index. */
static int name_compare(const struct rec_names *names, uint32_t a, uint32_t b)
{
	return a == b ? 0 : strcmp(names->names[a], names->names[b]);
}

/* Of the same call, program and phase; for qsort_r(3) too. */
int rec_origin_compare(const void *a, const void *b, void *arg)
{
	const struct rec_origin *x = a, *y = b;
	const struct recording *rec = arg;
	int order = call_compare(x, y);

	if (!order)
		order = name_compare(&rec->programs, x->program, y->program);
	return order ? order : name_compare(&rec->phases, x->phase, y->phase);
}

static int frames_compare(const struct rec_origin *a, const struct rec_origin *b)
{
	int order = 0;

	for (size_t i = 0; !order && i < a->n_frames && i < b->n_frames; i++) {
		const struct rec_frame *x = &a->frames[i], *y = &b->frames[i];

		order = strcmp(x->module, y->module);
		if (!order)
			order = strcmp(x->symbol, y->symbol);
		if (!order)
			order = order_u64(x->offset, y->offset);
	}
	return order;
}

/*
 * Which of two first sights of the same counts: the earlier; of one that is seen in two states of a
 * file, the one with more frames, which were added later; and then any, but always the same.
 */
static int sight_compare(const struct rec_origin *a, const struct rec_origin *b)
{
	int order = order_u64(a->time_ns, b->time_ns);

	if (!order)
		order = order_u64(b->n_frames, a->n_frames);
	if (!order)
		order = order_u64((uint64_t)a->pid, (uint64_t)b->pid);
	if (!order)
		order = order_u64((uint64_t)a->tid, (uint64_t)b->tid);
	if (!order)
		order = arg_tuple_compare(a->values, b->values, SYSCALL_ARGS);
	return order ? order : frames_compare(a, b);
}

static int best_first(const void *a, const void *b, void *rec)
{
	int order = rec_origin_compare(a, b, rec);

	return order ? order : sight_compare(a, b);
}

static int earliest_first(const void *a, const void *b, void *rec)
{
	const struct rec_origin *x = a, *y = b;
	int order = order_u64(x->time_ns, y->time_ns);

	return order ? order : rec_origin_compare(a, b, rec);
}

/* Keep the first of those that are the same call, program and phase. */
static void drop_repeated(struct recording *rec)
{
	size_t kept = 0;

	for (size_t i = 0; i < rec->n_origins; i++) {
		struct rec_origin *origin = &rec->origins[i];

		if (kept && !rec_origin_compare(&rec->origins[kept - 1], origin, rec))
			rec_origin_done(origin);
		else
			rec->origins[kept++] = *origin;
	}
	rec->n_origins = kept;
}

/*
 * Of all that were ever joined the earliest are those that are the earliest in each part: what is
 * dropped here would be dropped from any larger join, too.
 */
static void drop_latest(struct recording *rec)
{
	if (rec->n_origins <= RECORDING_ORIGINS_MAX)
		return;
	qsort_r(rec->origins, rec->n_origins, sizeof(*rec->origins), earliest_first, rec);
	while (rec->n_origins > RECORDING_ORIGINS_MAX)
		rec_origin_done(&rec->origins[--rec->n_origins]);
	qsort_r(rec->origins, rec->n_origins, sizeof(*rec->origins), rec_origin_compare, rec);
}

/* As in most files. */
static bool is_settled(const struct recording *rec)
{
	for (size_t i = 1; i < rec->n_origins; i++) {
		if (rec_origin_compare(
			    &rec->origins[i - 1], &rec->origins[i], (void *)(uintptr_t)rec) >= 0)
			return false;
	}
	return rec->n_origins <= RECORDING_ORIGINS_MAX;
}

void rec_origins_settle(struct recording *rec)
{
	if (is_settled(rec))
		return;
	qsort_r(rec->origins, rec->n_origins, sizeof(*rec->origins), best_first, rec);
	drop_repeated(rec);
	drop_latest(rec);
}

static int reserve(struct recording *rec, size_t n)
{
	struct rec_origin *grown;

	if (rec->origins && n <= rec->room_origins)
		return 0;
	grown = reallocarray(rec->origins, n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rec->origins = grown;
	rec->room_origins = n;
	return 0;
}

struct rec_origin *rec_origin_insert(
	struct recording *rec, size_t at, const struct rec_origin *origin)
{
	size_t room = rec->room_origins ? 2 * rec->room_origins : FIRST_ROOM;

	if ((!rec->origins || rec->n_origins == rec->room_origins) && reserve(rec, room))
		return NULL;
	memmove(rec->origins + at + 1, rec->origins + at, (rec->n_origins - at) * sizeof(*origin));
	rec->origins[at] = *origin;
	rec->n_origins++;
	return &rec->origins[at];
}

/* The index of the first origin that is not before @wanted in the order of @compare. */
static size_t origin_position(const struct recording *rec, const struct rec_origin *wanted,
	int (*compare)(const struct recording *rec, const struct rec_origin *a,
		const struct rec_origin *b))
{
	size_t low = 0, high = rec->n_origins;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(rec, &rec->origins[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int by_all(
	const struct recording *rec, const struct rec_origin *a, const struct rec_origin *b)
{
	return rec_origin_compare(a, b, (void *)(uintptr_t)rec);
}

static int by_call(
	const struct recording *rec, const struct rec_origin *a, const struct rec_origin *b)
{
	(void)rec;
	return call_compare(a, b);
}

bool rec_origin_is_noted(const struct recording *rec, const struct rec_origin *origin)
{
	const struct rec_call *call = recording_find(rec, origin->abi, origin->nr);

	return call && bits_has(&call->programs, origin->program) &&
	       bits_has(&call->phases, origin->phase);
}

/* Add @origin, or put it in the place of a later one. */
static struct rec_origin *note(struct recording *rec, const struct rec_origin *origin)
{
	size_t at = origin_position(rec, origin, by_all);
	struct rec_origin *there = at < rec->n_origins ? &rec->origins[at] : NULL;

	if (!there || by_all(rec, there, origin) != 0)
		return rec->n_origins < RECORDING_ORIGINS_MAX ? rec_origin_insert(rec, at, origin)
							      : NULL;
	if (there->time_ns <= origin->time_ns)
		return NULL;
	rec_origin_done(there);
	*there = *origin;
	return there;
}

struct rec_origin *rec_origin_add(struct recording *rec, const struct abi *abi, uint32_t nr,
	size_t program, size_t phase, pid_t pid, pid_t tid, uint64_t time_ns,
	const uint64_t values[SYSCALL_ARGS])
{
	struct rec_origin origin = {
		.abi = abi,
		.nr = nr,
		.program = (uint32_t)program,
		.phase = (uint32_t)phase,
		.pid = pid,
		.tid = tid,
		.time_ns = time_ns,
	};

	if (program >= rec->programs.n_names || phase >= rec->phases.n_names || pid <= 0 ||
		tid <= 0 || time_ns == 0 || !rec_origin_is_noted(rec, &origin))
		return NULL;
	memcpy(origin.values, values, sizeof(origin.values));
	return note(rec, &origin);
}

/* A copy of @text as the file has it: heap, NULL without memory. */
static char *frame_text(const char *text)
{
	char *clean = json_clean_text(text ? text : "");
	size_t len = clean ? strlen(clean) : 0;

	if (len <= REC_FRAME_TEXT_MAX)
		return clean;
	/* Not in the middle of a character. */
	for (len = REC_FRAME_TEXT_MAX; ((unsigned char)clean[len] & 0xc0) == 0x80; len--)
		;
	clean[len] = '\0';
	return clean;
}

int rec_origin_add_frame(
	struct rec_origin *origin, const char *module, const char *symbol, uint64_t offset)
{
	scoped_free char *file = frame_text(module), *function = frame_text(symbol);
	struct rec_frame *grown;

	if (!file || !function)
		return -ENOMEM;
	if (origin->n_frames >= REC_FRAMES_MAX)
		return -E2BIG;
	grown = reallocarray(origin->frames, origin->n_frames + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (char *c = function; (c = strchr(c, '!'));)
		*c = '?';
	origin->frames = grown;
	grown[origin->n_frames++] = (struct rec_frame){
		steal_ptr(file), steal_ptr(function), offset};
	return 0;
}

const struct rec_origin *rec_origins_of(
	const struct recording *rec, const struct abi *abi, uint32_t nr, size_t *out_n)
{
	struct rec_origin wanted = {.abi = abi, .nr = nr};
	size_t first = origin_position(rec, &wanted, by_call), end = first;

	while (end < rec->n_origins && !call_compare(&rec->origins[end], &wanted))
		end++;
	*out_n = end - first;
	return end > first ? &rec->origins[first] : NULL;
}

/* A copy of @from behind the others, with its names under other indexes. */
static int append_copy(struct recording *rec, const struct rec_origin *from, const size_t *programs,
	const size_t *phases)
{
	struct rec_origin origin = *from, *to;
	int code = 0;

	origin.program = (uint32_t)programs[from->program];
	origin.phase = (uint32_t)phases[from->phase];
	origin.frames = NULL;
	origin.n_frames = 0;
	to = rec_origin_insert(rec, rec->n_origins, &origin);
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; !code && i < from->n_frames; i++)
		code = rec_origin_add_frame(
			to, from->frames[i].module, from->frames[i].symbol, from->frames[i].offset);
	return code;
}

int rec_origins_append(struct recording *to, const struct recording *from, const size_t *programs,
	const size_t *phases)
{
	if (from->n_origins && reserve(to, to->n_origins + from->n_origins))
		return -ENOMEM;
	for (size_t i = 0; i < from->n_origins; i++) {
		if (append_copy(to, &from->origins[i], programs, phases))
			return -ENOMEM;
	}
	return 0;
}
