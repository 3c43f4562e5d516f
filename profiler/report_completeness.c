/*
 * report_parts.h: what the recorded runs say about the next one.
 */
#include "completeness.h"
#include "phase.h"
#include "report_parts.h"

static void put_phase(struct html *html, const struct report *report, size_t phase)
{
	struct completeness seen = completeness_of(report->rec, phase);
	char text[COMPLETENESS_TEXT_MAX];

	html_raw(html, "<li>");
	if (phase != COMPLETENESS_WHOLE)
		html_format(html, "<span class=\"phase p%u\">%s</span> ",
			report_colour(report, (uint32_t)phase), report->rec->phases.names[phase]);
	html_format(html, "%s</li>", completeness_text(&seen, text));
}

static void put_phases(struct html *html, const struct report *report)
{
	size_t n = report->rec->phases.n_names, shown = n < PHASES_MAX ? n : PHASES_MAX;

	html_raw(html, "<ul class=\"files\">");
	for (size_t i = 0; i < shown; i++)
		put_phase(html, report, i);
	if (n == 0)
		put_phase(html, report, COMPLETENESS_WHOLE);
	if (shown < n)
		html_format(html, "<li class=\"faint\">and %zu more phases</li>", n - shown);
	html_raw(html, "</ul>\n");
}

static void put_missing(struct html *html, const struct recording *rec)
{
	const char *name = completeness_missing(rec, 0);

	if (!name)
		return;
	html_raw(html, "<p>Never recorded:");
	for (size_t i = 0; (name = completeness_missing(rec, i)); i++)
		html_format(html, "%s <code>%s</code>", i ? "," : "", name);
	html_raw(html, ". What is called then is not in this page.</p>\n");
}

void report_put_completeness(struct html *html, const struct report *report)
{
	html_raw(html, "<section aria-labelledby=\"next\"><h2 id=\"next\">The next run</h2>\n");
	if (report->rec->n_sources < 2)
		html_raw(html, "<p>One run was recorded, and one run says nothing about the "
			       "next.</p>\n");
	else
		put_phases(html, report);
	put_missing(html, report->rec);
	html_format(html, "<p class=\"faint\">Mind: %s.</p></section>\n", completeness_caveat);
}
