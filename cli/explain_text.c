#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "scope.h"
#include "time_units.h"

enum { WHEN_MAX = 48, NS_PER_STEP = 100 * NS_PER_US };
enum { TEXT_COLUMN = 14, LINE_COLUMNS = 96 };
enum { STEPS_PER_S = NS_PER_S / NS_PER_STEP };

#define MANY "many: more than 32, or some are not known"

/* A date in UTC; a time that was not noted is "-". */
static const char *date(uint64_t ns, char buf[WHEN_MAX])
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	size_t len;

	if (!ns || !gmtime_r(&s, &tm))
		return "-";
	len = strftime(buf, WHEN_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(buf + len, WHEN_MAX - len, ".%06" PRIu64 " UTC", ns % NS_PER_S / NS_PER_US);
	return buf;
}

/* Since the start, which only one run has: "+0.0042 s". */
static const char *when(const struct recording *rec, uint64_t ns, char buf[WHEN_MAX])
{
	uint64_t start = rec->workload.started_ns;
	uint64_t steps = (ns < start ? start - ns : ns - start) / NS_PER_STEP;

	if (!ns || rec->n_sources != 1)
		return date(ns, buf);
	(void)snprintf(buf, WHEN_MAX, "%c%" PRIu64 ".%04" PRIu64 " s", ns < start ? '-' : '+',
		steps / STEPS_PER_S, steps % STEPS_PER_S);
	return buf;
}

static const char *first_name(const struct rec_names *names, const struct bits *set)
{
	size_t first = bits_next(set, 0);

	return first == SIZE_MAX ? "-" : names->names[first];
}

/* Calls without a time come last. */
static int by_time(const void *a, const void *b)
{
	const struct rec_call *x = *(const struct rec_call *const *)a;
	const struct rec_call *y = *(const struct rec_call *const *)b;

	if (x->first_ns != y->first_ns)
		return x->first_ns - 1 < y->first_ns - 1 ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void print_line(const struct recording *rec, const struct rec_call *call)
{
	const struct rec_origin *origin = rec_first_origin(rec, call);
	char label[REC_LABEL_MAX], first[WHEN_MAX], place[REC_FRAME_LINE_MAX] = "";
	const struct rec_frame *frame = origin ? rec_own_frame(rec, origin) : NULL;
	size_t n_programs = bits_count(&call->programs);

	if (frame)
		rec_text_frame(frame, place);
	printf("%12s %9" PRIu64 " %8" PRIu64 "  %-18s %-8s %s", when(rec, call->first_ns, first),
		call->count, call->denied, rec_text_label(call, label),
		origin ? rec->phases.names[origin->phase] : first_name(&rec->phases, &call->phases),
		origin ? rec->programs.names[origin->program]
		       : first_name(&rec->programs, &call->programs));
	if (n_programs > 1)
		printf(" and %zu more", n_programs - 1);
	printf("%s%s\n", *place ? "  " : "", place);
}

void explain_print_all(const struct recording *rec)
{
	scoped_free const struct rec_call **sorted = calloc(rec->n_calls + 1, sizeof(*sorted));

	if (!sorted)
		return;
	for (size_t i = 0; i < rec->n_calls; i++)
		sorted[i] = &rec->calls[i];
	qsort(sorted, rec->n_calls, sizeof(*sorted), by_time);
	printf("%*s %9s %8s  %-18s %-8s %s\n", rec->n_sources == 1 ? 12 : 30, "first", "count",
		"denied", "call", "phase", "program, place");
	for (size_t i = 0; i < rec->n_calls; i++)
		print_line(rec, sorted[i]);
}

/* A list under a title, one a line. */
static void print_names(const char *title, const struct rec_names *names, const struct bits *set)
{
	for (size_t n = bits_next(set, 0); n != SIZE_MAX; n = bits_next(set, n + 1)) {
		printf("  %-10s  %s\n", title, names->names[n]);
		title = "";
	}
}

static void print_time(const struct recording *rec, const char *title, uint64_t ns)
{
	char relative[WHEN_MAX], absolute[WHEN_MAX];

	printf("  %-10s  ", title);
	if (ns && rec->n_sources == 1)
		printf("%s, ", when(rec, ns, relative));
	puts(date(ns, absolute));
}

static void print_counts(const struct recording *rec, const struct rec_call *call)
{
	printf("  %-10s  %" PRIu64, "count", call->count);
	if (rec->n_sources > 1)
		printf(" at most in one run; in %zu of %zu runs", bits_count(&call->sources),
			rec->n_sources);
	if (call->denied)
		printf("; denied by a filter: %" PRIu64, call->denied);
	if (call->enosys)
		printf("; unknown to the kernel: %" PRIu64, call->enosys);
	puts("");
}

/* Values one behind the other, in lines that fit a terminal. */
static void print_arg(const struct rec_call *call, const struct rec_arg *arg)
{
	char text[ARG_TEXT_MAX];
	const char *name = arg_name(rec_call_name(call, text), arg->index);
	size_t column = TEXT_COLUMN;

	printf("  argument %u  ", arg->index);
	if (name)
		column += (size_t)printf("%s: ", name);
	for (size_t i = 0; i < arg->values.n_tuples; i++) {
		size_t len = strlen(rec_text_value(call, arg, i, text));
		bool breaks = i > 0 && column + len > LINE_COLUMNS;

		if (breaks)
			printf(",\n%*s%s", TEXT_COLUMN, "", text);
		else
			printf("%s%s", i > 0 ? ", " : "", text);
		column = (breaks ? TEXT_COLUMN : column) + len + 2;
	}
	puts(arg->values.many ? MANY : "");
}

static void print_args(const struct rec_call *call)
{
	const struct rec_args *args = rec_call_args(call);
	const struct arg_row *rows;
	char text[CALL_TEXT_MAX];
	const char *title = "together";

	for (size_t i = 0; i < args->n_args; i++)
		print_arg(call, &args->args[i]);
	if (args->tuples.many)
		printf("  %-10s  " MANY "\n", title);
	for (size_t i = 0; i < args->tuples.n_tuples; i++) {
		printf("  %-10s  %s\n", title, rec_text_tuple(call, i, text));
		title = "";
	}
	if (args->n_args == 0 && args_of_call(call->abi, rec_call_name(call, text), &rows))
		printf("  %-10s  not recorded\n", "arguments");
}

static void print_origin(const struct recording *rec, const struct rec_origin *origin)
{
	char first[WHEN_MAX], call[CALL_TEXT_MAX], frame[REC_FRAME_LINE_MAX];

	printf("  %-10s  %s, phase %s, %s, process %d, thread %d\n              %s\n", "from",
		when(rec, origin->time_ns, first), rec->phases.names[origin->phase],
		rec->programs.names[origin->program], origin->pid, origin->tid,
		rec_text_origin(origin, call));
	for (size_t i = 0; i < origin->n_frames; i++)
		printf("                at %s\n", rec_text_frame(&origin->frames[i], frame));
}

static int earlier_first(const void *a, const void *b)
{
	const struct rec_origin *left = *(const struct rec_origin *const *)a;
	const struct rec_origin *right = *(const struct rec_origin *const *)b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

/* The earliest first; without memory, in the order of the recording. */
static void print_origins(const struct recording *rec, const struct rec_call *call)
{
	size_t n;
	const struct rec_origin *origins = rec_origins_of(rec, call->abi, call->nr, &n);
	scoped_free const struct rec_origin **sorted = calloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = &origins[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), earlier_first);
	for (size_t i = 0; i < n; i++)
		print_origin(rec, sorted ? sorted[i] : &origins[i]);
}

static void print_call(const struct recording *rec, const struct rec_call *call)
{
	char label[REC_LABEL_MAX];

	printf("%s (%s, number %" PRId32 ")\n", rec_text_label(call, label), call->abi->name,
		(int32_t)call->nr);
	print_counts(rec, call);
	print_time(rec, "first", call->first_ns);
	print_time(rec, "last", call->last_ns);
	print_names("phases", &rec->phases, &call->phases);
	print_names("programs", &rec->programs, &call->programs);
	print_args(call);
	print_origins(rec, call);
}

void explain_print(const struct recording *rec, const struct explain_list *list)
{
	for (size_t i = 0; i < list->n_calls; i++) {
		if (i > 0)
			puts("");
		print_call(rec, list->calls[i]);
	}
}
