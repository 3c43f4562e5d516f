#include "report_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "phase.h"

/*
 * Positions along the axis of time are percentages, so that a chart is as wide as the page without
 * its text being scaled; everything else is in pixels.
 */
enum {
	CURVE_HEIGHT = 220,
	AXIS_HEIGHT = 22,
	BAND_LABEL = 28,
	LABEL_BASE = 15, /* of its text */
	CURVE_UNITS = 1000, /* of the curve's own co-ordinates, which are stretched */
	ROW = 18,
	ROW_DENSE = 12, /* of a row where there are more than ROWS_AIRY */
	ROWS_AIRY = 120,
	ROWS_MAX = 2000,
	LEVELS = 5, /* lines of the curve's other axis, about */
};

/* A phase that lasts until the next one begins. */
struct band {
	uint64_t from_ns, to_ns;
	uint32_t phase;
};

static int by_begin(const void *a, const void *b)
{
	const struct band *x = a, *y = b;

	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return (x->phase > y->phase) - (x->phase < y->phase);
}

/* Those of the workload's own life: what came from outside is no part of it. */
static size_t find_bands(const struct report *report, struct band bands[PHASES_MAX])
{
	size_t n = 0;

	for (uint32_t i = 0; report->shaded && i < report->rec->phases.n_names; i++) {
		if (report->phases[i].begin_ns != UINT64_MAX &&
			report->phases[i].colour != PHASE_EXEC)
			bands[n++] = (struct band){
				.from_ns = report->phases[i].begin_ns, .phase = i};
	}
	qsort(bands, n, sizeof(*bands), by_begin);
	for (size_t i = 0; i < n; i++)
		bands[i].to_ns = i + 1 < n ? bands[i + 1].from_ns : report->scale.span_ns;
	return n;
}

/* A name that does not fit is cut off by the box that it is in. */
static void put_bands(struct html *html, const struct report *report, unsigned height, bool named)
{
	struct band bands[PHASES_MAX];
	size_t n = find_bands(report, bands);

	for (size_t i = 0; i < n; i++) {
		double from = scale_at(&report->scale, bands[i].from_ns);
		double width = scale_at(&report->scale, bands[i].to_ns) - from;

		html_format(html,
			"<svg class=\"band p%u\" x=\"%.2f%%\" y=\"0\" width=\"%.2f%%\" "
			"height=\"%u\"><rect width=\"100%%\" height=\"100%%\"/>",
			report_colour(report, bands[i].phase), from, width, height);
		if (named)
			html_format(html, "<text x=\"5\" y=\"%d\">%s</text>", LABEL_BASE,
				report->rec->phases.names[bands[i].phase]);
		html_raw(html, "</svg>");
	}
}

static void put_grid(struct html *html, const struct scale *scale, unsigned height)
{
	html_raw(html, "<g class=\"grid\">");
	for (size_t i = 0; i < scale->n_ticks; i++) {
		double x = scale_at(scale, scale->ticks[i].ns);

		html_format(html, "<line x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%u\"/>", x, x, height);
	}
	html_raw(html, "</g>");
}

/* The texts of the axis; on a small screen every other one is left out. */
static void put_ticks(struct html *html, const struct scale *scale, unsigned y)
{
	html_raw(html, "<g class=\"ticks\">");
	for (size_t i = 0; i < scale->n_ticks; i++) {
		double x = scale_at(scale, scale->ticks[i].ns);
		const char *anchor = x < 3 ? "start" : x > 97 ? "end" : "middle";

		html_format(html,
			"<text class=\"%s\" x=\"%.2f%%\" y=\"%u\" text-anchor=\"%s\">%s"
			"</text>",
			i % 2 ? "odd" : "even", x, y, anchor, scale->ticks[i].text);
	}
	html_raw(html, "</g>");
}

static void put_legend(struct html *html, const struct report *report)
{
	size_t n = report->rec->phases.n_names;

	html_raw(html, "<ul class=\"legend\">");
	for (uint32_t i = 0; i < n && i < PHASES_MAX; i++)
		html_format(html,
			"<li class=\"p%u\"><span class=\"swatch\"></span>%s "
			"<span class=\"faint\">%zu new</span></li>",
			report_colour(report, i), report->rec->phases.names[i],
			report->phases[i].n_new);
	if (n > PHASES_MAX)
		html_format(html, "<li class=\"faint\">and %zu more</li>", n - PHASES_MAX);
	if (report->n_denied)
		html_raw(html,
			"<li class=\"denied\"><svg class=\"cross\" width=\"12\" height=\"12\" "
			"viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><path d=\"M-4-4L4 4M-4 "
			"4L4-4\"/>"
			"</svg>denied</li>");
	html_raw(html, "</ul>\n");
}

/* The distance of the lines: 1, 2, 5, 10, 20, ... calls. */
static size_t level_step(size_t n)
{
	size_t step = 1;

	for (unsigned i = 0; n / step > LEVELS; i++)
		step = i % 3 == 1 ? step / 2 * 5 : step * 2;
	return step;
}

static double level_at(size_t count, size_t n)
{
	const double room = CURVE_HEIGHT - BAND_LABEL;

	return CURVE_HEIGHT - room * (double)count / (double)n;
}

static void put_levels(struct html *html, size_t n)
{
	size_t step = level_step(n);

	html_format(html, "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">",
		CURVE_HEIGHT + AXIS_HEIGHT);
	for (size_t count = 0; count <= n; count += step)
		html_format(html, "<text x=\"100%%\" y=\"%.1f\" text-anchor=\"end\">%zu</text>",
			level_at(count, n) + 4, count);
	html_raw(html, "</svg>");
}

static void put_level_lines(struct html *html, size_t n)
{
	html_raw(html, "<g class=\"grid\">");
	for (size_t count = 0; count <= n; count += level_step(n))
		html_format(html, "<line x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
			level_at(count, n), level_at(count, n));
	html_raw(html, "</g>");
}

/* A stair: along at the old height, then up. */
static void put_stair(struct html *html, const struct report *report, const char *class)
{
	const unsigned units = CURVE_UNITS / 100;

	html_format(html, "<path class=\"%s\" d=\"M0 %d", class, CURVE_HEIGHT);
	for (size_t i = 0; i < report->n_timed; i++)
		html_format(html, "H%.1fV%.1f",
			scale_at(&report->scale, report->timed[i]->first_ns) * units,
			level_at(i + 1, report->n_timed));
	html_format(html, "H%d", CURVE_UNITS);
	if (!strcmp(class, "area"))
		html_format(html, "V%dH0Z", CURVE_HEIGHT);
	html_raw(html, "\"/>");
}

static void put_curve(struct html *html, const struct report *report)
{
	html_format(html,
		"<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"preserveAspectRatio=\"none\">",
		CURVE_HEIGHT, CURVE_UNITS, CURVE_HEIGHT);
	put_stair(html, report, "area");
	put_stair(html, report, "curve");
	html_raw(html, "</svg>");
	for (size_t i = 0; i < report->n_timed && i < ROWS_MAX; i++)
		html_format(html, "<circle class=\"p%u\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"2.5\"/>",
			report_colour(report, report->timed[i]->phase),
			scale_at(&report->scale, report->timed[i]->first_ns),
			level_at(i + 1, report->n_timed));
}

/* What there is to see, in words. */
static void put_finding(struct html *html, const struct report *report)
{
	const struct report_call *last = report->timed[report->n_timed - 1];
	uint64_t rest = report->scale.span_ns - last->first_ns;
	char half_text[TIME_TEXT_MAX], last_text[TIME_TEXT_MAX], rest_text[TIME_TEXT_MAX];

	html_format(html,
		"<p>Half of the %zu different calls had been seen after %s. The last new one, "
		"<code>%s</code>, came after %s",
		report->n_timed,
		time_text(report->timed[(report->n_timed - 1) / 2]->first_ns, half_text),
		last->name, time_text(last->first_ns, last_text));
	if (rest >= report->scale.span_ns / 100)
		html_format(html, "; in the %s that were left nothing new was called",
			time_text(rest, rest_text));
	html_raw(html, ".</p>\n");
}

static void put_caption(struct html *html, const struct report *report, const char *what)
{
	html_format(html, "<figcaption>%s Time since the start%s.", what,
		report->scale.least_ns ? ", on an axis of powers of ten" : "");
	if (report->rec->n_sources > 1)
		html_raw(html, " The recordings were made at different times, and their phases are "
			       "not shaded.");
	html_raw(html, "</figcaption>");
}

void report_put_discovery(struct html *html, const struct report *report)
{
	html_raw(html,
		"<section aria-labelledby=\"discovery\"><h2 id=\"discovery\">Discovery</h2>\n");
	if (report->n_timed == 0) {
		html_raw(html, "<p>No call has a time.</p></section>\n");
		return;
	}
	put_finding(html, report);
	html_raw(html, "<figure>");
	put_legend(html, report);
	html_raw(html, "<div class=\"chart\">");
	put_levels(html, report->n_timed);
	html_format(html,
		"<svg class=\"plot\" width=\"100%%\" height=\"%d\" role=\"img\" "
		"aria-labelledby=\"curve-title curve-text\"><title id=\"curve-title\">Different "
		"calls seen over time</title><desc id=\"curve-text\">A stair that rises by one "
		"with each call that is seen for the first time, to %zu. The table has the "
		"times.</desc>",
		CURVE_HEIGHT + AXIS_HEIGHT, report->n_timed);
	put_grid(html, &report->scale, CURVE_HEIGHT);
	put_level_lines(html, report->n_timed);
	put_bands(html, report, CURVE_HEIGHT, true);
	put_curve(html, report);
	put_ticks(html, &report->scale, CURVE_HEIGHT + AXIS_HEIGHT - 6);
	html_raw(html, "</svg></div>\n");
	put_caption(html, report, "How many different calls had been seen.");
	html_raw(html, "</figure></section>\n");
}

/* The name that a chart shows: calls of several ABIs need theirs. */
static void put_row_name(
	struct html *html, const struct report *report, const struct report_call *call, double y)
{
	html_format(html, "<text y=\"%.1f\">%s", y, call->name);
	if (report->many_abis)
		html_format(html, "<tspan class=\"faint\"> %s</tspan>", call->call->abi->name);
	html_raw(html, "</text>");
}

static void put_names(struct html *html, const struct report *report, size_t rows, unsigned row)
{
	html_format(html, "<svg class=\"names\" height=\"%zu\" aria-hidden=\"true\">", rows * row);
	for (size_t i = 0; i < rows; i++)
		put_row_name(html, report, report->timed[i], (double)(i * row) + row * 0.72);
	html_raw(html, "</svg>");
}

static void put_row_title(
	struct html *html, const struct report *report, const struct report_call *call)
{
	char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];

	html_format(html,
		"<title>%s: %" PRIu64 " times, %" PRIu64 " denied; first after %s, last "
		"after %s",
		call->name, call->call->count, call->call->denied, time_text(call->first_ns, first),
		time_text(call->last_ns, last));
	if (call->phase != PHASE_NONE)
		html_format(html, "; first seen in %s", report->rec->phases.names[call->phase]);
	html_raw(html, "</title>");
}

/* From the first sight, which has a mark, to the last. */
static void put_row(
	struct html *html, const struct report *report, const struct report_call *call, double y)
{
	double first = scale_at(&report->scale, call->first_ns);
	double last = scale_at(&report->scale, call->last_ns);

	html_format(html, "<g class=\"row p%u%s\">", report_colour(report, call->phase),
		call->call->denied == call->call->count ? " denied" : "");
	put_row_title(html, report, call);
	html_format(html,
		"<line class=\"lead\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
		"<line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
		first, y, y, first, last, y, y);
	if (call->call->denied)
		html_format(html,
			"<svg class=\"cross denied\" x=\"%.2f%%\" y=\"%.1f\"><path d=\"M-4-4L4 "
			"4M-4 4L4-4\"/></svg>",
			first, y);
	else
		html_format(html, "<circle cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\"/>", first, y);
	html_raw(html, "</g>\n");
}

static void put_rows(struct html *html, const struct report *report, size_t rows, unsigned row)
{
	unsigned height = (unsigned)rows * row;

	html_format(html,
		"<svg class=\"plot\" width=\"100%%\" height=\"%u\" role=\"img\" "
		"aria-labelledby=\"rows-title rows-text\"><title id=\"rows-title\">When each call "
		"was made</title><desc id=\"rows-text\">%zu rows, by first sight, each from the "
		"first to the last time that a call was made. The table has the numbers.</desc>",
		height, rows);
	put_bands(html, report, height, false);
	put_grid(html, &report->scale, height);
	for (size_t i = 0; i < rows; i++)
		put_row(html, report, report->timed[i], (double)(i * row) + row / 2.0);
	html_raw(html, "</svg>");
}

void report_put_timeline(struct html *html, const struct report *report)
{
	size_t rows = report->n_timed < ROWS_MAX ? report->n_timed : ROWS_MAX;
	unsigned row = rows > ROWS_AIRY ? ROW_DENSE : ROW;

	if (rows == 0)
		return;
	html_raw(html, "<section aria-labelledby=\"timeline\"><h2 id=\"timeline\">Timeline</h2>\n"
		       "<figure>");
	put_legend(html, report);
	html_format(html,
		"<div class=\"timeline%s\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"Timeline of calls\"><div class=\"axis\"><svg height=\"%d\" "
		"width=\"100%%\" aria-hidden=\"true\">",
		row == ROW_DENSE ? " dense" : "", AXIS_HEIGHT);
	put_ticks(html, &report->scale, AXIS_HEIGHT - 7);
	html_raw(html, "</svg></div><div class=\"chart\">");
	put_names(html, report, rows, row);
	put_rows(html, report, rows, row);
	html_raw(html, "</div></div>\n");
	put_caption(html, report,
		"Each call from its first to its last time, in the colour of the phase in which it "
		"was first seen.");
	if (rows < report->n_timed)
		html_format(html, "<p>The %zu seen last are in the table only.</p>",
			report->n_timed - rows);
	html_raw(html, "</figure></section>\n");
}
