#include "cage_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage_inside.h"
#include "hooks.h"
#include "scope.h"
#include "user_maps.h"

static const struct {
	const char *name;
	int flag; /* CLONE_NEW* */
} KINDS[CAGE_NS_COUNT] = {
	[CAGE_NS_USER] = {"user", CLONE_NEWUSER},
	[CAGE_NS_PID] = {"pid", CLONE_NEWPID},
	[CAGE_NS_MOUNT] = {"mount", CLONE_NEWNS},
	[CAGE_NS_NET] = {"network", CLONE_NEWNET},
	[CAGE_NS_IPC] = {"IPC", CLONE_NEWIPC},
	[CAGE_NS_UTS] = {"UTS", CLONE_NEWUTS},
	[CAGE_NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[CAGE_NS_TIME] = {"time", CLONE_NEWTIME},
};

struct run {
	const struct sandbox *box;
	const struct cage *cage;
	struct cage_page *page;
	int sockets[2]; /* ours, and the child's */
	struct terminal terminal;
	bool has_terminal;
	pid_t pid; /* of the child */
	bool memory_open;
	int status; /* of wait(2), once it has ended */
};

static void run_done(struct run *run)
{
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

	if (page == MAP_FAILED)
		return err_nomem(e);
	run->page = page;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->sockets))
		return err_sys(e, errno, "sockets for the cage");
	if (run->cage->terminal && terminal_open(&run->terminal, e))
		return -e->code;
	run->has_terminal = run->cage->terminal;
	return 0;
}

static _Noreturn void be_child(struct run *run)
{
	close(run->sockets[0]);
	cage_inside(
		run->box, run->page, run->sockets[1], run->has_terminal ? &run->terminal : NULL);
}

/* All but the time namespace, which the child makes itself: clone(2) has no flag to spare. */
static unsigned long new_namespaces(const struct cage *cage)
{
	unsigned long flags = 0;

	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (kind != CAGE_NS_TIME && cage->namespaces[kind].how == CAGE_NS_NEW)
			flags |= (unsigned long)KINDS[kind].flag;
	}
	return flags;
}

/* As fork(2), by the kernel's own call. */
static pid_t fork_with(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0UL);
}

static int explain_clone(const struct cage *cage, int error, struct err *e)
{
	bool lacks = error == EPERM && cage->namespaces[CAGE_NS_USER].how == CAGE_NS_SHARED;

	if (lacks)
		return err_set(e, EPERM,
			"new namespaces take CAP_SYS_ADMIN, or a user namespace of their own "
			"(--userns)");
	if (error == ENOSPC)
		return err_set(e, ENOSPC,
			"the kernel allows no more namespaces of a kind (/proc/sys/user/max_*)");
	return err_sys(e, error, "starting a process in new namespaces");
}

static bool joins(const struct cage *cage)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (cage->namespaces[kind].how == CAGE_NS_JOIN)
			return true;
	}
	return false;
}

static int open_namespaces(const struct cage *cage, int fds[CAGE_NS_COUNT], struct err *e)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		const struct cage_namespace *ns = &cage->namespaces[kind];

		fds[kind] = -1;
		if (ns->how != CAGE_NS_JOIN)
			continue;
		fds[kind] = open(ns->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fds[kind] < 0)
			return err_sys(e, errno, "%s: %s", ns->where, ns->path);
	}
	return 0;
}

/* In a process for that purpose, so that nothing is closed again.  The user namespace first: its
 * capabilities may be what the others take; the kernel checks that each is of its kind. */
static int join_all(const struct cage *cage, struct err *e)
{
	int fds[CAGE_NS_COUNT];

	if (open_namespaces(cage, fds, e))
		return -e->code;
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		const struct cage_namespace *ns = &cage->namespaces[kind];

		if (fds[kind] < 0 || !setns(fds[kind], KINDS[kind].flag))
			continue;
		if (errno == EINVAL)
			return err_set(e, EINVAL,
				"%s: %s is not a %s namespace, or not one to be joined", ns->where,
				ns->path, KINDS[kind].name);
		return err_sys(e, errno, "%s: joining the %s namespace %s", ns->where,
			KINDS[kind].name, ns->path);
	}
	return 0;
}

/* Joins, and makes the child in its parent's name: joining a pid namespace is about children. */
static _Noreturn void be_joiner(struct run *run)
{
	struct err e = {0};
	pid_t pid;

	if (!join_all(run->cage, &e)) {
		pid = fork_with(new_namespaces(run->cage) | CLONE_PARENT);
		if (pid == 0)
			be_child(run);
		if (pid < 0)
			(void)explain_clone(run->cage, errno, &e);
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
		return e->code ? -e->code : err_set(e, ECANCELED, "joining was cut short");
	}
	run->pid = run->page->pid;
	return 0;
}

static int start(struct run *run, struct err *e)
{
	if (joins(run->cage)) {
		if (start_joined(run, e))
			return -e->code;
	} else {
		run->pid = fork_with(new_namespaces(run->cage));
		if (run->pid == 0)
			be_child(run);
		if (run->pid < 0)
			return explain_clone(run->cage, errno, e);
	}
	scope_close(&run->sockets[1]);
	run->sockets[1] = -1;
	return 0;
}

static int tell(const struct run *run, enum cage_word word, struct err *e)
{
	char byte = (char)word;

	if (send(run->sockets[0], &byte, 1, MSG_NOSIGNAL) == 1)
		return 0;
	return err_set(e, ECANCELED, "the process that makes the cage has ended");
}

/* @heard: whether a word came; else the child has ended, or become the command. */
static int hear(const struct run *run, bool *heard, struct err *e)
{
	char byte;
	ssize_t size;

	do
		size = recv(run->sockets[0], &byte, 1, 0);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return err_sys(e, errno, "hearing from the process that makes the cage");
	*heard = size == 1;
	return 0;
}

static int lead(struct run *run, struct err *e)
{
	const struct cage *cage = run->cage;
	bool heard;

	if (cage->namespaces[CAGE_NS_USER].how == CAGE_NS_NEW && user_maps_write(run->pid, cage, e))
		return -e->code;
	run->memory_open = sandbox_close_memory();
	if (tell(run, CAGE_MAPPED, e) || hear(run, &heard, e))
		return -e->code;
	if (!heard)
		return 0; /* it says why */
	if (hooks_run(cage, CAGE_HOOK_PRESTART, run->pid, "creating", e) ||
		hooks_run(cage, CAGE_HOOK_CREATE_RUNTIME, run->pid, "creating", e) ||
		tell(run, CAGE_GO, e))
		return -e->code;
	if (!cage->hooks[CAGE_HOOK_POSTSTART].n)
		return 0;
	if (hear(run, &heard, e)) /* until it is executed */
		return -e->code;
	return hooks_run(cage, CAGE_HOOK_POSTSTART, run->pid, "running", e);
}

static int wait_for(struct run *run, struct err *e)
{
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

static int run_child(struct run *run, struct launch_end *end, struct err *e)
{
	struct err later = {0};
	int code;

	if (launch_forward_signals(run->pid, e)) {
		(void)kill(run->pid, SIGKILL);
		(void)waitpid(run->pid, &run->status, 0);
		return -e->code;
	}
	code = lead(run, e);
	if (code)
		(void)kill(run->pid, SIGKILL);
	if (code ? sandbox_wait(run->pid, false, &run->status, &later) : wait_for(run, e))
		return code ? code : -e->code;
	/* What it says itself is nearer to the matter. */
	if (run->page->err.code || !code)
		code = conclude(run, end, e);
	if (hooks_run(run->cage, CAGE_HOOK_POSTSTOP, 0, "stopped", &later) && !code) {
		*e = later;
		code = -e->code;
	}
	return code;
}

int cage_run(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	scoped(run_done) struct run run = {.box = box, .cage = box->cage, .sockets = {-1, -1}};

	if (run_open(&run, e) || start(&run, e))
		return -e->code;
	return run_child(&run, end, e);
}
