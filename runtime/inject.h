/*
 * inject.h: system calls made in the name of a thread that is being traced.
 *
 * The thread must have been attached by PTRACE_SEIZE with PTRACE_O_TRACESYSGOOD, execute native
 * code, and be in an interruption or group stop (PTRACE_EVENT_STOP, which inject_stop() brings it
 * to).  In that stop the kernel has not yet decided how a system call that was cut short goes on,
 * so that it decides after us, by the registers that we put back: sleeps, futexes and reads resume.
 * Calls that give up with EINTR whenever they are interrupted (signal(7)) are made again.
 *
 * Meanwhile the thread takes no signals (but SIGKILL); they stay pending.  One that the thread
 * blocks for the time of a call only, as ppoll(2) does, is taken before that call goes on if it
 * comes right now: the kernel does not let a tracer put back both masks.
 *
 * A tracer that is killed between inject_begin() and inject_end() leaves the thread with registers
 * that are not its own.
 */
#ifndef SYSCLAMP_INJECT_H
#define SYSCLAMP_INJECT_H

#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "err.h"
#include "syscalls.h"

struct inject {
	pid_t tid;
	struct user_regs_struct regs; /* as the thread was found */
	uint64_t signal_mask; /* the same */
	uint64_t syscall_at; /* the address of a syscall instruction: in its vDSO */
	uint64_t room; /* the address of memory to write to */
	size_t room_size; /* bytes */
	unsigned char *stood_there; /* what the room held before, where it is part of a stack */
	uint64_t mapped; /* where that is a mapping of ours; else 0 */
	uint64_t deadline_ns;
};

enum { INJECT_NO_SIGNAL = (SIGTRAP | 0x80) << 8 | 0x7f }; /* of wait(2), a stop without a signal */

/**
 * Bring a traced thread that is in some other stop, or runs, to an interruption stop.
 *
 * @status: what wait(2) said of its stop, 0: it runs.  A signal that it was to receive is received
 * first.
 * Errors: -ESRCH: it has ended.
 */
int inject_stop(pid_t tid, int status, struct err *e);

/**
 * See to it that an interrupted thread goes on as if it had not been.
 *
 * @tid: is in an interruption stop.
 * @out_status: what wait(2) would say of that.
 * Errors: -ESRCH: it has ended.
 */
int inject_pass(pid_t tid, int *out_status);

/**
 * The call that an interrupted thread will make when it goes on, as a filter sees it: that which
 * was cut short, again, or restart_syscall(2) in its place.
 *
 * @out_cut: the number of that which was cut short.
 * Returns false if there is none.
 */
bool inject_next_call(pid_t tid, struct seccomp_data *out, uint32_t *out_cut);

/**
 * Begin.
 *
 * @room_size: how much memory the calls need for what they point to, in bytes.  Borrowed below the
 * stack pointer where that is the process's first stack, else by an mmap(2) in its name.
 * @deadline_ns: until when, of steady_ns(), the thread must have come to make a call; 0: no limit.
 * One in a frozen cgroup does not.  With a limit, SIGCHLD must be blocked.
 * @out: to be released with inject_done(), however it ends.
 * Errors: -ENOEXEC: the thread executes code of another ABI, or its calls may be answered by
 * something else than the kernel (prctl(PR_SET_SYSCALL_USER_DISPATCH)); -ENOSYS: it has no vDSO;
 * -ESRCH; -ETIMEDOUT; those of mmap(2), and its filter's answer to that call.
 */
int inject_begin(
	pid_t tid, size_t room_size, uint64_t deadline_ns, struct inject *out, struct err *e);

/**
 * Make a call.
 *
 * @out_result: what it returned: 0 or more, or -errno.
 * Errors: -ESRCH: the thread has ended instead, as by its filter; -ETIMEDOUT: the deadline; the
 * call was not made.
 */
int inject_call(struct inject *inject, long nr, const uint64_t args[SYSCALL_ARGS], long *out_result,
	struct err *e);

/** Write to its room, @offset bytes from the start of that, and tell the address. */
int inject_write(const struct inject *inject, size_t offset, const void *bytes, size_t size,
	uint64_t *out_address, struct err *e);

/** Give back the room where it is a mapping of ours; to be asked only if munmap(2) is allowed. */
int inject_unmap(struct inject *inject, struct err *e);

/**
 * Put back memory, registers and signal mask, and leave the thread in an interruption stop, from
 * which it goes on as if nothing had happened.  Of a call that is made again a timeout runs from
 * the beginning.
 */
int inject_end(struct inject *inject, struct err *e);

/** Release what belongs to the caller. */
void inject_done(struct inject *inject);

#endif
