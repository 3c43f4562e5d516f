#include <stdlib.h>

#include "deny.h"
#include "deny_record.h"

enum { TICK_MS = 100 };

static int begin(void *ctx, struct err *e)
{
	return deny_record_begin(ctx, e);
}

static uint32_t decide(void *ctx, struct supervision *at, const struct denial *denial)
{
	(void)at;
	return deny_record_take(ctx, denial);
}

static void tick(void *ctx)
{
	deny_record_tick(ctx);
}

static int end(void *ctx, const struct launch_end *launch_end, struct err *e)
{
	return deny_record_end(ctx, launch_end, e);
}

static void learn_free(void *state)
{
	deny_record_done(state);
	free(state);
}

int deny_learn_open(const struct deny_request *request, const struct policy *policy,
	struct deny *out, struct err *e)
{
	struct deny_record *record = calloc(1, sizeof(*record));

	(void)policy;
	if (!record)
		return err_nomem(e);
	out->state = record;
	out->free = learn_free;
	out->supervisor.ctx = record;
	out->supervisor.tick_ms = TICK_MS;
	out->supervisor.begin = begin;
	out->supervisor.decide = decide;
	out->supervisor.tick = tick;
	out->supervisor.end = end;
	return deny_record_open(record, request, e);
}
