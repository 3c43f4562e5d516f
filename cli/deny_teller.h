/*
 * deny_teller.h: a thread that tells of denials, so that the one that answers never waits for what
 * the workload may hold up: the reader of standard error, and memory that is slow to be read.
 *
 * A thread of the workload is held while its arguments and stack are read, for TELL_HELD_MS at
 * most. The queue has a bound; what has no room is counted, and told at the end.
 */
#ifndef SYSCLAMP_DENY_TELLER_H
#define SYSCLAMP_DENY_TELLER_H

#include <stdint.h>

#include "deny.h"
#include "deny_text.h"

enum { TELL_QUEUE = 64, TELL_HELD_MS = 1000 };

struct deny_teller;

/** @out: a thread runs; to be ended with deny_teller_end().  Errors: -ENOMEM, -EAGAIN. */
int deny_teller_start(int fd, struct deny_teller **out, struct err *e);

/** Tell of a call that waits for its answer. */
void deny_teller_tell(struct deny_teller *teller, const struct deny_call *call);

/**
 * Its text, without telling: the call, and program and stack behind; false if there is none in
 * time.
 *
 * @out: DENY_TEXT_MAX bytes.
 */
bool deny_teller_ask(struct deny_teller *teller, const struct deny_call *call, char *out);

/** Tell what is left, and end the thread.  Returns how many had no room. */
uint64_t deny_teller_end(struct deny_teller *teller);

#endif
