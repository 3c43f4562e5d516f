#include "cage_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attributes.h"
#include "credentials.h"
#include "home.h"
#include "hooks.h"
#include "landlock.h"
#include "root.h"
#include "scope.h"

enum { CLOCK_TEXT_SIZE = 64 };

struct inside {
	const struct sandbox *box;
	const struct cage *cage;
	struct cage_page *page;
	int socket; /* to the launcher; its end is ours */
	struct terminal *terminal;
	struct sandbox held; /* the box, with the path of its command */
	struct root root;
	struct stat own; /* the launcher's program */
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
	if (stat("/proc/self/exe", &in->own))
		return err_sys(e, errno, "/proc/self/exe");
	return await(in, CAGE_MAPPED, e);
}

/*
 * Programs that are executed are in the new time namespace, we are not: time_namespaces(7); Linux
 * 6.1 and later take the execve of one thread for that.
 */
static int set_clocks(struct inside *in, struct err *e)
{
	const struct cage *cage = in->cage;
	char text[2 * CLOCK_TEXT_SIZE];
	scoped_fd int fd = -1;
	int len;

	if (cage->namespaces[CAGE_NS_TIME].how != CAGE_NS_NEW)
		return 0;
	if (unshare(CLONE_NEWTIME))
		return err_sys(e, errno, "a new time namespace");
	if (!cage->set_clocks)
		return 0;
	len = snprintf(text, sizeof(text), "monotonic %ld %u\nboottime %ld %u\n",
		(long)cage->monotonic.s, cage->monotonic.ns, (long)cage->boottime.s,
		cage->boottime.ns);
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return err_sys(e, errno, "the clocks of the time namespace");
	return 0;
}

static int set_process(struct inside *in, struct err *e)
{
	return attributes_of_process(in->cage, e);
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
	if (syscall(SYS_setresgid, gid, gid, gid) || syscall(SYS_setresuid, uid, uid, uid))
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

static int has_root(const struct cage *cage)
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

/*
 * A process inside that executes the launcher's own program would lend its file to others inside,
 * for writing to it later (CVE-2019-5736).
 */
static int refuse_own_program(struct inside *in, struct err *e)
{
	struct stat program;

	if (!in->cage->root.path || stat(in->held.path, &program) ||
		program.st_dev != in->own.st_dev || program.st_ino != in->own.st_ino)
		return 0;
	return err_set(e, EPERM,
		"%s is sysclamp's own program, by a way out of the root such as /proc/self/exe; "
		"refused",
		in->held.path);
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

	return credentials_apply(in->cage, in->box->new_privs && loads, e);
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

/* What makes the cage, in this order: each step may need what the ones after it take away. */
static int (*const STEPS[])(struct inside *in, struct err *e) = {
	await_maps,
	set_clocks,
	set_process,
	become_maker,
	close_memory,
	set_host,
	prepare_root,
	enter_root,
	open_terminal,
	run_start_hooks,
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

/* Somebody has to be there beside the command. */
static bool stays(const struct sandbox *box)
{
	return box->cage->init || box->supervisor || box->at != SANDBOX_AT_LAUNCH;
}

_Noreturn void cage_inside(
	const struct sandbox *box, struct cage_page *page, int socket, struct terminal *terminal)
{
	struct inside in = {
		.box = box,
		.cage = box->cage,
		.page = page,
		.socket = socket,
		.terminal = terminal,
		.held = *box,
		.root = {-1},
	};
	struct err e = {0};

	if (make_cage(&in, &e)) {
		page->err = e;
		_exit(EXIT_OWN_FAILURE);
	}
	page->executes = true;
	if (!stays(box)) {
		page->stage = sandbox_stage(&in.held);
		stage_here(&page->stage);
	}
	if (sandbox_run_here(&in.held, &page->end, &e))
		page->err = e;
	page->has_end = true;
	_exit(EXIT_OWN_FAILURE);
}
