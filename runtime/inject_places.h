/*
 * inject_places.h: where in a process a call can be made from.
 */
#ifndef SYSCLAMP_INJECT_PLACES_H
#define SYSCLAMP_INJECT_PLACES_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/** What interests of an address space. */
struct places {
	uint64_t vdso, vdso_end;
	uint64_t stack; /* the lowest address of the first stack; 0: the thread is not on it */
};

/** Read them of a thread that is stopped, whose stack pointer is @sp.  Errors: of the file of
 * /proc. */
int places_find(pid_t tid, uint64_t sp, struct places *out, struct err *e);

/** The address of an instruction that makes a system call.  Errors: -ENOSYS: there is none;
 * -ENOMEM. */
int places_syscall(pid_t tid, const struct places *places, uint64_t *out, struct err *e);

#endif
