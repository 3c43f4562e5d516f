/*
 * hooks.h: programs that run at points in the life of what is caged: config.md, "POSIX-platform
 * Hooks", of the OCI runtime specification.
 */
#ifndef SYSCLAMP_HOOKS_H
#define SYSCLAMP_HOOKS_H

#include <sys/types.h>

#include "cage.h"
#include "err.h"

/**
 * Run the hooks of a time, one after the other, in the caller's namespaces and root, with the
 * caller's credentials, standard output and standard error.
 *
 * A hook finds the state (runtime.md, "State") on standard input, no other descriptor, default
 * signal dispositions and no blocked signal, its own environment and nothing else.  It leads a
 * process group of its own, which is killed as a whole if it lasts longer than its timeout.  It is
 * killed as well when the caller ends before it.
 *
 * The first hook that fails ends it, except for CAGE_HOOK_POSTSTOP: "the remaining hooks and
 * lifecycle continue" (runtime.md, 13), and the first failure is reported after the last hook.  The
 * caller lets a failure stop the command, that of poststop be a notice.
 *
 * SIGCHLD must not be ignored (wait(2)).
 *
 * @pid: of the command as the hook's pid namespace has it: the state's `pid`; 0: there is none.
 * @status: "creating", "created", "running", "stopped".
 * Errors name the hook's place: one that cannot be executed, exits other than 0, is killed, or
 * (-ETIMEDOUT) lasts too long.
 */
int hooks_run(const struct cage *cage, enum cage_hook_time when, pid_t pid, const char *status,
	struct err *e);

#endif
