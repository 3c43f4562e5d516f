#include "report_parts.h"
#include "scope.h"
#include "tap.h"

static void test_texts(void)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} ROWS[] = {
		{0, "0 s"},
		{7, "7 ns"},
		{1500, "1.50 µs"},
		{830000, "830 µs"},
		{12400000, "12.4 ms"},
		{3200000000, "3.20 s"},
		{60 * NS_PER_S, "1 min"},
		{252 * NS_PER_S, "4 min 12 s"},
		{7500 * NS_PER_S, "2 h 5 min"},
		{3 * 86400 * NS_PER_S, "3 d"},
		{UINT64_MAX, "213503 d 23 h"},
	};
	char text[TIME_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		is_text(time_text(ROWS[i].ns, text), ROWS[i].text, "%s", ROWS[i].text);
}

/* Whether ticks rise, lie on the axis and leave room for their texts. */
static bool has_good_ticks(const struct scale *scale)
{
	double last = -1;

	for (size_t i = 0; i < scale->n_ticks; i++) {
		double at = scale_at(scale, scale->ticks[i].ns);

		if (at < 0 || at > 100 || (i > 0 && at - last < 4))
			return false;
		last = at;
	}
	return scale->n_ticks >= 2;
}

/* Through all lengths that a recording may have. */
static void test_spans(void)
{
	bool good = true, rising = true;

	for (uint64_t span = 1000; span < UINT64_MAX / 3; span = span * 2 + span / 3) {
		const uint64_t even[] = {span / 8, span / 4, span / 2, span};
		const uint64_t early[] = {span / 100000, span / 10000, span / 1000, span / 100};
		struct scale scales[] = {scale_for(span, even, ARRAY_LEN(even)),
			scale_for(span, early, ARRAY_LEN(early))};

		for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
			double last = -1;

			good = good && has_good_ticks(&scales[i]);
			for (uint64_t part = 0; part <= 64; part++) {
				double at = scale_at(&scales[i], span / 64 * part);

				rising = rising && at >= last && at <= 100;
				last = at;
			}
		}
	}
	ok(good, "ticks lie apart on the axis of any length");
	ok(rising, "an axis goes from left to right");
}

static void test_choice(void)
{
	const uint64_t even[] = {100, 200, 400, 600, 800, 900};
	const uint64_t early[] = {1000000, 2000000, 5000000, 40000000, 300000000, 2000000000};
	struct scale scale = scale_for(1000, even, ARRAY_LEN(even));

	ok(!scale.least_ns, "what is spread evenly has an even axis");
	ok(scale_at(&scale, 250) > 24.9 && scale_at(&scale, 250) < 25.1,
		"a quarter is at a quarter");
	scale = scale_for(3600 * NS_PER_S, early, ARRAY_LEN(early));
	ok(scale.least_ns == 1000000, "what comes at the beginning has one of powers of ten");
	ok(scale_at(&scale, 0) == 0 && scale_at(&scale, 3600 * NS_PER_S) == 100,
		"which holds all of the time");
	ok(scale_at(&scale, 10000000) * 2 - scale_at(&scale, 100000000) < 0.001,
		"and on which powers of ten are as far apart as others");
}

static void test_empty(void)
{
	struct scale scale = scale_for(0, NULL, 0);

	ok(scale_at(&scale, 0) == 0 && scale_at(&scale, 1) == 100 && scale_at(&scale, 7) == 100,
		"an axis without length has places");
}

int main(void)
{
	test_texts();
	test_spans();
	test_choice();
	test_empty();
	return tap_done();
}
