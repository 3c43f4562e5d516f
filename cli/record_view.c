#include "record_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "scope.h"
#include "time_units.h"

enum { TOP_CALLS = 9, NAME_COLUMNS = 16, LINE_MAX_COLUMNS = 160 };

/* Whether the live line is on the screen: the one thing to remember between two ticks. */
static bool drawn;

static uint64_t calls_total(const struct recording *rec)
{
	uint64_t total = 0;

	for (size_t i = 0; i < rec->n_calls; i++)
		total += rec->calls[i].count;
	return total;
}

static const struct rec_call *newest_call(const struct recording *rec)
{
	const struct rec_call *newest = NULL;

	for (size_t i = 0; i < rec->n_calls; i++) {
		if (!newest || rec->calls[i].first_ns > newest->first_ns)
			newest = &rec->calls[i];
	}
	return newest;
}

/* "0:07", "12:34", "1:02:03" */
static const char *duration(uint64_t ns, char *buf, size_t size)
{
	uint64_t s = ns / NS_PER_S;

	if (s < 3600)
		(void)snprintf(buf, size, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
	else
		(void)snprintf(buf, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600,
			s / 60 % 60, s % 60);
	return buf;
}

/* ECMA-48 and VT100: down a line, scrolling if need be, and up again, in the same column. */
#define ROOM_BELOW     "\033D\033[A"
#define SAVE_CURSOR    "\0337"
#define RESTORE_CURSOR "\0338"
#define LINE_BELOW     "\033[B\r"
#define WIPE_BELOW     "\033[J" /* from the cursor to the end of the screen */

/* A terminal that another job has now is not ours to draw on, nor one in raw mode. */
static bool may_draw(void)
{
	const char *term = getenv("TERM");
	struct termios mode;

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       tcgetpgrp(STDERR_FILENO) == getpgrp() && !tcgetattr(STDERR_FILENO, &mode) &&
	       (mode.c_lflag & ICANON) && (mode.c_oflag & OPOST);
}

static size_t columns_left(void)
{
	struct winsize window = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) || window.ws_col < 2 ||
		window.ws_col > LINE_MAX_COLUMNS)
		return LINE_MAX_COLUMNS;
	return window.ws_col - 1u;
}

void view_status(const struct recording *rec)
{
	char line[LINE_MAX_COLUMNS + 1], name[SYSCALL_NAME_MAX], elapsed[32], since[32];
	const struct rec_call *newest = newest_call(rec);
	uint64_t now = now_ns();

	if (!newest || !may_draw())
		return;
	(void)snprintf(line, sizeof(line),
		"recording %s | %" PRIu64 " calls, %zu distinct | last new: %s, %s ago",
		duration(now - rec->workload.started_ns, elapsed, sizeof(elapsed)),
		calls_total(rec), rec->n_calls, rec_call_name(newest, name),
		duration(now - newest->first_ns, since, sizeof(since)));
	fprintf(stderr, WIPE_BELOW ROOM_BELOW SAVE_CURSOR LINE_BELOW "%.*s" RESTORE_CURSOR,
		(int)columns_left(), line);
	drawn = true;
}

void view_clear(void)
{
	if (drawn && may_draw())
		fputs(WIPE_BELOW, stderr);
	drawn = false;
}

/* Where what task @tid writes to its descriptor @fd goes. */
enum place { UNKNOWN, OUR_TERMINAL, ELSEWHERE };

static enum place place_of(pid_t tid, unsigned fd)
{
	struct stat ours, theirs;
	char link[64];

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%u", tid, fd);
	if (fstat(STDERR_FILENO, &ours) || stat(link, &theirs))
		return UNKNOWN;
	return S_ISCHR(theirs.st_mode) && theirs.st_rdev == ours.st_rdev ? OUR_TERMINAL : ELSEWHERE;
}

/* Programs write to their terminal through standard output and error; others are not looked at. */
void view_before_write(pid_t tid, unsigned fd)
{
	if (drawn && fd <= STDERR_FILENO && place_of(tid, fd) == OUR_TERMINAL)
		view_clear();
}

bool view_is_shared(pid_t pid)
{
	return place_of(pid, STDOUT_FILENO) != ELSEWHERE ||
	       place_of(pid, STDERR_FILENO) != ELSEWHERE;
}

static int by_count(const void *a, const void *b)
{
	const struct rec_call *const *x = a, *const *y = b;

	if ((*x)->count != (*y)->count)
		return (*x)->count < (*y)->count ? 1 : -1;
	return *x < *y ? -1 : *x > *y;
}

/* The most frequent calls, three a line. */
static void print_top(const struct recording *rec)
{
	scoped_free const struct rec_call **sorted = calloc(rec->n_calls + 1, sizeof(*sorted));
	char name[SYSCALL_NAME_MAX];
	size_t shown = rec->n_calls < TOP_CALLS ? rec->n_calls : TOP_CALLS;

	if (!sorted)
		return;
	for (size_t i = 0; i < rec->n_calls; i++)
		sorted[i] = &rec->calls[i];
	qsort(sorted, rec->n_calls, sizeof(*sorted), by_count);
	for (size_t i = 0; i < shown; i++)
		fprintf(stderr, "%s%9" PRIu64 " %-*s", i % 3 ? "" : "\n ", sorted[i]->count,
			i % 3 == 2 || i + 1 == shown ? 0 : NAME_COLUMNS,
			rec_call_name(sorted[i], name));
	fputs("\n\n", stderr);
}

/* What to do about a loss, where the one who records can do something. */
static const char *const LOSS_MENDS[LOSS_WAYS] = {
	[LOSS_STRICT_REFUSED] = " (record with --backend ebpf or ptrace-syscall)",
	[LOSS_INHERIT_FAILURES] = " (no memory in the kernel, or in this cgroup, for threads: give "
				  "more, or record with --backend ptrace)",
	[LOSS_MAP_FULL] = " (too many different programs: record with --backend ptrace)",
	[LOSS_LATE_RETURNS] =
		" (other recorders came in the way, or all CPUs were taken: record once "
		"more, or with --backend ptrace)",
};

static void print_losses(const struct recording *rec)
{
	for (enum loss way = 0; way < LOSS_WAYS; way++) {
		if (rec->loss[way])
			fprintf(stderr, "  LOST: %s %" PRIu64 "%s\n", loss_name(way),
				rec->loss[way], LOSS_MENDS[way] ? LOSS_MENDS[way] : "");
	}
}

/* Which calls were denied: that is what somebody looks for who wonders why a program fails. */
static void print_denied(const struct recording *rec)
{
	char name[SYSCALL_NAME_MAX];
	const char *lead = "  denied:";

	for (size_t i = 0; i < rec->n_calls; i++) {
		if (!rec->calls[i].denied)
			continue;
		fprintf(stderr, "%s %s %" PRIu64, lead, rec_call_name(&rec->calls[i], name),
			rec->calls[i].denied);
		lead = ",";
	}
	if (*lead == ',')
		fputc('\n', stderr);
}

/* What the workload does through io_uring is no call: nobody sees it, nor does seccomp. */
static void warn_io_uring(const struct recording *rec, const struct notice *notice)
{
	static const char prefix[] = "io_uring_";
	char name[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < rec->n_calls; i++) {
		if (!syscall_name(rec->calls[i].abi, rec->calls[i].nr, name) ||
			strncmp(name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		notice_tell(notice,
			"the workload uses io_uring: what it does through it passes by every "
			"recorder and by seccomp; a profile that denies io_uring_setup keeps it "
			"from that");
		return;
	}
}

void view_warnings(const struct recording *rec)
{
	const struct notice notice = cli_notice("record");

	warn_io_uring(rec, &notice);
	recording_tell_phases(rec, &notice);
}

/* "sysclamp generate -o web.json web.rec.json" */
static void print_next(const char *file)
{
	static const char suffix[] = ".rec.json";
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	size_t len = strlen(base), cut = sizeof(suffix) - 1;
	bool usual = len > cut && !strcmp(base + len - cut, suffix);
	scoped_free char *profile = NULL;

	if (asprintf(&profile, "%s%.*s%s", *base == '-' ? "./" : "", (int)(usual ? len - cut : len),
		    base, usual ? ".json" : ".profile.json") < 0) {
		profile = NULL; /* asprintf(3): undefined on failure */
		return;
	}
	fputs("recording:", stderr);
	cli_print_word(file);
	fputs("\nnext:      sysclamp generate -o", stderr);
	cli_print_word(profile);
	cli_print_word(file);
	fputc('\n', stderr);
}

void view_summary(const struct recording *rec, const char *file, bool stream)
{
	uint64_t denied = 0;
	char elapsed[32];

	for (size_t i = 0; i < rec->n_calls; i++)
		denied += rec->calls[i].denied;
	fprintf(stderr,
		"sysclamp: %" PRIu64 " calls, %zu distinct, in %s; %" PRIu64 " denied, %" PRIu64
		" lost\n",
		calls_total(rec), rec->n_calls,
		duration(rec->workload.ended_ns - rec->workload.started_ns, elapsed,
			sizeof(elapsed)),
		denied, recording_losses(rec));
	print_denied(rec);
	print_losses(rec);
	print_top(rec);
	if (!stream)
		print_next(file);
}
