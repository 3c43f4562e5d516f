#include "report_parts.h"
#include "recording_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* More names than these are told by their number: the rest is a list of its own. */
enum { NAMES_SHOWN = 6, VALUES_OPEN = 8 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void put_argument(
	struct html *html, const struct report_call *call, const struct rec_arg *arg)
{
	char text[ARG_TEXT_MAX];

	html_format(html, "<li><span class=\"arg\">argument %d</span> ", arg->index);
	if (arg->values.many)
		html_raw(html, "<span class=\"faint\">many values</span>");
	for (size_t i = 0; i < arg->values.n_tuples; i++) {
		html_raw(html, i ? ", " : "");
		html_format(html, "<code>%s</code>", rec_text_value(call->call, arg, i, text));
	}
	html_raw(html, "</li>");
}

/* What stood together: for arguments that depend on each other. */
static void put_tuples(
	struct html *html, const struct report_call *call, const struct rec_args *args)
{
	const struct arg_set *set = &args->tuples;
	char text[CALL_TEXT_MAX];

	html_raw(html, "<li><span class=\"arg\">together</span> ");
	if (set->many)
		html_raw(html, "<span class=\"faint\">many combinations</span>");
	for (size_t i = 0; i < set->n_tuples; i++) {
		html_raw(html, i ? ", " : "");
		html_format(html, "<code>%s</code>", rec_text_tuple(call->call, i, text));
	}
	html_raw(html, "</li>");
}

static size_t values_of(const struct rec_args *args)
{
	size_t n = args->tuples.n_tuples;

	for (size_t i = 0; i < args->n_args; i++)
		n += args->args[i].values.n_tuples;
	return n;
}

static void put_arguments(
	struct html *html, const struct report_call *call, const struct rec_args *args)
{
	html_raw(html, "<ul class=\"args\">");
	for (size_t i = 0; i < args->n_args; i++)
		put_argument(html, call, &args->args[i]);
	if (args->n_args > 1)
		put_tuples(html, call, args);
	html_raw(html, "</ul>");
}

static void put_origin(
	struct html *html, const struct report *report, const struct rec_origin *origin)
{
	const struct recording *rec = report->rec;
	char time[TIME_TEXT_MAX], call[CALL_TEXT_MAX], frame[REC_FRAME_LINE_MAX];
	uint64_t ns = origin->time_ns > report->start_ns ? origin->time_ns - report->start_ns : 0;

	html_format(html,
		"<li><code>%s</code><br><span class=\"faint\">%s after the start, in %s, phase "
		"%s, thread %d</span>",
		rec_text_origin(origin, call), time_text(ns, time),
		base_name(rec->programs.names[origin->program]), rec->phases.names[origin->phase],
		origin->tid);
	html_raw(html, origin->n_frames ? "<ol>" : "");
	for (size_t i = 0; i < origin->n_frames; i++)
		html_format(html, "<li><code>%s</code></li>",
			rec_text_frame(&origin->frames[i], frame));
	html_raw(html, origin->n_frames ? "</ol></li>" : "</li>");
}

/* From where it was called, the first time in each program and phase. */
static void put_origins(
	struct html *html, const struct report *report, const struct report_call *call)
{
	size_t n;
	const struct rec_origin *origins = rec_origins_of(
		report->rec, call->call->abi, call->call->nr, &n);

	if (!n)
		return;
	html_format(html, "<details><summary>from %zu place%s</summary><ul class=\"origins\">", n,
		n > 1 ? "s" : "");
	for (size_t i = 0; i < n; i++)
		put_origin(html, report, &origins[i]);
	html_raw(html, "</ul></details>");
}

void report_put_details(
	struct html *html, const struct report *report, const struct report_call *call)
{
	const struct rec_args *args = rec_call_args(call->call);
	size_t n_values = values_of(args);

	if (args->n_args == 0) {
		put_origins(html, report, call);
		return;
	}
	if (n_values > VALUES_OPEN)
		html_format(html, "<details><summary>%zu values</summary>", n_values);
	put_arguments(html, call, args);
	if (n_values > VALUES_OPEN)
		html_raw(html, "</details>");
	put_origins(html, report, call);
}

static void put_more(struct html *html, size_t n)
{
	if (n)
		html_format(html, " <span class=\"faint\">and %zu more</span>", n);
}

static void put_phases(
	struct html *html, const struct report *report, const struct report_call *call)
{
	const struct bits *phases = &call->call->phases;
	size_t shown = 0;

	for (size_t i = bits_next(phases, 0); i != SIZE_MAX && shown < NAMES_SHOWN;
		i = bits_next(phases, i + 1), shown++)
		html_format(html, "<span class=\"phase p%u\">%s</span> ",
			report_colour(report, (uint32_t)i), report->rec->phases.names[i]);
	put_more(html, bits_count(phases) - shown);
}

static void put_programs(
	struct html *html, const struct report *report, const struct report_call *call)
{
	const struct bits *programs = &call->call->programs;
	size_t shown = 0;

	for (size_t i = bits_next(programs, 0); i != SIZE_MAX && shown < NAMES_SHOWN;
		i = bits_next(programs, i + 1), shown++) {
		const char *path = report->rec->programs.names[i];

		html_format(html, "%s<span class=\"name\" title=\"%s\">%s</span>",
			shown ? ", " : "", path, base_name(path));
	}
	put_more(html, bits_count(programs) - shown);
}

static void put_first(struct html *html, const struct report_call *call)
{
	char text[TIME_TEXT_MAX];

	if (call->timed)
		html_format(html, "<td class=\"number\" data-v=\"%" PRIu64 "\">%s</td>",
			call->first_ns, time_text(call->first_ns, text));
	else
		html_raw(html, "<td class=\"number\" data-v=\"-1\"><span class=\"faint\">not "
			       "known</span></td>");
}

static void put_numbers(struct html *html, const struct rec_call *call)
{
	html_format(html, "<td class=\"number\" data-v=\"%" PRIu64 "\">", call->count);
	report_put_count(html, call->count);
	html_format(html, "</td><td class=\"number\" data-v=\"%" PRIu64 "\">", call->denied);
	if (call->denied) {
		html_raw(html, "<strong class=\"denied\">");
		report_put_count(html, call->denied);
		html_raw(html, "</strong>");
	} else {
		html_raw(html, "<span class=\"faint\">0</span>");
	}
	html_raw(html, "</td>");
}

static void put_row(struct html *html, const struct report *report, const struct report_call *call)
{
	html_format(html, "<tr><th scope=\"row\"><code>%s</code>", call->name);
	if (report->many_abis)
		html_format(html, " <span class=\"abi\">%s</span>", call->call->abi->name);
	if (call->call->enosys)
		html_raw(html, " <span class=\"abi\">unknown to the kernel</span>");
	html_raw(html, "</th>");
	put_numbers(html, call->call);
	html_raw(html, "<td>");
	put_phases(html, report, call);
	html_raw(html, "</td><td>");
	put_programs(html, report, call);
	html_raw(html, "</td>");
	put_first(html, call);
	html_raw(html, "<td>");
	report_put_details(html, report, call);
	html_raw(html, "</td></tr>\n");
}

void report_put_table(struct html *html, const struct report *report)
{
	html_raw(html,
		"<section aria-labelledby=\"calls\"><h2 id=\"calls\">All calls</h2>\n"
		"<p class=\"tools\" hidden><label for=\"search\">Search</label> <input "
		"id=\"search\" "
		"type=\"search\" placeholder=\"name, program, phase, value\" autocomplete=\"off\" "
		"spellcheck=\"false\"> <span id=\"found\" role=\"status\"></span></p>\n"
		"<table id=\"table\"><caption>Every different call that was made, by name. "
		"Programs "
		"are listed in full below.</caption>\n"
		"<thead><tr><th scope=\"col\" aria-sort=\"ascending\">Call</th>"
		"<th scope=\"col\" class=\"number\">Count</th>"
		"<th scope=\"col\" class=\"number\">Denied</th>"
		"<th scope=\"col\">Phases</th><th scope=\"col\">Programs</th>"
		"<th scope=\"col\" class=\"number\">First seen</th>"
		"<th scope=\"col\">Arguments and origins</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < report->rec->n_calls; i++)
		put_row(html, report, &report->calls[i]);
	html_raw(html, "</tbody></table></section>\n");
}
