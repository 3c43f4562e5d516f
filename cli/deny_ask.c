#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "deny.h"
#include "deny_record.h"
#include "deny_teller.h"
#include "deny_terminal.h"
#include "scope.h"

enum { TICK_MS = 100, REMEMBERED_MAX = 1024, LINE_MAX_SIZE = 64 };

/* A call that was decided about for good: with the same of those arguments that are recorded. */
struct remembered {
	const struct abi *abi;
	uint32_t nr;
	uint64_t values[ARGS_PER_CALL_MAX];
	bool allow;
};

struct ask {
	const struct policy *policy;
	struct deny_terminal terminal;
	bool deaf; /* the terminal is gone: the profile decides */
	struct deny_teller *teller; /* NULL: not begun */
	bool records;
	struct deny_record record;
	struct remembered remembered[REMEMBERED_MAX];
	size_t n_remembered;
	uint64_t questions, allowed, denied;
	struct deny_call call; /* the one at hand */
	char text[DENY_TEXT_MAX]; /* about it */
};

enum reply { REPLY_NONE, REPLY_YES, REPLY_ALWAYS, REPLY_NO, REPLY_NEVER, REPLY_STACK, REPLY_QUIT };

static const struct {
	char letter;
	enum reply reply;
} REPLIES[] = {
	{'y', REPLY_YES},
	{'a', REPLY_ALWAYS},
	{'n', REPLY_NO},
	{'d', REPLY_NEVER},
	{'e', REPLY_STACK},
	{'q', REPLY_QUIT},
};

#define QUESTION "  let it through?  y yes, a always, n no, d never, e explain, q quit: "

static struct remembered key_of(const struct deny_call *call)
{
	struct remembered key = {.abi = call->abi, .nr = (uint32_t)call->data.nr};
	const struct arg_row *rows = NULL;
	size_t n = args_of_call(call->abi, call->name, &rows);

	for (size_t i = 0; i < n; i++)
		key.values[i] = arg_cut(call->args[rows[i].index], rows[i].bits);
	return key;
}

static const struct remembered *find(const struct ask *ask, const struct remembered *key)
{
	for (size_t i = 0; i < ask->n_remembered; i++) {
		const struct remembered *one = &ask->remembered[i];

		if (one->abi == key->abi && one->nr == key->nr &&
			!memcmp(one->values, key->values, sizeof(key->values)))
			return one;
	}
	return NULL;
}

/* Without room it is asked again. */
static void remember(struct ask *ask, struct remembered key, bool allow)
{
	key.allow = allow;
	if (ask->n_remembered < REMEMBERED_MAX)
		ask->remembered[ask->n_remembered++] = key;
}

/* What the text of the call is without its thread. */
static void describe(struct ask *ask)
{
	char called[CALL_TEXT_MAX];

	if (deny_teller_ask(ask->teller, &ask->call, ask->text))
		return;
	deny_text_call(&ask->call, NULL, called);
	(void)snprintf(ask->text, sizeof(ask->text), "sysclamp run: %s\n  is called by %s[%d]\n",
		called, ask->call.program, ask->call.denial.tid);
}

static enum reply reply_of(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(REPLIES); i++) {
		if (line[0] == REPLIES[i].letter && !line[1])
			return REPLIES[i].reply;
	}
	return REPLY_NONE;
}

/* The lines about the call, and those of its stack. */
static const char *stack_of(const char *text)
{
	const char *at = strstr(text, "\n    at ");

	return at ? at + 1 : "  its stack is not known\n";
}

static int put(struct ask *ask, struct supervision *at, const char *text, size_t size)
{
	char part[DENY_TEXT_MAX];

	(void)snprintf(part, sizeof(part), "%.*s", (int)size, text);
	return deny_terminal_write(&ask->terminal, at, &ask->call.denial, part);
}

/* Ask until there is an answer.  Returns as deny_terminal_read(). */
static int converse(struct ask *ask, struct supervision *at, enum reply *out)
{
	const char *stack = stack_of(ask->text);
	size_t head = strstr(ask->text, stack) ? (size_t)(stack - ask->text) : strlen(ask->text);
	char line[LINE_MAX_SIZE];
	int code = put(ask, at, ask->text, head);

	while (!code) {
		code = put(ask, at, QUESTION, sizeof(QUESTION));
		if (!code)
			code = deny_terminal_read(
				&ask->terminal, at, &ask->call.denial, line, sizeof(line));
		if (code)
			break;
		*out = reply_of(line);
		if (*out == REPLY_STACK)
			code = put(ask, at, stack, strlen(stack));
		else if (*out != REPLY_NONE)
			break;
	}
	return code;
}

static enum reply question(struct ask *ask, struct supervision *at)
{
	enum reply reply = REPLY_NO;
	int code;

	ask->questions++;
	describe(ask);
	code = deny_terminal_take(&ask->terminal, at, &ask->call.denial);
	if (!code) {
		code = converse(ask, at, &reply);
		/* Ctrl-C means the workload, which gets it as soon as its call has an answer. */
		if (code == -EINTR)
			(void)put(ask, at, "\n", 1);
		deny_terminal_give(&ask->terminal, at);
	}
	ask->deaf = code == -EIO;
	return code ? REPLY_NO : reply;
}

static bool is_allowed(struct ask *ask, struct supervision *at)
{
	struct remembered key = key_of(&ask->call);
	const struct remembered *known = find(ask, &key);
	enum reply reply;

	if (known || ask->deaf)
		return known && known->allow;
	reply = question(ask, at);
	if (reply == REPLY_ALWAYS || reply == REPLY_NEVER)
		remember(ask, key, reply == REPLY_ALWAYS);
	if (reply == REPLY_QUIT)
		supervision_end(at);
	return reply == REPLY_YES || reply == REPLY_ALWAYS;
}

static uint32_t decide(void *ctx, struct supervision *at, const struct denial *denial)
{
	struct ask *ask = ctx;

	deny_call_fill(&ask->call, ask->policy, denial);
	if (!denial->starts && !is_allowed(ask, at)) {
		ask->denied++;
		return ask->call.action;
	}
	ask->allowed++;
	return ask->records ? deny_record_take(&ask->record, denial) : SECCOMP_RET_ALLOW;
}

static int begin(void *ctx, struct err *e)
{
	struct ask *ask = ctx;

	if (ask->records && deny_record_begin(&ask->record, e))
		return -e->code;
	return deny_teller_start(-1, &ask->teller, e);
}

static void tick(void *ctx)
{
	struct ask *ask = ctx;

	if (ask->records)
		deny_record_tick(&ask->record);
}

static int end(void *ctx, const struct launch_end *launch_end, struct err *e)
{
	struct ask *ask = ctx;

	(void)deny_teller_end(ask->teller);
	ask->teller = NULL;
	fprintf(stderr,
		"sysclamp run: %" PRIu64 " question%s; %" PRIu64 " calls let through, %" PRIu64
		" denied\n",
		ask->questions, ask->questions == 1 ? "" : "s", ask->allowed, ask->denied);
	return ask->records ? deny_record_end(&ask->record, launch_end, e) : 0;
}

static void ask_free(void *state)
{
	struct ask *ask = state;

	deny_terminal_close(&ask->terminal);
	if (ask->records)
		deny_record_done(&ask->record);
	free(ask);
}

int deny_ask_open(const struct deny_request *request, const struct policy *policy, struct deny *out,
	struct err *e)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return err_nomem(e);
	out->state = ask;
	out->free = ask_free;
	ask->policy = policy;
	ask->records = request->output != NULL;
	out->supervisor.ctx = ask;
	out->supervisor.tick_ms = ask->records ? TICK_MS : 0;
	out->supervisor.begin = begin;
	out->supervisor.decide = decide;
	out->supervisor.tick = tick;
	out->supervisor.end = end;
	if (deny_terminal_open(&ask->terminal, e))
		return -e->code;
	return ask->records ? deny_record_open(&ask->record, request, e) : 0;
}
