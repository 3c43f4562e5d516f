/*
 * Any programs, one behind the other: filter_validate() accepts one if and only if this kernel
 * does.
 *
 * Nothing is ever loaded.  A second thread carries a filter of its own, so the kernel cannot take
 * it along (SECCOMP_FILTER_FLAG_TSYNC) and answers with its thread id, but only after it has
 * checked the program: kernel/seccomp.c, seccomp_set_mode_filter().
 */
#include "filter.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "fuzz.h"
#include "random_filter.h"

enum { LEN_MAX = 64 };

static long load(unsigned flags, struct sock_filter *insns, size_t len)
{
	struct sock_fprog program = {.len = (unsigned short)len, .filter = insns};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Stays until the process ends. */
static void *stand_apart(void *ready)
{
	struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !load(0, allow, 1), "no filter");
	pthread_barrier_wait(ready);
	for (;;)
		pause();
	return NULL;
}

static void start_other_thread(void)
{
	pthread_barrier_t ready;
	pthread_t thread;

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(!pthread_barrier_init(&ready, NULL, 2), "no barrier");
	must(!pthread_create(&thread, NULL, stand_apart, &ready), "no thread");
	pthread_barrier_wait(&ready);
	(void)pthread_barrier_destroy(&ready);
}

/* Once a process. */
static void prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, start_other_thread);
}

static bool kernel_accepts(struct sock_filter *insns, size_t len)
{
	long got = load(SECCOMP_FILTER_FLAG_TSYNC, insns, len);

	must(got > 0 || (got == -1 && errno == EINVAL), "the kernel answers %ld, errno %d", got,
		errno);
	return got > 0;
}

/* An instruction: one that seccomp may take with an operand that may fit, a return, or any. */
static struct sock_filter take_insn(struct rng *rng, uint32_t left)
{
	struct sock_filter insn;

	switch (rng_below(rng, 8)) {
	case 0:
		return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (uint32_t)rng_take(rng, 4));
	case 1:
		return (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	case 2:
		insn.code = (uint16_t)rng_take(rng, 2);
		insn.jt = (uint8_t)rng_take(rng, 1);
		insn.jf = (uint8_t)rng_take(rng, 1);
		insn.k = (uint32_t)rng_take(rng, 4);
		return insn;
	case 3:
		insn = random_insn(rng, left);
		random_damage(rng, &insn);
		return insn;
	default:
		return random_insn(rng, left);
	}
}

static void check_program(struct rng *rng)
{
	struct sock_filter insns[LEN_MAX];
	struct filter filter = {.insns = insns, .len = 1 + rng_below(rng, LEN_MAX)};
	struct err e = {0};
	bool ours, kernel;

	for (size_t i = 0; i < filter.len; i++)
		insns[i] = take_insn(rng, (uint32_t)(filter.len - i));
	ours = !filter_validate(&filter, &e);
	kernel = kernel_accepts(insns, filter.len);
	must(ours == kernel, "the kernel %s it; ours: %s", kernel ? "accepts" : "refuses",
		ours ? "accepted" : e.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rng rng = {data, size};

	prepare();
	while (rng.left > 0)
		check_program(&rng);
	return 0;
}
