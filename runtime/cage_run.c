#include "cage_run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attributes.h"
#include "cage_inside.h"
#include "cage_spaces.h"
#include "hooks.h"
#include "scope.h"
#include "user_maps.h"

struct run {
	const struct sandbox *box;
	const struct cage *cage;
	struct cage_page *page;
	int sockets[2]; /* ours, and the child's */
	struct terminal terminal;
	bool has_terminal;
	struct spaces spaces; /* to be joined */
	struct own_program own;
	pid_t pid; /* of the child */
	bool memory_open;
	int status; /* of wait(2), once it has ended */
};

static void run_done(struct run *run)
{
	launch_answer(NULL);
	spaces_done(&run->spaces);
	scope_close(&run->sockets[0]);
	scope_close(&run->sockets[1]);
	if (run->has_terminal)
		terminal_close(&run->terminal);
	if (run->page)
		(void)munmap(run->page, sizeof(*run->page));
	sandbox_open_memory(run->memory_open);
}

static int run_open(struct run *run, struct err *e)
{
	void *page = mmap(NULL, sizeof(*run->page), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		(void)err_nomem(e);
		return -ENOMEM;
	}
	run->page = page;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->sockets))
		return err_sys(e, errno, "sockets for the cage");
	if (run->cage->terminal && terminal_open(&run->terminal, e))
		return -e->code;
	run->has_terminal = run->cage->terminal;
	if (spaces_open(run->cage, &run->spaces, e))
		return -e->code;
	return cage_is_foreign(run->cage) ? own_program_find(&run->own, e) : 0;
}

static _Noreturn void be_child(struct run *run)
{
	const struct cage_start start = {
		.box = run->box,
		.page = run->page,
		.socket = run->sockets[1],
		.terminal = run->has_terminal ? &run->terminal : NULL,
		.own = run->own,
	};

	(void)close(run->sockets[0]);
	cage_inside(&start);
}

/* As fork(2), by the kernel's own call. */
static pid_t fork_with(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0UL);
}

/*
 * Joins, and makes the child in its parent's name (CLONE_PARENT): a PID namespace is joined for
 * children only, and what is joined is not left again.  What there is inside, perhaps root there,
 * may not look into the launcher's copy.
 */
static _Noreturn void be_joiner(struct run *run)
{
	struct err e = {0};
	pid_t pid;

	(void)sandbox_close_memory();
	if (!spaces_join(run->cage, &run->spaces, &e)) {
		pid = fork_with(spaces_new(run->cage) | CLONE_PARENT);
		if (pid == 0)
			be_child(run);
		if (pid < 0)
			(void)spaces_explain(run->cage, errno, &e);
		run->page->pid = pid;
	}
	run->page->err = e;
	_exit(EXIT_OWN_FAILURE);
}

static int start_joined(struct run *run, struct err *e)
{
	pid_t pid = fork_with(0);
	int status;

	if (pid == 0)
		be_joiner(run);
	if (pid < 0)
		return err_sys(e, errno, "starting a process");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, errno, "waiting for a process");
	}
	if (run->page->pid <= 0) {
		*e = run->page->err;
		return e->code ? -e->code
			       : err_set(e, ECANCELED,
					 "the process that joins namespaces was ended");
	}
	run->pid = run->page->pid;
	return 0;
}

static int start(struct run *run, struct err *e)
{
	if (spaces_joins(run->cage)) {
		if (start_joined(run, e))
			return -e->code;
	} else {
		run->pid = fork_with(spaces_new(run->cage));
		if (run->pid == 0)
			be_child(run);
		if (run->pid < 0)
			return spaces_explain(run->cage, errno, e);
	}
	return 0;
}

/* As long as it is open here, the child's end would never be told. */
static int leave_socket(struct run *run, struct err *e)
{
	if (close(steal_fd(&run->sockets[1])))
		return err_sys(e, errno, "closing the child's end of the sockets");
	return 0;
}

static int tell(const struct run *run, enum cage_word word, struct err *e)
{
	char byte = (char)word;

	if (send(run->sockets[0], &byte, 1, MSG_NOSIGNAL) == 1)
		return 0;
	return err_set(e, ECANCELED, "the process that makes the cage has ended");
}

/*
 * The next word, or a signal that has stopped the command; in @out_word 0: the child has ended, or
 * become the command.
 */
static int hear(const struct run *run, int *out_word, struct err *e)
{
	unsigned char byte = 0;
	ssize_t size;

	do
		size = recv(run->sockets[0], &byte, 1, 0);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return err_sys(e, errno, "hearing from the process that makes the cage");
	*out_word = byte;
	return 0;
}

/* What takes who and what the caller is: the child has other capabilities, if any. */
static int set_up_from_outside(struct run *run, struct err *e)
{
	const struct cage *cage = run->cage;
	enum cage_ns_how user = cage->namespaces[CAGE_NS_USER].how;

	if (user == CAGE_NS_NEW && user_maps_write(run->pid, cage, e))
		return -e->code;
	if (user != CAGE_NS_SHARED && user_maps_groups(run->pid, &run->page->groups_stay, e))
		return -e->code;
	return attributes_from_outside(cage, run->pid, e);
}

/* Until the command is about to be executed, with the child's part of it. */
static int lead(struct run *run, struct err *e)
{
	const struct cage *cage = run->cage;
	int word = 0;

	if (leave_socket(run, e) || set_up_from_outside(run, e))
		return -e->code;
	run->memory_open = sandbox_close_memory();
	if (tell(run, CAGE_MAPPED, e) || hear(run, &word, e))
		return -e->code;
	if (!word)
		return 0; /* it says why */
	if (hooks_run(cage, CAGE_HOOK_PRESTART, run->pid, "creating", e) ||
		hooks_run(cage, CAGE_HOOK_CREATE_RUNTIME, run->pid, "creating", e))
		return -e->code;
	return tell(run, CAGE_GO, e);
}

static bool has_failed(const struct run *run)
{
	return run->page->err.code || run->page->stage.failed || !run->page->executes;
}

/* Until there is nothing more to hear. */
static int attend(struct run *run, struct err *e)
{
	bool started = false;
	int word = 0;

	do {
		if (hear(run, &word, e))
			return -e->code;
		if (word > 0 && word < NSIG)
			launch_suspend_with(run->pid, word);
		if (started || (word && word != CAGE_STARTED) || has_failed(run))
			continue;
		started = true;
		if (hooks_run(run->cage, CAGE_HOOK_POSTSTART, run->pid, "running", e))
			return -e->code;
		if (run->has_terminal)
			return 0; /* the rest is for terminal_wait() */
	} while (word);
	return 0;
}

static int wait_for(struct run *run, struct err *e)
{
	/* What the command prints meanwhile waits in its terminal. */
	bool attends = !run->has_terminal || run->cage->hooks[CAGE_HOOK_POSTSTART].n;

	if (attends && attend(run, e))
		return -e->code;
	if (run->has_terminal)
		return terminal_wait(&run->terminal, run->pid, &run->status, e);
	return sandbox_wait(run->pid, false, &run->status, e);
}

/* What has become of the child. */
static int conclude(struct run *run, struct launch_end *end, struct err *e)
{
	struct cage_page *page = run->page;
	struct sandbox held = *run->box;
	struct stage stage = page->stage;

	*end = page->end;
	if (page->err.code) {
		*e = page->err;
		return -e->code;
	}
	held.path = page->path;
	stage.box = &held;
	if (stage.failed)
		return sandbox_explain(&stage, end, e);
	if (!page->executes)
		return err_set(e, ECANCELED, "the process that makes the cage was ended (%s)",
			WIFSIGNALED(run->status) ? strsignal(WTERMSIG(run->status)) : "by itself");
	if (!page->has_end)
		end->wait_status = run->status;
	return 0;
}

/* Nothing is left of the command: what is with it in its PID namespace ends, too. */
static void end_child(struct run *run)
{
	(void)kill(run->pid, SIGKILL);
	while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR)
		continue;
}

/* A command that cannot be stopped as others are. */
static bool stops_by_force(const struct sandbox *box)
{
	const struct cage *cage = box->cage;

	return !sandbox_stays(box) && !cage->terminal &&
	       (cage->new_session || cage->namespaces[CAGE_NS_PID].how == CAGE_NS_NEW);
}

/* The command has ended as it did, whatever these come to. */
static void run_last_hooks(const struct run *run)
{
	struct err e = {0};

	if (hooks_run(run->cage, CAGE_HOOK_POSTSTOP, 0, "stopped", &e))
		notice_tell(run->box->notice, "%s", e.text);
}

static int run_child(struct run *run, struct launch_end *end, struct err *e)
{
	struct err why = {0};
	int code;

	if (stops_by_force(run->box))
		launch_stop_by_force();
	launch_answer(&run->page->stops);
	code = launch_forward_signals(run->pid, e);
	if (!code)
		code = lead(run, e);
	if (!code)
		code = wait_for(run, e);
	if (code)
		end_child(run);
	/* What the child says itself is nearer to the matter. */
	if (!code)
		code = conclude(run, end, e);
	else if (run->page->err.code && conclude(run, end, &why))
		*e = why;
	run_last_hooks(run);
	return code;
}

int cage_run(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	scoped(run_done) struct run run = {
		.box = box, .cage = box->cage, .sockets = {-1, -1}, .spaces = SPACES_NONE};

	if (run_open(&run, e) || start(&run, e))
		return -e->code;
	return run_child(&run, end, e);
}
