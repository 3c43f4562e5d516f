/*
 * recording.h: which sources saw a call in which phase.
 */
#include "recording_parts.h"

#include <errno.h>
#include <stdlib.h>

/* The place of @phase among the members of @call's phases. */
static size_t rank_of(const struct rec_call *call, size_t phase)
{
	size_t rank = 0;

	for (size_t n = bits_next(&call->phases, 0); n < phase; n = bits_next(&call->phases, n + 1))
		rank++;
	return rank;
}

const struct bits *rec_call_seen_in(const struct rec_call *call, size_t phase)
{
	return call->seen ? &call->seen[rank_of(call, phase)] : &call->sources;
}

struct bits *rec_call_own_seen(struct rec_call *call, size_t phase)
{
	if (!call->seen)
		call->seen = calloc(bits_count(&call->phases), sizeof(*call->seen));
	return call->seen ? &call->seen[rank_of(call, phase)] : NULL;
}

void rec_call_drop_seen(struct rec_call *call)
{
	size_t n = call->seen ? bits_count(&call->phases) : 0;

	for (size_t i = 0; i < n; i++)
		bits_done(&call->seen[i]);
	free(call->seen);
	call->seen = NULL;
}

bool rec_call_seen_follows(const struct rec_call *call)
{
	size_t n = call->seen ? bits_count(&call->phases) : 0;

	for (size_t i = 0; i < n; i++) {
		if (!bits_equal(&call->seen[i], &call->sources))
			return false;
	}
	return true;
}
