/*
 * generate_trial.h: one run of profile_generate() on a recording made by hand, for the tests of it.
 */
#ifndef SYSCLAMP_GENERATE_TRIAL_H
#define SYSCLAMP_GENERATE_TRIAL_H

#include "heard.h"
#include "profiler.h"
#include "tap.h"

/* One run of the generator. */
struct trial {
	struct recording rec;
	struct generate_options options;
	struct profile profile;
	struct heard heard;
	struct err e;
	int code;
};

static inline void trial_done(struct trial *t)
{
	recording_done(&t->rec);
	profile_done(&t->profile);
}

/* A recording of a host that ended well and holds nothing yet; no base set. */
static inline void trial_init(struct trial *t, const char *machine)
{
	*t = (struct trial){.options = generate_defaults()};
	t->options.runtime = BASE_NONE;
	if (recording_init(&t->rec, "test", &t->e))
		abort();
	recording_end(&t->rec, 0);
	free(t->rec.host_machine);
	t->rec.host_machine = strdup(machine);
}

static inline struct rec_call *add(struct trial *t, const char *abi, uint32_t nr, uint64_t count)
{
	struct rec_call *call = recording_call(&t->rec, abi_by_name(abi), nr);

	if (!call)
		abort();
	call->count = count;
	return call;
}

static inline struct rec_call *add_named(struct trial *t, const char *abi, const char *name)
{
	uint32_t nr;

	if (syscall_number(abi_by_name(abi), name, &nr))
		abort();
	return add(t, abi, nr, 1);
}

static inline int generate(struct trial *t)
{
	struct notice to = notice_to(&t->heard);

	profile_done(&t->profile);
	t->profile = (struct profile){0};
	t->heard.text[0] = '\0';
	t->e = (struct err){0};
	t->code = profile_generate("web.rec.json", &t->rec, &t->options, &t->profile, &to, &t->e);
	return t->code;
}

static inline bool allows(const struct trial *t, const char *name)
{
	for (size_t i = 0; t->profile.n_rules == 1 && i < t->profile.rules[0].n_names; i++) {
		if (!strcmp(t->profile.rules[0].names[i], name))
			return true;
	}
	return false;
}

static inline bool says(const struct trial *t, const char *text)
{
	return strstr(t->heard.text, text) != NULL;
}

/* Note that @call was made in the phase @name. */
static inline void in_phase(struct trial *t, struct rec_call *call, const char *name)
{
	if (!call || bits_add(&call->phases, rec_names_index(&t->rec.phases, name)))
		abort();
}

#endif
