/*
 * hooks.c: hooks of a bundle are run in order, with the state, in time, and their failures told.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "file.h"
#include "heard.h"
#include "hooks.h"
#include "json.h"
#include "scope.h"
#include "tap.h"

enum { TEXT_MAX = 4096 };

static char dir[] = "/tmp/sysclamp-hooks-XXXXXX";
static char *DIR_ENV[] = {NULL, NULL};

static struct cage_hook shell(const char *where, char **argv, unsigned timeout_s)
{
	return (struct cage_hook){
		.where = where,
		.path = "/bin/sh",
		.argv = argv,
		.env = DIR_ENV,
		.timeout_s = timeout_s,
	};
}

static char *took(const char *name, char text[TEXT_MAX])
{
	char path[128];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	n = file ? fread(text, 1, TEXT_MAX - 1, file) : 0;
	text[n] = '\0';
	if (file)
		fclose(file);
	unlink(path);
	return text;
}

static const struct cage_state STATE = {
	.oci_version = "1.0.2",
	.id = "web-1",
	.bundle = "/bundles/web \"1\"",
	.annotations = "{\"a\": \"b\\nc\", \"empty\": \"\"}",
};

static void check_order(void)
{
	static char *first[] = {
		"hook", "-c", "echo 1 >>${OUT:?}/order; echo spoilt >>/proc/self/fd/0; :", NULL};
	static char *second[] = {
		"hook", "-c", "cat >${OUT:?}/state; echo 2 >>${OUT:?}/order", NULL};
	static char *third[] = {"hook", "-c", "cat >${OUT:?}/again; echo 3 >>${OUT:?}/order", NULL};
	struct cage_hook hooks[] = {
		shell("a", first, 0), shell("b", second, 5), shell("c", third, 0)};
	struct cage cage = {.state = STATE};
	char text[TEXT_MAX], again[TEXT_MAX];
	struct err e = {0};

	cage.hooks[CAGE_HOOK_CREATE_RUNTIME] = (struct cage_hooks){
		.hooks = hooks, .n = ARRAY_LEN(hooks)};
	ok(!hooks_run(&cage, CAGE_HOOK_PRESTART, 7, "creating", &e), "none at another time");
	is_text(took("order", text), "", "and nothing ran");
	ok(!hooks_run(&cage, CAGE_HOOK_CREATE_RUNTIME, 4711, "creating", &e), "three hooks: %s",
		e.text);
	is_text(took("order", text), "1\n2\n3\n", "in their order");
	is_text(took("state", text),
		"{\n  \"ociVersion\": \"1.0.2\",\n  \"id\": \"web-1\",\n"
		"  \"status\": \"creating\",\n  \"pid\": 4711,\n"
		"  \"bundle\": \"/bundles/web \\\"1\\\"\",\n"
		"  \"annotations\": {\"a\": \"b\\nc\", \"empty\": \"\"}\n}\n",
		"the state on standard input");
	is_text(took("again", again), text, "for each hook from its start");
	ok(!hooks_run(&cage, CAGE_HOOK_CREATE_RUNTIME, 0, "stopped", &e) &&
			!strstr(took("state", text), "pid"),
		"no pid when there is no process");
	took("order", text);
	took("again", text);
}

/* What a hook is started with: only the standard descriptors, its environment, clean signals. */
static void check_surroundings(void)
{
	static char *argv[] = {"hook", "-c",
		"env | grep -v '^PWD=\\|^SHLVL=\\|^_=' >${OUT:?}/env; ls /proc/self/fd | tr '\\n' "
		"' ' "
		">${OUT:?}/fds; grep 'Sig[BI]' /proc/self/status >${OUT:?}/signals; "
		"[ $(ps -o pgid= -p $$) = $$ ] && echo own >${OUT:?}/group",
		NULL};
	struct cage_hook hooks[] = {shell("a", argv, 0)};
	struct cage cage = {.hooks[CAGE_HOOK_POSTSTART] = {hooks, 1}};
	char text[TEXT_MAX], want[128];
	int open_fd = dup(STDOUT_FILENO); /* not close-on-exec, as what a user leaves open */
	struct err e = {0};
	sigset_t some;

	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, NULL);
	signal(SIGUSR1, SIG_IGN);
	ok(!hooks_run(&cage, CAGE_HOOK_POSTSTART, 1, "running", &e), "a hook looks around: %s",
		e.text);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	close(open_fd);
	snprintf(want, sizeof(want), "OUT=%s\n", dir);
	is_text(took("env", text), want, "the environment is the given one");
	is_text(took("fds", text), "0 1 2 3 ", "no descriptor of ours (3 is ls's)");
	is_text(took("signals", text), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n",
		"no signal is blocked or ignored");
	is_text(took("group", text), "own\n", "it leads a process group of its own");
}

static const struct {
	const char *script, *path, *error;
	unsigned timeout_s;
	int code;
} FAILURES[] = {
	{"exit 3", "/bin/sh", "h: /bin/sh: ended with status 3", 0, ECANCELED},
	{"kill -9 $$", "/bin/sh", "h: /bin/sh: killed by signal 9 (SIGKILL)", 5, ECANCELED},
	{"", "/nowhere/hook", "h: /nowhere/hook: No such file or directory", 0, ENOENT},
	{"", "/etc/passwd", "h: /etc/passwd: Permission denied", 0, EACCES},
};

static void check_failures(void)
{
	static char *after[] = {"hook", "-c", "echo after >>${OUT:?}/after", NULL};
	char text[TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(FAILURES); i++) {
		char *argv[] = {"hook", "-c", (char *)FAILURES[i].script, NULL};
		struct cage_hook hooks[] = {
			shell("h", argv, FAILURES[i].timeout_s), shell("later", after, 0)};
		struct cage cage = {.hooks[CAGE_HOOK_PRESTART] = {hooks, 2},
			.hooks[CAGE_HOOK_POSTSTOP] = {hooks, 2}};
		struct err e = {0};

		hooks[0].path = FAILURES[i].path;
		ok(hooks_run(&cage, CAGE_HOOK_PRESTART, 1, "creating", &e) == -FAILURES[i].code,
			"%s", FAILURES[i].error);
		is_text(e.text, FAILURES[i].error, "with its reason");
		is_text(took("after", text), "", "the next one does not run");
		ok(hooks_run(&cage, CAGE_HOOK_POSTSTOP, 0, "stopped", &e) == -FAILURES[i].code,
			"also of poststop");
		is_text(took("after", text), "after\n", "where the next one does run");
	}
}

static bool is_gone(const char *pid_text)
{
	return kill((pid_t)atoi(pid_text), 0) && errno == ESRCH;
}

/* The hook and a child of it wait forever: both end. */
static void check_timeout(void)
{
	static char *argv[] = {"hook", "-c",
		"mkfifo ${OUT:?}/never; (exec cat ${OUT:?}/never) & echo $! >${OUT:?}/child; "
		"echo $$ >${OUT:?}/parent; wait",
		NULL};
	struct cage_hook hooks[] = {shell("h", argv, 1)};
	struct cage cage = {.hooks[CAGE_HOOK_CREATE_CONTAINER] = {hooks, 1}};
	char child[TEXT_MAX], parent[TEXT_MAX], never[TEXT_MAX];
	struct err e = {0};
	int status = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L); /* orphans are ours to reap */
	ok(hooks_run(&cage, CAGE_HOOK_CREATE_CONTAINER, 1, "creating", &e) == -ETIMEDOUT,
		"a hook that lasts too long");
	is_text(e.text, "h: /bin/sh: still running after 1 s, so it was killed", "says so");
	took("child", child);
	took("parent", parent);
	ok(atoi(parent) > 1 && is_gone(parent), "it is gone");
	/* Were it alive still, this would end it. */
	ok(atoi(child) > 1 && !kill((pid_t)atoi(child), SIGTERM) &&
			waitpid((pid_t)atoi(child), &status, 0) > 0 && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGKILL,
		"its child, too");
	snprintf(never, sizeof(never), "%s/never", dir);
	unlink(never);
}

/* Standard descriptors may be closed. */
static void body_closed(void *arg)
{
	static char *argv[] = {"hook", "-c", "cat >${OUT:?}/state", NULL};
	struct cage_hook hooks[] = {shell("h", argv, 0)};
	struct cage cage = {.state = STATE, .hooks[CAGE_HOOK_POSTSTOP] = {hooks, 1}};
	struct err e;

	(void)arg;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	_exit(hooks_run(&cage, CAGE_HOOK_POSTSTOP, 0, "stopped", &e) ? 1 : 0);
}

static void check_closed(void)
{
	char text[TEXT_MAX];

	ok(tap_child(body_closed, NULL) == 0, "without standard input and output");
	ok(strstr(took("state", text), "web-1"), "the state arrives all the same");
}

int main(void)
{
	char env[128];

	if (!mkdtemp(dir))
		return 1;
	snprintf(env, sizeof(env), "OUT=%s", dir);
	DIR_ENV[0] = env;
	check_order();
	check_surroundings();
	check_failures();
	check_timeout();
	check_closed();
	ok(rmdir(dir) == 0, "nothing is left");
	return tap_done();
}
