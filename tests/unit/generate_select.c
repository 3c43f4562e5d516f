/* profile_generate(): which recorded calls count, by phase and by origin. */
#include <errno.h>

#include "generate_trial.h"
#include "scope.h"

static void test_phases(void)
{
	static const char *const SERVE[] = {"serve"}, *const BOTH[] = {"serve", "start"};
	static const char *const EXEC[] = {"exec"}, *const NONE[] = {"stop"};
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	in_phase(&t, add_named(&t, "x86_64", "clone3"), "start");
	in_phase(&t, add_named(&t, "x86_64", "brk"), "start");
	in_phase(&t, add_named(&t, "x86_64", "read"), "serve");
	in_phase(&t, recording_call(&t.rec, abi_by_name("x86_64"), 0), "start");
	in_phase(&t, add_named(&t, "x86_64", "faccessat2"), "exec");
	in_phase(&t, add(&t, "x86_64", 1000, 1), "exec");
	add_named(&t, "x86_64", "write");
	t.options.phases = SERVE;
	t.options.n_phases = 1;
	ok(!generate(&t) && allows(&t, "read") && !allows(&t, "clone3"),
		"a phase holds what was called in it, elsewhere too, and nothing else");
	ok(allows(&t, "write"), "what was recorded without phases is in all");
	ok(says(&t, "none of the phases asked for: clone3, faccessat2, x86_64 1000\n"),
		"and what is left out is said, a number without a name too");
	ok(allows(&t, "exit") && allows(&t, "brk"), "threads of another phase end in this one");
	ok(!allows(&t, "faccessat"), "what entered from outside implies nothing");
	ok(says(&t, "without phase start: "), "that it cannot start the program is said");
	t.options.phases = BOTH;
	t.options.n_phases = 2;
	ok(!generate(&t) && allows(&t, "clone3") && allows(&t, "read") &&
			!says(&t, "without phase"),
		"two phases: what either holds");
	t.options.phases = EXEC;
	t.options.n_phases = 1;
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "number 1000"), "exec is a phase as well");
	t.options.phases = NONE;
	ok(generate(&t) == -EINVAL &&
			strstr(t.e.text, "\"stop\" is not in it; these are: start, serve, exec"),
		"an unknown phase is refused, with those there are");
}

/* One run seen from its start, and one that ran already. */
static void test_joined(void)
{
	static const char *const START[] = {"start"}, *const SERVE[] = {"serve"};
	scoped(trial_done) struct trial early, late;

	trial_init(&early, "x86_64");
	trial_init(&late, "x86_64");
	in_phase(&early, add_named(&early, "x86_64", "execve"), "start");
	in_phase(&early, add_named(&early, "x86_64", "read"), "serve");
	in_phase(&late, add_named(&late, "x86_64", "read"), "serve");
	if (recording_merge(&early.rec, &late.rec, &early.e))
		exit(1);
	early.options.phases = SERVE;
	early.options.n_phases = 1;
	ok(!generate(&early) && allows(&early, "exit") && allows(&early, "mmap"),
		"joined with what ran already: its start may have made threads, which end later");
	early.options.phases = START;
	ok(!generate(&early) && !allows(&early, "exit") && !allows(&early, "mmap"),
		"the phase that it was not seen in has nothing of that");
	early.options.n_phases = 0;
	ok(!generate(&early) && allows(&early, "exit"), "all phases have");
}

static void test_exclude_exec(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	in_phase(&t, add_named(&t, "x86_64", "read"), "start");
	in_phase(&t, recording_call(&t.rec, abi_by_name("x86_64"), 0), "exec");
	in_phase(&t, add_named(&t, "x86_64", "execve"), "start");
	in_phase(&t, add_named(&t, "x86_64", "faccessat2"), "exec");
	t.options.exclude_exec = true;
	ok(!generate(&t) && allows(&t, "read") && !allows(&t, "faccessat2") &&
			!allows(&t, "faccessat") &&
			says(&t, "entered from outside made them: faccessat2\n"),
		"without exec: what it alone called is left out, with what that implies, and said");
	t.options.exclude_exec = false;
	ok(!generate(&t) && allows(&t, "faccessat2") && allows(&t, "faccessat"), "with it: not");
}

static void test_nothing_asked_for(void)
{
	static const char *const START[] = {"start"};
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	in_phase(&t, add_named(&t, "x86_64", "execve"), "start");
	recording_call(&t.rec, abi_by_name("x86_64"), 59)->denied = 1;
	t.options.phases = START;
	t.options.n_phases = 1;
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "what was asked for holds no call"),
		"a phase without anything to allow: an error that blames what was asked for");
}

int main(void)
{
	test_phases();
	test_joined();
	test_exclude_exec();
	test_nothing_asked_for();
	return tap_done();
}
