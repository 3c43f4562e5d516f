#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deny.h"
#include "deny_kinds.h"
#include "deny_teller.h"

struct deny_explain {
	const struct policy *policy;
	int fd; /* where denials are told; -1: the caller has no standard error */
	struct deny_kinds kinds;
	struct deny_teller *teller; /* NULL: not begun */
	struct deny_call call; /* the one at hand */
};

static int begin(void *ctx, struct err *e)
{
	struct deny_explain *explain = ctx;

	return deny_teller_start(explain->fd, &explain->teller, e);
}

static uint32_t decide(void *ctx, struct supervision *at, const struct denial *denial)
{
	struct deny_explain *explain = ctx;
	struct deny_call *call = &explain->call;

	(void)at;
	deny_call_fill(call, explain->policy, denial);
	if (deny_kinds_count(&explain->kinds, call))
		deny_teller_tell(explain->teller, call);
	return call->action;
}

static void tell_counts(const struct deny_kinds *kinds, uint64_t lost)
{
	if (kinds->total == 0) {
		fputs("sysclamp run: nothing was denied\n", stderr);
		return;
	}
	fprintf(stderr, "sysclamp run: %" PRIu64 " call%s denied, of %zu kind%s", kinds->total,
		kinds->total == 1 ? "" : "s", kinds->n, kinds->n == 1 ? "" : "s");
	if (kinds->crowded)
		fprintf(stderr, "; %" PRIu64 " of more kinds than there is room for",
			kinds->crowded);
	if (lost)
		fprintf(stderr, "; %" PRIu64 " kinds not shown, as nobody read them in time", lost);
	fputs("\n", stderr);
}

static int end(void *ctx, const struct launch_end *launch_end, struct err *e)
{
	struct deny_explain *explain = ctx;
	uint64_t lost = deny_teller_end(explain->teller);

	(void)launch_end;
	(void)e;
	explain->teller = NULL;
	if (explain->fd >= 0)
		tell_counts(&explain->kinds, lost);
	return 0;
}

static void explain_free(void *state)
{
	struct deny_explain *explain = state;

	deny_kinds_done(&explain->kinds);
	free(explain);
}

int deny_explain_open(const struct deny_request *request, const struct policy *policy,
	struct deny *out, struct err *e)
{
	struct deny_explain *explain = calloc(1, sizeof(*explain));

	(void)request;
	if (!explain)
		return err_nomem(e);
	out->state = explain;
	out->free = explain_free;
	explain->policy = policy;
	explain->fd = fcntl(STDERR_FILENO, F_GETFD) < 0 ? -1 : STDERR_FILENO;
	out->supervisor.ctx = explain;
	out->supervisor.begin = begin;
	out->supervisor.decide = decide;
	out->supervisor.end = end;
	return deny_kinds_init(&explain->kinds, e);
}
