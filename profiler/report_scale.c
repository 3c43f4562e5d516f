#include "report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BINS = 48, WANTED_TICKS = 6 };

/* Steps of an even axis, and of a logarithmic one those that a person knows by heart. */
static const uint64_t MINUTE = 60 * NS_PER_S, HOUR = 3600 * NS_PER_S, DAY = 86400 * NS_PER_S;

/* A unit and the next smaller one, for times of two parts; a decimal fraction without. */
struct unit {
	uint64_t ns;
	const char *name;
	uint64_t minor_ns;
	const char *minor;
};

static const struct unit UNITS[] = {
	{86400 * NS_PER_S, "d", 3600 * NS_PER_S, "h"},
	{3600 * NS_PER_S, "h", 60 * NS_PER_S, "min"},
	{60 * NS_PER_S, "min", NS_PER_S, "s"},
	{NS_PER_S, "s", 0, NULL},
	{NS_PER_MS, "ms", 0, NULL},
	{NS_PER_US, "µs", 0, NULL},
	{1, "ns", 0, NULL},
};

static const struct unit *unit_of(uint64_t ns)
{
	const struct unit *unit = UNITS;

	while (unit->ns > 1 && ns < unit->ns)
		unit++;
	return unit;
}

/* Three digits that count: "1.20", "12.4", "830". */
static void decimal_text(uint64_t ns, const struct unit *unit, char *buf)
{
	double value = (double)ns / (double)unit->ns;
	int digits = unit->ns == 1 || value >= 100 ? 0 : value >= 10 ? 1 : 2;

	(void)snprintf(buf, TIME_TEXT_MAX, "%.*f %s", digits, value, unit->name);
}

const char *time_text(uint64_t ns, char *buf)
{
	const struct unit *unit = unit_of(ns);

	if (ns == 0)
		(void)snprintf(buf, TIME_TEXT_MAX, "0 s");
	else if (!unit->minor)
		decimal_text(ns, unit, buf);
	else if (ns % unit->ns / unit->minor_ns)
		(void)snprintf(buf, TIME_TEXT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", ns / unit->ns,
			unit->name, ns % unit->ns / unit->minor_ns, unit->minor);
	else
		(void)snprintf(buf, TIME_TEXT_MAX, "%" PRIu64 " %s", ns / unit->ns, unit->name);
	return buf;
}

/* Of a tick, which is a round number of its unit. */
static void add_tick(struct scale *scale, uint64_t ns)
{
	struct tick *tick = &scale->ticks[scale->n_ticks];
	const struct unit *unit = unit_of(ns);

	if (scale->n_ticks == TICKS_MAX || ns > scale->span_ns)
		return;
	tick->ns = ns;
	if (ns && !unit->minor)
		(void)snprintf(tick->text, sizeof(tick->text), "%g %s",
			(double)ns / (double)unit->ns, unit->name);
	else
		(void)time_text(ns, tick->text);
	scale->n_ticks++;
}

/* The next step of 1, 2, 5, 10, ... or, of minutes and above, of what a clock has. */
static uint64_t next_step(uint64_t step)
{
	static const uint64_t CLOCK[] = {
		10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
	uint64_t digit = step;

	for (size_t i = 0; i + 1 < sizeof(CLOCK) / sizeof(CLOCK[0]); i++) {
		if (step == CLOCK[i] * NS_PER_S)
			return CLOCK[i + 1] * NS_PER_S;
	}
	if (step >= DAY)
		return step * 2;
	while (digit >= 10)
		digit /= 10;
	return digit == 2 ? step / 2 * 5 : step * 2;
}

static void tick_evenly(struct scale *scale)
{
	uint64_t step = 1;

	while (scale->span_ns / step > WANTED_TICKS)
		step = next_step(step);
	for (uint64_t ns = 0; ns <= scale->span_ns && scale->n_ticks < TICKS_MAX; ns += step)
		add_tick(scale, ns);
}

/* Powers of ten up to a second, then what a clock has. */
static void tick_by_powers(struct scale *scale)
{
	const uint64_t clock[] = {
		10 * NS_PER_S, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 10 * DAY, 100 * DAY};

	for (uint64_t ns = 1; ns <= NS_PER_S; ns *= 10) {
		if (ns >= scale->least_ns)
			add_tick(scale, ns);
	}
	for (size_t i = 0; i < sizeof(clock) / sizeof(clock[0]); i++) {
		if (clock[i] >= scale->least_ns)
			add_tick(scale, clock[i]);
	}
}

/*
 * The logarithm to base 2 to six digits: good for any screen, the same on every machine, and
 * without a library that every command would load.
 */
static double log_2(uint64_t value)
{
	const double ln_2 = 0.69314718055994531;
	int whole = 63 - __builtin_clzll(value);
	double mantissa = (double)value / (double)(1ull << whole);
	double y = (mantissa - 1) / (mantissa + 1), power = y, sum = 0;

	/* ln((1 + y) / (1 - y)) = 2 (y + y^3 / 3 + y^5 / 5 + ...) */
	for (int odd = 1; odd < 12; odd += 2) {
		sum += power / odd;
		power *= y * y;
	}
	return whole + 2 * sum / ln_2;
}

double scale_at(const struct scale *scale, uint64_t ns)
{
	double least;

	if (ns >= scale->span_ns)
		return 100;
	if (!scale->least_ns)
		return 100 * (double)ns / (double)scale->span_ns;
	if (ns <= scale->least_ns)
		return 0;
	least = log_2(scale->least_ns);
	return 100 * (log_2(ns) - least) / (log_2(scale->span_ns) - least);
}

/* In how many parts of the axis something happens: the more, the more there is to see. */
static unsigned parts_used(const struct scale *scale, const uint64_t *times, size_t n)
{
	unsigned char used[BINS + 1] = {0};
	unsigned count = 0;

	for (size_t i = 0; i < n; i++)
		used[(size_t)(scale_at(scale, times[i]) * BINS / 100)] = 1;
	for (size_t i = 0; i <= BINS; i++)
		count += used[i];
	return count;
}

/* Where a logarithmic axis begins: the power of ten below most times; a few may be earlier. */
static uint64_t least_of(const uint64_t *times, size_t n)
{
	uint64_t early = n ? times[n / 20] : 0, power = NS_PER_US;

	while (power <= early / 10)
		power *= 10;
	return power;
}

struct scale scale_for(uint64_t span_ns, const uint64_t *first_ns, size_t n)
{
	struct scale even = {.span_ns = span_ns ? span_ns : 1};
	struct scale powers = {.span_ns = even.span_ns, .least_ns = least_of(first_ns, n)};

	if (powers.least_ns >= even.span_ns / 10 ||
		parts_used(&even, first_ns, n) >= parts_used(&powers, first_ns, n)) {
		tick_evenly(&even);
		return even;
	}
	tick_by_powers(&powers);
	return powers;
}
