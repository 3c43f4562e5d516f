/*
 * recording.h: which phases a recording never saw.
 */
#include "recording.h"

#include <string.h>

#include "phase.h"

static size_t index_of(const struct rec_names *phases, const char *name)
{
	for (size_t i = 0; i < phases->n_names; i++) {
		if (!strcmp(phases->names[i], name))
			return i;
	}
	return SIZE_MAX;
}

static bool is_called_in(const struct recording *rec, size_t phase)
{
	for (size_t i = 0; i < rec->n_calls; i++) {
		if (bits_has(&rec->calls[i].phases, phase))
			return true;
	}
	return false;
}

static bool is_called_by(const struct recording *rec, size_t source, size_t phase)
{
	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct rec_call *call = &rec->calls[i];

		if (bits_has(&call->phases, phase) &&
			bits_has(rec_call_seen_in(call, phase), source))
			return true;
	}
	return false;
}

/* What starts makes a call, its execve, so who saw none in `start` and some later came later. */
static bool came_late(
	const struct recording *rec, size_t source, size_t start, const struct bits *phases)
{
	if (start != SIZE_MAX && is_called_by(rec, source, start))
		return false;
	for (size_t phase = 0; phase < rec->phases.n_names; phase++) {
		if ((!phases || bits_has(phases, phase)) && is_called_by(rec, source, phase))
			return true;
	}
	return false;
}

bool recording_began_late(const struct recording *rec, const struct bits *phases)
{
	size_t start = index_of(&rec->phases, phase_name(PHASE_START));

	for (size_t i = 0; i < rec->n_sources; i++) {
		if (came_late(rec, i, start, phases))
			return true;
	}
	return false;
}

static bool listens(const struct recording *rec)
{
	char name[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct rec_call *call = &rec->calls[i];

		if (syscall_name(call->abi, call->nr, name) &&
			phase_role(name) == PHASE_ROLE_LISTEN)
			return true;
	}
	return false;
}

void recording_tell_phases(const struct recording *rec, const struct notice *to)
{
	const struct rec_names *phases = &rec->phases;
	const char *start = phase_name(PHASE_START), *serve = phase_name(PHASE_SERVE);

	/* Of a recorder that knew none. */
	if (phases->n_names == 0)
		return;
	if (index_of(phases, start) == SIZE_MAX)
		notice_tell(to,
			"phase %s was never seen: recording began while it ran; record it from its "
			"start too (sysclamp record --all-containers, or the hook)",
			start);
	if (index_of(phases, serve) == SIZE_MAX && listens(rec))
		notice_tell(to, "phase %s was never seen: it listens, and never waited for work",
			serve);
	for (size_t i = 0; i < phases->n_names; i++) {
		if (!is_called_in(rec, i))
			notice_tell(to, "phase %s: no call was seen in it", phases->names[i]);
	}
}
