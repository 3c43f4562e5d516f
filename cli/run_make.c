#include "run_make.h"

#include <stdlib.h>

#include "cli.h"
#include "features.h"
#include "landlock.h"

const char *run_first_name(const struct run_options *options)
{
	if (options->filter.n_profiles > 1)
		return "one of the profiles";
	if (options->filter.n_profiles)
		return cli_input_name(options->filter.profiles[0]);
	if (options->bundle.has_profile)
		return options->bundle.doc.name;
	return options->filter.program ? cli_input_name(options->filter.program) : "strict mode";
}

void run_made_done(struct run_made *made)
{
	run_filter_done(&made->given);
	enforced_done(&made->built_in);
	enforced_done(&made->then);
	deny_close(&made->deny);
	enforced_done(&made->supervised);
	enforced_done(&made->bundled);
}

/* Whether the first filter is there before the command is. */
static bool is_at_launch(const struct run_options *options)
{
	return options->plan.at == SANDBOX_AT_LAUNCH || options->late.then;
}

static int make_given(const struct run_options *options, struct run_filter *out, struct err *e)
{
	struct notice notice = cli_notice("run");

	if (run_filter_make(&options->filter, out, &notice, e) ||
		run_filter_can_hold(&options->filter, out, &notice, e) ||
		(is_at_launch(options) && run_filter_can_start(out, e)))
		return -e->code;
	return 0;
}

/* The profile of a bundle, which is the filter's from then on. */
static int read_bundled(struct run_options *options, struct enforced *out, struct err *e)
{
	struct notice notice = cli_notice("run");

	return enforced_from_profile(
		options->bundle.doc.name, &options->bundle.profile, out, &notice, e);
}

static int make_bundled(struct run_options *options, struct enforced *out,
	struct sandbox_filter *load, struct err *e)
{
	struct notice notice = cli_notice("run");
	const char *name = options->bundle.doc.name;

	if (read_bundled(options, out, e) || enforced_can_hold(name, out, &notice, e) ||
		enforced_can_load(name, out, e) ||
		(is_at_launch(options) && enforced_can_start(name, out, e)))
		return -e->code;
	*load = (struct sandbox_filter){
		&out->filter, features_load_flags(out->profile.flags, false)};
	return 0;
}

static int make_then(const struct run_options *options, const struct filter *first,
	struct enforced *out, struct err *e)
{
	struct notice notice = cli_notice("run");
	const char *path = options->late.then;

	if (enforced_read(path, out, &notice, e) || enforced_can_hold(path, out, &notice, e) ||
		enforced_can_load(path, out, e))
		return -e->code;
	return run_check_phases(run_first_name(options), first, path, out, e);
}

/* A filter that asks, and who answers. */
static int make_supervised(
	struct run_options *options, const char *path, struct run_made *out, struct err *e)
{
	bool given = options->filter.n_profiles, bundled = options->bundle.has_profile;
	const struct deny_request request = {
		.mode = options->on_deny,
		.profile = given || bundled ? run_first_name(options) : NULL,
		.output = options->output,
		.argv = options->argv,
		.path = path,
	};
	struct notice notice = cli_notice("run");

	if (given && enforced_read(options->filter.profiles[0], &out->supervised, &notice, e))
		return -e->code;
	if (bundled && read_bundled(options, &out->supervised, e))
		return -e->code;
	return deny_open(&request, &out->supervised, &notice, &out->deny, e);
}

/* The filter that is there first; an empty one without. */
static int make_first(struct run_options *options, struct run_made *out,
	struct sandbox_filter *load, struct err *e)
{
	if (options->plan.mode == RUN_STRICT)
		return 0;
	if (options->plan.mode == RUN_STRICT_FILTER) {
		load->filter = &out->built_in.filter;
		return run_strict_filter(&out->built_in, e);
	}
	if (options->bundle.has_profile)
		return make_bundled(options, &out->bundled, load, e);
	if (!options->filter.n_profiles && !options->filter.program)
		return 0; /* held by its cage alone */
	if (make_given(options, &out->given, e))
		return -e->code;
	*load = out->given.load;
	return 0;
}

static int make_filters(
	struct run_options *options, struct run_made *out, struct sandbox *box, struct err *e)
{
	if (make_first(options, out, &box->filter, e))
		return -e->code;
	if (!options->late.then)
		return 0;
	if (make_then(options, box->filter.filter, &out->then, e))
		return -e->code;
	out->then_load = (struct sandbox_filter){
		&out->then.filter, features_load_flags(out->then.profile.flags, false)};
	box->then = &out->then_load;
	return 0;
}

int run_make(struct run_options *options, const char *path, char *const *env, struct run_made *out,
	struct sandbox *box, struct err *e)
{
	const struct cage *cage = run_options_cage(options);
	struct notice notice = cli_notice("run");

	*box = (struct sandbox){
		.argv = options->argv,
		.env = env,
		.path = path,
		.mode = options->plan.mode == RUN_STRICT ? SANDBOX_STRICT : SANDBOX_FILTER,
		.at = options->plan.at,
		.symbol = options->plan.symbol,
		.within_ns = options->plan.within_ns,
		.new_privs = options->new_privs,
		.cage = cage,
	};
	if (cage && landlock_check(&cage->landlock, &notice, e))
		return -e->code;
	if (options->on_deny == DENY_PROFILE)
		return make_filters(options, out, box, e);
	if (make_supervised(options, path, out, e))
		return -e->code;
	box->filter = (struct sandbox_filter){
		&out->supervised.filter, out->supervised.profile.flags};
	box->supervisor = &out->deny.supervisor;
	return 0;
}
