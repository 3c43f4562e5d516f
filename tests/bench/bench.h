/*
 * bench.h: what the benchmarks share.  Each interleaves what it compares, and prints rows of
 * tab-separated columns: what, metric, ours, against, ratio (scripts/bench.sh).
 */
#ifndef SYSCLAMP_BENCH_H
#define SYSCLAMP_BENCH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "err.h"

/* Microseconds of a clock of clock_gettime(2). */
static inline double bench_clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Of this process alone: others are at work on a shared machine. */
static inline double bench_cpu_us(void)
{
	return bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int bench_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The median of @n values, which it sorts. */
static inline double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), bench_compare);
	return values[n / 2];
}

/* Ends the benchmark unless it was @done.  @e: why, or NULL. */
static inline void bench_must(bool done, const char *what, const struct err *e)
{
	if (done)
		return;
	fprintf(stderr, "%s: cannot %s%s%s\n", program_invocation_short_name, what, e ? ": " : "",
		e ? e->text : "");
	exit(1);
}

/* Four digits, without an exponent where they suffice for what is measured here. */
static inline const char *bench_format(double value, char buffer[32])
{
	snprintf(buffer, 32, value < 1000 && value > -1000 ? "%.4g" : "%.0f", value);
	return buffer;
}

static inline void bench_row(const char *what, const char *metric, const char *unit, double ours,
	const char *against, double theirs)
{
	char left[32], right[32];

	printf("%s\t%s\t%s %s\t%s %s %s\t%.3g\n", what, metric, bench_format(ours, left), unit,
		against, bench_format(theirs, right), unit, ours / theirs);
	fflush(stdout);
}

#endif
