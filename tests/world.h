/*
 * world.h: a recording in the making, call by call, and the ABIs of a profile to be.
 */
#ifndef SYSCLAMP_WORLD_H
#define SYSCLAMP_WORLD_H

#include "args.h"
#include "random_profile.h"
#include "recording.h"

struct world {
	struct recording rec;
	const struct abi *abis[4];
	size_t n_abis;
};

static inline void world_done(struct world *w)
{
	recording_done(&w->rec);
}

static inline void world_init(struct world *w)
{
	struct err e;

	*w = (struct world){.n_abis = 0};
	if (recording_init(&w->rec, "test", &e))
		abort();
}

static inline void list_abi(struct world *w, const char *name)
{
	w->abis[w->n_abis++] = abi_by_name(name);
}

static inline struct rec_call *entry(struct world *w, const struct abi *abi, const char *name)
{
	struct rec_call *call = NULL;
	uint32_t nr;

	if (!syscall_number(abi, name, &nr))
		call = recording_call(&w->rec, abi, nr);
	return random_alloc(call);
}

/** A call is made, with the values of the arguments that are recorded of it. */
static inline struct rec_call *see(struct world *w, const char *abi, const char *name,
	uint64_t first, uint64_t second, uint64_t third)
{
	struct rec_call *call = entry(w, abi_by_name(abi), name);
	const struct arg_row *rows = NULL;
	size_t n = args_of_call(call->abi, name, &rows);

	call->count++;
	if (n > 0 && rec_args_add(random_alloc(rec_call_own_args(call)), rows, n,
			     (uint64_t[ARGS_PER_CALL_MAX]){first, second, third}))
		abort();
	return call;
}

#endif
