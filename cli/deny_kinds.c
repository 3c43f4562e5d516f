#include "deny_kinds.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * DENY_KINDS_MAX };

struct deny_kind {
	uint64_t count; /* 0: free */
	uint32_t program; /* where its path begins in the texts */
	uint32_t nr;
	const struct abi *abi;
	action_t action;
};

int deny_kinds_init(struct deny_kinds *kinds, struct err *e)
{
	*kinds = (struct deny_kinds){
		.slots = calloc(SLOTS, sizeof(*kinds->slots)),
		.programs = malloc(DENY_KINDS_TEXT),
	};
	if (kinds->slots && kinds->programs)
		return 0;
	deny_kinds_done(kinds);
	return err_nomem(e);
}

void deny_kinds_done(struct deny_kinds *kinds)
{
	free(kinds->slots);
	free(kinds->programs);
	*kinds = (struct deny_kinds){0};
}

/* FNV-1a: its 32-bit offset basis and prime. */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 16777619u;
	return hash;
}

static uint32_t hash_call(const struct deny_call *call)
{
	uint32_t hash = hash_bytes(2166136261u, call->program, strlen(call->program));

	hash = hash_bytes(hash, &call->data.nr, sizeof(call->data.nr));
	hash = hash_bytes(hash, &call->data.arch, sizeof(call->data.arch));
	return hash_bytes(hash, &call->action, sizeof(call->action));
}

static bool is_same(
	const struct deny_kinds *kinds, const struct deny_kind *kind, const struct deny_call *call)
{
	return kind->nr == (uint32_t)call->data.nr && kind->abi == call->abi &&
	       kind->action == call->action &&
	       !strcmp(kinds->programs + kind->program, call->program);
}

/* Its slot, or the free one where it belongs: there is one, as half of them stay free. */
static struct deny_kind *find(const struct deny_kinds *kinds, const struct deny_call *call)
{
	size_t at = hash_call(call) % SLOTS;

	while (kinds->slots[at].count && !is_same(kinds, &kinds->slots[at], call))
		at = (at + 1) % SLOTS;
	return &kinds->slots[at];
}

/* The text of a program that is known, or of a new one; false without room. */
static bool find_program(struct deny_kinds *kinds, const char *program, uint32_t *out)
{
	size_t size = strlen(program) + 1;

	for (size_t at = 0; at < kinds->programs_size; at += strlen(kinds->programs + at) + 1) {
		if (!strcmp(kinds->programs + at, program)) {
			*out = (uint32_t)at;
			return true;
		}
	}
	if (size > DENY_KINDS_TEXT - kinds->programs_size)
		return false;
	*out = (uint32_t)kinds->programs_size;
	memcpy(kinds->programs + kinds->programs_size, program, size);
	kinds->programs_size += size;
	return true;
}

bool deny_kinds_count(struct deny_kinds *kinds, const struct deny_call *call)
{
	struct deny_kind *kind = find(kinds, call);

	kinds->total++;
	if (kind->count++)
		return false;
	if (kinds->n == DENY_KINDS_MAX || !find_program(kinds, call->program, &kind->program)) {
		kind->count = 0;
		kinds->crowded++;
		return false;
	}
	kind->nr = (uint32_t)call->data.nr;
	kind->abi = call->abi;
	kind->action = call->action;
	kinds->n++;
	return true;
}
