#include "cage_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "attributes.h"
#include "cage_spaces.h"
#include "credentials.h"
#include "home.h"
#include "hooks.h"
#include "landlock.h"
#include "root.h"
#include "scope.h"

enum { PID_SIZE = 16 };

struct inside {
	const struct sandbox *box;
	const struct cage *cage;
	struct cage_page *page;
	int socket; /* to the launcher; its end is ours */
	struct terminal *terminal;
	struct sandbox held; /* the box, with the path of its command */
	struct root root;
	const struct own_program *own;
};

static int await(const struct inside *in, enum cage_word word, struct err *e)
{
	char byte = 0;
	ssize_t size;

	do
		size = recv(in->socket, &byte, 1, 0);
	while (size < 0 && errno == EINTR);
	if (size == 1 && byte == (char)word)
		return 0;
	return err_set(e, ECANCELED, "the launcher has given up");
}

static int tell(const struct inside *in, enum cage_word word, struct err *e)
{
	char byte = (char)word;

	if (send(in->socket, &byte, 1, MSG_NOSIGNAL) == 1)
		return 0;
	return err_set(e, ECANCELED, "the launcher has ended");
}

static int await_maps(struct inside *in, struct err *e)
{
	return await(in, CAGE_MAPPED, e);
}

static int set_clocks(struct inside *in, struct err *e)
{
	return spaces_set_clocks(in->cage, e);
}

static int begin_session(struct inside *in, struct err *e)
{
	return attributes_session(in->cage, e);
}

/* Which id to make the cage as: 0, unless the maps have none. */
static uint32_t maker(const struct cage_maps *maps)
{
	uint32_t id = maps->n ? maps->maps[0].inside : 0;

	for (size_t i = 0; i < maps->n; i++) {
		if (maps->maps[i].inside == 0)
			id = 0;
	}
	return id;
}

/* Files that belong to nobody inside could not be made. */
static int become_maker(struct inside *in, struct err *e)
{
	const struct cage *cage = in->cage;
	gid_t gid = maker(&cage->gid_maps);
	uid_t uid = maker(&cage->uid_maps);

	if (cage->namespaces[CAGE_NS_USER].how == CAGE_NS_SHARED)
		return 0;
	if (syscall(SYS_setresgid, gid, gid, gid))
		return err_sys(e, errno, "becoming group %u of the user namespace", gid);
	if (syscall(SYS_setresuid, uid, uid, uid))
		return err_sys(e, errno, "becoming user %u of the user namespace", uid);
	return 0;
}

static int close_memory(struct inside *in, struct err *e)
{
	(void)in;
	if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L))
		return err_sys(e, errno, "closing the memory of the launcher's child");
	return 0;
}

static int set_host(struct inside *in, struct err *e)
{
	return attributes_of_host(in->cage, e);
}

static bool has_root(const struct cage *cage)
{
	return cage->namespaces[CAGE_NS_MOUNT].how != CAGE_NS_SHARED;
}

static int prepare_root(struct inside *in, struct err *e)
{
	if (has_root(in->cage) && root_prepare(in->cage, &in->root, e))
		return -e->code;
	if (tell(in, CAGE_PREPARED, e) || await(in, CAGE_GO, e))
		return -e->code;
	return hooks_run(in->cage, CAGE_HOOK_CREATE_CONTAINER, getpid(), "creating", e);
}

static int enter_root(struct inside *in, struct err *e)
{
	return has_root(in->cage) ? root_enter(in->cage, &in->root, e) : 0;
}

static int open_terminal(struct inside *in, struct err *e)
{
	return in->terminal ? terminal_inside(in->terminal, in->cage, e) : 0;
}

static int go_to_directory(struct inside *in, struct err *e)
{
	return attributes_directory(in->cage, e);
}

static int find_command(struct inside *in, struct err *e)
{
	char *path;

	if (in->cage->sets_home && home_add(in->box->env, in->cage->user.uid, &in->held.env, e))
		return -e->code;
	environ = (char **)in->held.env; /* its PATH is the one that counts */
	if (in->box->path) {
		path = strdup(in->box->path);
		if (!path)
			return err_nomem(e);
	} else if (launch_find(in->box->argv[0], &path, e)) {
		in->page->end.exec_errno = e->code;
		return -e->code;
	}
	in->held.path = path; /* for the rest of this process */
	(void)snprintf(in->page->path, sizeof(in->page->path), "%s", path);
	return sandbox_check_exec(&in->held, e);
}

bool cage_is_foreign(const struct cage *cage)
{
	return cage->root.path || cage->namespaces[CAGE_NS_MOUNT].how == CAGE_NS_JOIN;
}

static int refuse_own_program(struct inside *in, struct err *e)
{
	if (!cage_is_foreign(in->cage))
		return 0;
	return own_program_refuse(in->own, in->held.path, e);
}

/*
 * Who traces the command, or answers for it, looks at it in /proc: of these processes, and no other
 * file system in its place.
 */
static int check_proc(struct inside *in, struct err *e)
{
	char number[PID_SIZE], target[PID_SIZE];
	scoped_fd int proc = -1;
	struct statfs fs;
	ssize_t size;

	if (!in->box->supervisor && in->box->at == SANDBOX_AT_LAUNCH)
		return 0;
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(number, sizeof(number), "%d", getpid());
	size = proc < 0 ? -1 : readlinkat(proc, "self", target, sizeof(target));
	if (size == (ssize_t)strlen(number) && !memcmp(target, number, (size_t)size) &&
		!fstatfs(proc, &fs) && fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	return err_set(e, ENOENT,
		"%s takes a /proc that shows the cage's processes: mount one (--private-proc)",
		in->box->supervisor ? "--on-deny" : "loading a filter after the launch (--at)");
}

static int run_start_hooks(struct inside *in, struct err *e)
{
	return hooks_run(in->cage, CAGE_HOOK_START_CONTAINER, getpid(), "created", e);
}

static int close_descriptors(struct inside *in, struct err *e)
{
	return attributes_descriptors(in->cage, e);
}

/* landlock(7): it takes one or the other. */
static int restrict_access(struct inside *in, struct err *e)
{
	const struct cage_landlock *rules = &in->cage->landlock;

	if (!landlock_is_set(rules))
		return 0;
	if (!in->box->new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		return err_sys(e, errno, "setting no_new_privs");
	return landlock_enter(rules, NULL, e);
}

static int take_credentials(struct inside *in, struct err *e)
{
	bool loads = sandbox_first_filter(in->box) || sandbox_late_filter(in->box)->filter;
	const struct credentials_way way = {
		.keep_admin = in->box->new_privs && loads,
		.gains_nothing = in->box->new_privs && in->cage->with_parent,
		.groups_stay = in->page->groups_stay,
	};

	return credentials_apply(in->cage, &way, e);
}

/* After the change of user, which takes it back: PR_SET_PDEATHSIG(2const). */
static int stay_with_launcher(struct inside *in, struct err *e)
{
	char byte;

	if (in->cage->with_parent && prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L))
		return err_sys(e, errno, "ending with the launcher");
	if (recv(in->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0)
		return err_set(e, ECANCELED, "the launcher has ended");
	return 0;
}

static int begin_signals(struct inside *in, struct err *e)
{
	int code = in->cage->fresh_signals ? launch_fresh_signals() : 0;

	return code ? err_sys(e, -code, "giving the command signals of its own") : 0;
}

/* What makes the cage, in this order: each step may need what the ones after it take away. */
static int (*const STEPS[])(struct inside *in, struct err *e) = {
	await_maps,
	set_clocks,
	begin_session,
	begin_signals,
	become_maker,
	close_memory,
	set_host,
	prepare_root,
	enter_root,
	check_proc,
	run_start_hooks, /* what they print is for the caller's output, not for a terminal that
			    nobody reads from yet */
	open_terminal,
	go_to_directory,
	find_command,
	refuse_own_program,
	close_descriptors,
	restrict_access,
	take_credentials,
	stay_with_launcher,
};

static int make_cage(struct inside *in, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
		if (STEPS[i](in, e))
			return -e->code;
	}
	return 0;
}

/* Of what the launcher has open, nothing is kept for as long as the command runs. */
static int close_for_good(const struct inside *in, struct err *e)
{
	/* A supervisor has descriptors of its own. */
	return in->box->supervisor ? 0 : attributes_close(in->cage, in->socket, 0, e);
}

/* Start the command and wait for it. */
static _Noreturn void stay(struct inside *in)
{
	struct cage_page *page = in->page;
	struct err e = {0};

	launch_nest(in->terminal ? -1 : in->socket, in->terminal ? NULL : &page->stops);
	if (close_for_good(in, &e) || tell(in, CAGE_STARTED, &e) ||
		sandbox_run_here(&in->held, &page->end, &e))
		page->err = e;
	page->has_end = true;
	_exit(EXIT_OWN_FAILURE);
}

_Noreturn void cage_inside(const struct cage_start *start)
{
	struct inside in = {
		.box = start->box,
		.cage = start->box->cage,
		.page = start->page,
		.socket = start->socket,
		.terminal = start->terminal,
		.held = *start->box,
		.root = {-1},
		.own = &start->own,
	};
	struct err e = {0};

	if (make_cage(&in, &e)) {
		in.page->err = e;
		_exit(EXIT_OWN_FAILURE);
	}
	in.page->executes = true;
	if (sandbox_stays(in.box))
		stay(&in);
	in.page->stage = sandbox_stage(&in.held);
	stage_here(&in.page->stage);
}
