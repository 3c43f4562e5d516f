/*
 * record_node.h: `record --all-containers`, and what it shares with other recordings of what runs
 * already.
 */
#ifndef SYSCLAMP_RECORD_NODE_H
#define SYSCLAMP_RECORD_NODE_H

#include "record_attach.h"
#include "record_subject.h"

/** Record every container of this host into a directory until a signal; returns the exit status. */
int record_node(const struct record_request *request);

/** Whether there is time left: --duration, --until-stable. */
bool record_goes_on(const struct record_request *request, uint64_t begun_ns, uint64_t news_ns);

/**
 * Note the end and write the file as it stays.
 * Errors: of writing; -EIO: something was lost.
 */
int record_finish(struct subject *subject, bool quiet, struct err *e);

/** Open the back end that attaches. */
int record_open_attaching(const struct record_request *request, enum tracer_room room,
	struct tracer *out, struct err *e);

#endif
