#include "run_filter.h"

#include <errno.h>
#include <string.h>

#include "cli.h"
#include "features.h"
#include "scope.h"

void run_filter_done(struct run_filter *filter)
{
	enforced_stack_done(&filter->stack);
	filter_done(&filter->program);
}

static bool is_stdin(const char *path)
{
	return path && !strcmp(path, "-");
}

int run_filter_take_profile(struct run_filter_options *options, const char *path)
{
	if (options->n_profiles == ENFORCED_STACK_MAX)
		return cli_misuse("run", "more than %d profiles", ENFORCED_STACK_MAX);
	options->profiles[options->n_profiles++] = path;
	return EXIT_OK;
}

int run_filter_check_options(const struct run_filter_options *options)
{
	int from_stdin = is_stdin(options->program);

	for (size_t i = 0; i < options->n_profiles; i++)
		from_stdin += is_stdin(options->profiles[i]);
	if (from_stdin > 1)
		return cli_misuse("run", "standard input (-) can be read once only");
	if (options->unproven && !options->program)
		return cli_misuse("run", "--unproven is about a program (--bpf FILE)");
	if (options->unproven && options->n_profiles)
		return cli_misuse("run", "--unproven: with a profile (-p), the program is proven");
	if (options->program && !options->unproven && !options->n_profiles)
		return cli_misuse("run",
			"--bpf: no profile to hold the program against (-p PROFILE); to load it "
			"as it is, say --unproven");
	return EXIT_OK;
}

static int read_program(
	const struct run_filter_options *options, struct run_filter *filter, struct err *e)
{
	if (filter_read(options->program, &filter->program, e))
		return -e->code;
	if (options->n_profiles && enforced_stack_must_equal(&filter->stack, &filter->program, e))
		return err_prefix(e, "%s: ", cli_input_name(options->program));
	return 0;
}

int run_filter_make(const struct run_filter_options *options, struct run_filter *out,
	const struct notice *to, struct err *e)
{
	scoped(run_filter_done) struct run_filter filter = {0};

	if (options->n_profiles &&
		enforced_stack_read(options->profiles, options->n_profiles, &filter.stack, to, e))
		return -e->code;
	if (options->program && read_program(options, &filter, e))
		return -e->code;
	*out = filter;
	memset(&filter, 0, sizeof(filter)); /* it is the caller's now */
	out->load = (struct sandbox_filter){
		.filter = options->program ? &out->program : enforced_stack_filter(&out->stack),
		.flags = features_load_flags(out->stack.flags, false),
	};
	return 0;
}

/* What a program answers, as far as it stands in its returns. */
static int check_answers(
	const char *name, const struct filter *program, const struct notice *to, struct err *e)
{
	bool traces = false;

	for (size_t i = 0; i < program->len; i++) {
		const struct sock_filter *insn = &program->insns[i];
		action_t action = action_effective(insn->k) & SECCOMP_RET_ACTION_FULL;

		if (insn->code != (BPF_RET | BPF_K))
			continue;
		if (action == SECCOMP_RET_USER_NOTIF)
			return err_set(e, EPERM,
				"%s: instruction %zu returns SCMP_ACT_NOTIFY, which needs a "
				"supervisor that answers, and there is none",
				name, i);
		if (features_need_action(action, e))
			return err_prefix(e, "%s: instruction %zu: ", name, i);
		traces |= action == SECCOMP_RET_TRACE;
	}
	if (traces)
		notice_tell(to,
			"%s: SCMP_ACT_TRACE: without a tracer such a call fails with ENOSYS", name);
	return 0;
}

int run_filter_can_hold(const struct run_filter_options *options, const struct run_filter *filter,
	const struct notice *to, struct err *e)
{
	if (options->n_profiles)
		return enforced_stack_can_hold(&filter->stack, to, e);
	return check_answers(cli_input_name(options->program), &filter->program, to, e);
}

int run_filter_can_start(const struct run_filter *filter, struct err *e)
{
	return enforced_stack_can_start(&filter->stack, e);
}
