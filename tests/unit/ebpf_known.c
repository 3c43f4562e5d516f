/*
 * ebpf_kernel.h: threads that a CPU knows (tracer/ebpf_known.bpf.h), where a recorder of people's
 * does not come by: one that is marked when it is known as a bystander, and more threads than have
 * room.
 */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ebpf.h"
#include "ebpf_target.h"
#include "scope.h"
#include "tap.h"

enum { CALLS = 50, THREADS = 6, SLOT = EBPF_X86_64 * EBPF_NRS + 102 /* getuid */ };

static char programs[4096];

/* With pipes to a child: it goes on with a byte, and says so with one. */
struct turns {
	int to[2], from[2];
};

static void take_turn(const struct turns *turns)
{
	char byte = 0;

	if (write(turns->from[1], &byte, 1) != 1 || read(turns->to[0], &byte, 1) != 1)
		_exit(1);
}

static void give_turn(const struct turns *turns)
{
	char byte = 0;

	ok(read(turns->from[0], &byte, 1) == 1 && write(turns->to[1], &byte, 1) == 1,
		"the child goes on");
}

static void stay_here(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

/* A bystander with calls, which then becomes a program that makes as many, as short_lives does. */
static void child(const struct turns *turns, const char *how, const char *rest)
{
	char path[sizeof(programs) + 16];

	stay_here();
	take_turn(turns);
	for (int i = 0; i < CALLS; i++)
		(void)syscall(SYS_getuid);
	take_turn(turns);
	(void)snprintf(path, sizeof(path), "%s/short_lives", programs);
	execl(path, path, "102", "50", how, rest, (char *)NULL);
	_exit(127);
}

static uint64_t counted(const struct ebpf_kernel *kernel, uint32_t target)
{
	uint64_t calls = 0;

	for (unsigned lane = 0; lane < kernel->lanes; lane++)
		calls += kernel->counts[target * kernel->lanes + lane].calls[SLOT];
	return calls;
}

static uint64_t denied(const struct ebpf_kernel *kernel, uint32_t target)
{
	uint64_t calls = 0;

	for (unsigned slot = 0; slot < EBPF_SLOTS; slot++)
		calls += kernel->targets[target].facts[slot].denied;
	return calls;
}

/* The child is a bystander first, and then marked. */
static void watch(struct ebpf_kernel *kernel, const char *how, const char *rest, uint64_t want)
{
	const struct ebpf_target_keys keys = {.starting = true};
	struct turns turns;
	uint32_t target;
	int status = -1;
	struct err e;
	pid_t pid;

	if (pipe(turns.to) || pipe(turns.from))
		exit(1);
	pid = fork();
	if (pid == 0)
		child(&turns, how, rest);
	ok(!ebpf_kernel_attach(kernel, &e), "attached");
	give_turn(&turns);
	ok(read(turns.from[0], &status, 1) == 1, "the child is known as a bystander");
	ok(!ebpf_target_new(kernel, &keys, &target, &e) &&
			!ebpf_target_begin(kernel, target, pid, &e) &&
			write(turns.to[1], &status, 1) == 1,
		"it is marked, and goes on");
	ok(waitpid(pid, &status, 0) == pid && status == 0, "it ends well (%d)", status);
	ebpf_kernel_stop(kernel);
	ok(counted(kernel, target) == want, "every call is counted (%ju of %ju)",
		(uintmax_t)counted(kernel, target), (uintmax_t)want);
	ok(!denied(kernel, target), "and none was denied (%ju)", (uintmax_t)denied(kernel, target));
	for (int i = 0; i < 2; i++) {
		(void)close(turns.to[i]);
		(void)close(turns.from[i]);
	}
}

/* @given: so many calls had room before. */
static void test(uint32_t room, uint32_t given, const char *how, const char *rest, uint64_t want)
{
	struct ebpf_limits limits = EBPF_LIMITS;
	struct ebpf_kernel *kernel = NULL;
	uint64_t lost[LOSS_WAYS], losses = 0;
	struct err e;

	limits.threads = room;
	ok(!ebpf_kernel_new(&limits, &kernel, &e), "loaded, with room for the calls of %u threads",
		room - 1);
	if (!kernel)
		return;
	kernel->state->calls = given;
	ok(!ebpf_kernel_watch_returns(kernel, &e), "returns are watched");
	watch(kernel, how, rest, want);
	ebpf_kernel_losses(kernel, lost);
	for (int i = 0; i < LOSS_WAYS; i++)
		losses += lost[i];
	ok(!losses, "nothing was lost");
	ebpf_kernel_free(kernel);
}

int main(void)
{
	scoped_free char *build = realpath(getenv("BUILD") ? getenv("BUILD") : "build", NULL);
	struct err e = {0};
	void *state;

	if (ebpf_open(TRACER_COMMAND, &state, &e)) {
		tap_skip("bpf", "threads that a CPU knows", e.text);
		return tap_done();
	}
	ebpf_close(state);
	(void)snprintf(programs, sizeof(programs), "%s/tests/programs", build ? build : "build");
	test(EBPF_LIMITS.threads, 0, "then", "/bin/true", CALLS);
	test(2, 0, "6", "threads", THREADS * CALLS);
	test(1, 0, "6", "threads", THREADS * CALLS);
	test(1, UINT32_MAX - 1, "then", "/bin/true", CALLS);
	return tap_done();
}
