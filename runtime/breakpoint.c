#include "breakpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "memory.h"
#include "proc.h"

/* volume 2: INT3; the instruction pointer is behind it when it stops: volume 3, 6.15, "#BP". */
static const unsigned char INT3 = 0xcc;

static bool get_ip(pid_t tid, uint64_t *out)
{
	errno = 0;
	*out = (uint64_t)ptrace(PTRACE_PEEKUSER, tid, offsetof(struct user_regs_struct, rip), 0L);
	return !errno;
}

static int refuse(pid_t tid, const char *what, struct err *e)
{
	return err_sys(e, errno, "process %d: %s a breakpoint", tid, what);
}

static int make_room(struct breakpoints *list, struct err *e)
{
	size_t room = list->room ? 2 * list->room : 4;
	struct breakpoint *all;

	if (list->n < list->room)
		return 0;
	all = reallocarray(list->all, room, sizeof(*all));
	if (!all)
		return err_nomem(e);
	list->all = all;
	list->room = room;
	return 0;
}

int breakpoints_add(struct breakpoints *list, const struct image *image, pid_t tid,
	uint64_t address, struct err *e)
{
	struct breakpoint new = {.address = address};

	if (make_room(list, e))
		return -e->code;
	if (!image_key(image, &new.program) || !memory_read_code(tid, address, &new.code, 1))
		return refuse(tid, "setting", e);
	if (new.code == INT3)
		return err_set(e, ENOTSUP,
			"the function begins with a breakpoint (int3) of its own: name another "
			"one");
	if (!memory_write_code(tid, address, &INT3, 1))
		return refuse(tid, "setting", e);
	list->all[list->n++] = new;
	return 0;
}

/* A program that lets nobody look (PR_SET_DUMPABLE) is taken for it: clear() says why it is not
 * held.
 */
static bool runs(pid_t tid, const struct image_key *program)
{
	struct image_key key;

	return !image_key_of(tid, &key) || image_keys_equal(&key, program);
}

/* The one that a task whose instruction pointer is @ip has run into; NULL: none. */
static const struct breakpoint *find_behind(const struct breakpoints *list, pid_t tid, uint64_t ip)
{
	for (size_t i = list->n; i-- > 0;) {
		const struct breakpoint *at = &list->all[i];

		if (at->address + sizeof(INT3) == ip && runs(tid, &at->program))
			return at;
	}
	return NULL;
}

/* An int3, which the kernel gives no code of its own, rather than a step or what somebody sent. */
static bool is_trap(pid_t tid, int status)
{
	siginfo_t info;

	return WIFSTOPPED(status) && status >> 8 == SIGTRAP &&
	       !ptrace(PTRACE_GETSIGINFO, tid, 0L, &info) && info.si_code == SI_KERNEL;
}

static const struct breakpoint *find_hit(const struct breakpoints *list, pid_t tid, int status)
{
	uint64_t ip;

	return list->n && is_trap(tid, status) && get_ip(tid, &ip) ? find_behind(list, tid, ip)
								   : NULL;
}

/* @program: what the process executes.  Whether it could be written to. */
static bool clear(const struct breakpoint *breakpoint, const struct image_key *program, pid_t tid)
{
	unsigned char code;

	if (!image_keys_equal(program, &breakpoint->program))
		return true;
	if (!memory_read_code(tid, breakpoint->address, &code, 1))
		return errno == EIO; /* nothing is there (ptrace(2)): unmapped meanwhile */
	return code != INT3 || memory_write_code(tid, breakpoint->address, &breakpoint->code, 1);
}

/* If it was killed meanwhile, wait(2) will say so. */
static bool set_ip(pid_t tid, uint64_t ip)
{
	return !ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rip), ip);
}

bool breakpoints_step_back(const struct breakpoints *list, pid_t tid, int status)
{
	const struct breakpoint *hit = find_hit(list, tid, status);

	return hit && set_ip(tid, hit->address);
}

bool breakpoints_step_back_to(
	const struct breakpoints *list, uint64_t address, pid_t tid, int status)
{
	const struct breakpoint *hit = find_hit(list, tid, status);

	return hit && hit->address == address && set_ip(tid, address);
}

bool breakpoints_pass(const struct breakpoints *list, pid_t tid, int status)
{
	const struct breakpoint *hit = find_hit(list, tid, status);

	return hit && clear(hit, &hit->program, tid) && set_ip(tid, hit->address);
}

bool breakpoints_is_due(const struct breakpoints *list, pid_t tid)
{
	const uint64_t trap = UINT64_C(1) << (SIGTRAP - 1);
	uint64_t ip, blocked;

	/* The kernel has lifted the block of its own trap; one that stays blocked is not it. */
	return list->n && get_ip(tid, &ip) && find_behind(list, tid, ip) &&
	       !ptrace(PTRACE_GETSIGMASK, tid, sizeof(blocked), &blocked) &&
	       proc_pending_signals(tid) & ~blocked & trap;
}

/* A process that has been killed has no program any more before it has ended. */
static int get_program(pid_t tid, struct image_key *out, struct err *e)
{
	uint64_t ip;
	int why;

	if (image_key_of(tid, out))
		return 0;
	why = errno;
	if (get_ip(tid, &ip))
		errno = why;
	return refuse(tid, "taking back", e);
}

int breakpoints_clear(const struct breakpoints *list, pid_t tid, struct err *e)
{
	struct image_key program;

	if (!list->n)
		return 0;
	if (get_program(tid, &program, e))
		return -e->code;
	for (size_t i = 0; i < list->n; i++) {
		if (!clear(&list->all[i], &program, tid))
			return refuse(tid, "taking back", e);
	}
	return 0;
}

void breakpoints_done(struct breakpoints *list)
{
	free(list->all);
	*list = (struct breakpoints){0};
}
