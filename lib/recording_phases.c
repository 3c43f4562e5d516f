/*
 * recording.h: what a recording says of phases that were never seen.
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
