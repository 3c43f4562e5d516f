#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "report_parts.h"
#include "scope.h"

enum { WORDS_SHOWN = 40, WORD_SHOWN = 240, FILES_SHOWN = 500, HASH_BYTES = HASH_HEX_LEN / 2 };

static const char STYLE[] =
#include "report_css.inc"
	;
static const char SCRIPT[] =
#include "report_js.inc"
	;

/* What each way to lose means to somebody who has to judge the recording. */
static const char *const LOSSES[LOSS_WAYS] = {
	[LOSS_UNREADABLE] = "calls were noticed whose number could not be read",
	[LOSS_UNTRACED] = "processes were started in a way that escapes the recorder",
	[LOSS_NO_MEMORY] = "calls were not noted for lack of memory",
	[LOSS_STRICT_REFUSED] = "times the recorder kept the workload from strict mode",
	[LOSS_INHERIT_FAILURES] = "new processes could not be followed",
	[LOSS_MAP_FULL] = "calls found no room in the kernel",
	[LOSS_OUT_OF_RANGE] = "calls had a number beyond the recorder's table",
	[LOSS_MISSED_RECURSION] = "nested events were skipped by the kernel",
	[LOSS_RING_FULL] = "first sights were dropped",
	[LOSS_LATE_RETURNS] = "filters were loaded before returns were watched",
};

void report_put_count(struct html *html, uint64_t count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < len; i++)
		html_format(html, "%s%s", i && (len - i) % 3 == 0 ? "\u202f" : "",
			(char[]){digits[i], '\0'});
}

/* The beginning of a text, up to @max bytes; characters stay whole. */
static void put_beginning(struct html *html, const char *text, size_t max)
{
	scoped_free char *cut = NULL;
	size_t len = strlen(text);

	if (len <= max) {
		html_format(html, "%s", text);
		return;
	}
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	cut = strndup(text, max);
	html_format(html, "%s…", cut ? cut : "");
}

static unsigned hex_value(char digit)
{
	return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a' + 10);
}

/* Content Security Policy names what may be run by its hash, in base 64 (RFC 4648). */
static void put_hash(struct html *html, const char *text)
{
	static const char DIGITS[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char hex[HASH_HEX_LEN + 1], out[HASH_HEX_LEN];
	unsigned bits = 0, n_bits = 0, n = 0;

	hash_bytes(text, strlen(text), hex);
	for (unsigned i = 0; i < HASH_HEX_LEN; i++) {
		bits = bits << 4 | hex_value(hex[i]);
		n_bits += 4;
		if (n_bits >= 6) {
			n_bits -= 6;
			out[n++] = DIGITS[bits >> n_bits & 63];
		}
	}
	/* 256 bits are 42 digits and 4 bits more. */
	out[n++] = DIGITS[bits << (6 - n_bits) & 63];
	out[n++] = '=';
	out[n] = '\0';
	html_format(html, "'sha256-%s'", out);
}

static void put_head(struct html *html, const struct recording *rec)
{
	html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		       "base-uri 'none'; form-action 'none'; style-src ");
	put_hash(html, STYLE);
	html_raw(html, "; script-src ");
	put_hash(html, SCRIPT);
	html_raw(html, "\">\n<meta name=\"viewport\" content=\"width=device-width, "
		       "initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
		       "<title>");
	if (rec->workload.argv.n_names) {
		put_beginning(html, rec->workload.argv.names[0], WORD_SHOWN);
		html_raw(html, " – ");
	}
	html_raw(html, "system calls</title>\n<style>");
	html_raw(html, STYLE);
	html_raw(html, "</style>\n</head>\n<body>\n");
}

static void put_command(struct html *html, const struct recording *rec)
{
	const struct rec_names *argv = &rec->workload.argv;

	html_raw(html, "<h1>");
	if (argv->n_names == 0)
		html_raw(html, "A workload without a name");
	for (size_t i = 0; i < argv->n_names && i < WORDS_SHOWN; i++) {
		html_raw(html, i ? " <code>" : "<code>");
		put_beginning(html, argv->names[i], WORD_SHOWN);
		html_raw(html, "</code>");
	}
	if (argv->n_names > WORDS_SHOWN)
		html_format(html, " <span class=\"faint\">and %zu more arguments</span>",
			argv->n_names - WORDS_SHOWN);
	html_raw(html, "</h1>\n");
}

static size_t unfinished_sources(const struct recording *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->n_sources; i++)
		n += !rec->sources[i].complete;
	return n;
}

/* Can what follows be trusted to be all? */
static void put_verdict(struct html *html, const struct recording *rec)
{
	if (rec->complete) {
		html_raw(html, "<p class=\"verdict complete\"><strong>Complete.</strong> The "
			       "recorder saw the workload to its end and lost nothing.</p>\n");
		return;
	}
	html_raw(html, "<div class=\"verdict incomplete\"><p><strong>Incomplete.</strong> Calls "
		       "may be missing.</p><ul>");
	if (rec->n_sources > 1)
		html_format(html, "<li>%zu of %zu recordings lost something or never ended</li>",
			unfinished_sources(rec), rec->n_sources);
	else if (!recording_losses(rec))
		html_raw(html, "<li>the recording never ended</li>");
	for (enum loss way = 0; way < LOSS_WAYS; way++) {
		if (rec->loss[way])
			html_format(html, "<li>%" PRIu64 " %s <code>%s</code></li>", rec->loss[way],
				LOSSES[way], loss_name(way));
	}
	html_raw(html, "</ul></div>\n");
}

static void put_figure(
	struct html *html, const char *class, uint64_t count, const char *one, const char *many)
{
	html_format(html, "<div class=\"%s\"><dt>%s</dt><dd>", class, count == 1 ? one : many);
	report_put_count(html, count);
	html_raw(html, "</dd></div>");
}

static void put_figures(struct html *html, const struct report *report)
{
	const struct recording *rec = report->rec;
	uint64_t made = 0;

	for (size_t i = 0; i < rec->n_calls; i++)
		made += rec->calls[i].count;
	html_raw(html, "<dl class=\"figures\">");
	put_figure(html, "main", rec->n_calls, "different call", "different calls");
	put_figure(html, "", made, "call made", "calls made");
	put_figure(html, "", rec->programs.n_names, "program", "programs");
	put_figure(html, "", rec->phases.n_names, "phase", "phases");
	put_figure(html, report->n_denied ? "denied" : "", report->n_denied,
		"different call denied", "different calls denied");
	html_raw(html, "</dl>\n");
}

static void put_fact(struct html *html, const char *name, const char *text)
{
	html_format(html, "<div><dt>%s</dt><dd>", name);
	put_beginning(html, text, WORD_SHOWN);
	html_raw(html, "</dd></div>");
}

static void put_when(struct html *html, const struct recording *rec)
{
	time_t seconds = (time_t)(rec->workload.started_ns / NS_PER_S);
	char text[64] = "not known";
	struct tm tm;

	if (rec->workload.started_ns && gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	put_fact(html, "Started", text);
	if (rec->workload.ended_ns > rec->workload.started_ns)
		put_fact(html, "Lasted",
			time_text(rec->workload.ended_ns - rec->workload.started_ns, text));
	else
		put_fact(html, "Lasted", "no end is recorded");
	(void)snprintf(text, sizeof(text), "%d", rec->workload.status);
	put_fact(html, "Exit status", rec->workload.status < 0 ? "not known" : text);
}

static void put_facts(struct html *html, const struct recording *rec)
{
	html_raw(html, "<dl class=\"facts\">");
	put_when(html, rec);
	put_fact(html, "Directory", *rec->workload.cwd ? rec->workload.cwd : "not known");
	html_format(html, "<div><dt>Host</dt><dd>Linux %s, %s</dd></div>", rec->host_kernel,
		rec->host_machine);
	html_format(html, "<div><dt>Recorder</dt><dd>sysclamp %s, %s</dd></div>",
		rec->recorder_version, rec->recorder_backend);
	html_format(html, "<div><dt>Recordings</dt><dd>%zu%s</dd></div>", rec->n_sources,
		rec->n_sources > 1 ? ", joined" : "");
	html_format(html, "<div><dt>Id</dt><dd><code>%s</code></dd></div></dl>\n", rec->id);
	if (rec->n_sources > 1)
		html_raw(html, "<p class=\"faint\">Of joined recordings command, host and recorder "
			       "are those of one, and each count is the largest in any one.</p>\n");
}

static size_t calls_of_program(const struct recording *rec, size_t program)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->n_calls; i++)
		n += bits_has(&rec->calls[i].programs, program);
	return n;
}

static void put_programs(struct html *html, const struct recording *rec)
{
	const struct rec_names *programs = &rec->programs;

	html_raw(html, "<section aria-labelledby=\"programs\"><h2 id=\"programs\">Programs</h2>\n"
		       "<ul class=\"files\">");
	for (size_t i = 0; i < programs->n_names && i < FILES_SHOWN; i++)
		html_format(html,
			"<li><code>%s</code> <span class=\"faint\">%zu different calls</span></li>",
			programs->names[i], calls_of_program(rec, i));
	if (programs->n_names > FILES_SHOWN)
		html_format(html, "<li class=\"faint\">and %zu more</li>",
			programs->n_names - FILES_SHOWN);
	html_raw(html, "</ul></section>\n");
}

static void put_page(struct html *html, const struct report *report)
{
	const struct recording *rec = report->rec;

	put_head(html, rec);
	html_raw(html, "<header><p class=\"kind\">System calls of</p>\n");
	put_command(html, rec);
	html_raw(html,
		"<button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n<main>\n"
		"<section aria-label=\"Summary\">\n");
	put_verdict(html, rec);
	put_figures(html, report);
	put_facts(html, rec);
	html_raw(html, "</section>\n");
	report_put_discovery(html, report);
	report_put_timeline(html, report);
	report_put_completeness(html, report);
	report_put_table(html, report);
	put_programs(html, rec);
	html_format(html,
		"</main>\n<footer>Made by sysclamp %s. This page needs no network and no "
		"script.</footer>\n<script>",
		SYSCLAMP_VERSION);
	html_raw(html, SCRIPT);
	html_raw(html, "</script>\n</body>\n</html>\n");
}

int report_write(const struct recording *rec, char **out_text, size_t *out_size, struct err *e)
{
	scoped(report_done) struct report report = {0};
	scoped(html_done) struct html html = {0};

	if (report_init(&report, rec, e) || html_init(&html, e))
		return -e->code;
	put_page(&html, &report);
	return html_end(&html, out_text, out_size, e);
}
