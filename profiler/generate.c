#include "profiler.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "cut.h"
#include "scope.h"

static void cut_done(struct cut *cut)
{
	profile_done(&cut->profile);
	allowed_done(&cut->seen);
	allowed_done(&cut->allowed);
	bits_done(&cut->phases);
}

struct generate_options generate_defaults(void)
{
	return (struct generate_options){
		.runtime = BASE_ANY,
		.nnp = true,
		.default_action = SECCOMP_RET_ERRNO | ENOSYS,
	};
}

/* What was lost, way by way: "unreadable 3, map_full 1". */
static void list_losses(const struct recording *rec, struct name_row *out_row)
{
	char one[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < LOSS_WAYS; i++) {
		if (rec->loss[i] == 0)
			continue;
		(void)snprintf(one, sizeof(one), "%s %" PRIu64, loss_name(i), rec->loss[i]);
		name_row_add(out_row, one);
	}
}

int generate_accept(const char *name, const struct recording *rec,
	const struct generate_options *options, const struct notice *to, struct err *e)
{
	const char *why = "it never ended: its recorder was killed or still runs";
	struct name_row losses = {0};
	struct err reason;

	if (!options->base && !strcmp(rec->recorder_backend, RECORDING_BESIDE_PROFILE))
		notice_tell(to,
			"%s: lacks what the profile allowed under which it was learned; add to "
			"that one with --base PROFILE",
			name);
	if (rec->complete)
		return 0;
	if (rec->workload.ended_ns != 0)
		why = "a recording joined in it never ended";
	list_losses(rec, &losses);
	if (losses.n_names > 0)
		(void)err_set(&reason, EPERM, "%s: incomplete: calls were lost: %s", name,
			name_row_text(&losses));
	else
		(void)err_set(&reason, EPERM, "%s: incomplete: %s", name, why);
	if (!options->allow_incomplete)
		return err_set(e, EPERM,
			"%s; record again, or take it as it is with --allow-incomplete",
			reason.text);
	notice_tell(to, "%s; the profile may deny what the workload needs", reason.text);
	return 0;
}

/* All steps but the last ones, which tell of them. */
static int cut_all(struct cut *cut, struct err *e)
{
	if (generate_accept(cut->name, cut->rec, cut->options, NULL, e))
		return -e->code;
	if (cut->rec->n_calls == 0)
		return err_set(e, EINVAL,
			"%s: holds no calls: nothing to cut a profile from; record the workload "
			"again",
			cut->name);
	cut->profile.default_action = cut->options->default_action;
	if (cut_select(cut, e) || cut_list_abis(cut, e) || cut_add_names(cut, e) ||
		cut_pin_names(cut, e) || cut_write_rules(cut, e) || cut_stack(cut, e))
		return -e->code;
	return 0;
}

int profile_generate_noted(const char *name, const struct recording *rec,
	const struct generate_options *options, struct profile *out, char **out_notes,
	size_t *out_size, const struct notice *to, struct err *e)
{
	scoped(cut_done) struct cut cut = {
		.name = name,
		.rec = rec,
		.options = options,
		.to = to,
	};
	if (cut_all(&cut, e) || (out_notes && cut_notes(&cut, out_notes, out_size, e)))
		return -e->code;
	cut_tell(&cut);
	*out = cut.profile;
	cut.profile = (struct profile){0};
	return 0;
}

int profile_generate(const char *name, const struct recording *rec,
	const struct generate_options *options, struct profile *out, const struct notice *to,
	struct err *e)
{
	return profile_generate_noted(name, rec, options, out, NULL, NULL, to, e);
}
