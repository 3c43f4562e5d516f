/*
 * Which known name a misspelt one is taken for.
 */
#include "nearest.h"

#include "scope.h"
#include "tap.h"

static const char *const NAMES[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_KILL",
	"SCMP_ACT_KILL_THREAD", "openat", "openat2", "read"};

static const struct {
	const char *text, *name;
} TABLE[] = {
	{"SCMP_ACT_ALOW", "SCMP_ACT_ALLOW"},
	{"SCMP_ACT_ALLLOW", "SCMP_ACT_ALLOW"},
	{"SCMP_ACT_ALLOV", "SCMP_ACT_ALLOW"},
	{"scmp_act_log", "SCMP_ACT_LOG"},
	{"ALLOW", "SCMP_ACT_ALLOW"},
	{"kill_thread", "SCMP_ACT_KILL_THREAD"},
	{"THREAD", "SCMP_ACT_KILL_THREAD"},
	{"opena", "openat"},
	{"openat3", "openat"},
	{"raed", NULL},
	{"reed", "read"},
	{"LLOW", NULL},
	{"SCMP_ACT_DENY", NULL},
	{"", NULL},
	{"_", NULL},
};

static const char *nearest_name(const char *text)
{
	struct nearest nearest = nearest_to(text);

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		nearest_offer(&nearest, NAMES[i]);
	return nearest.name;
}

int main(void)
{
	struct nearest nearest = nearest_to("opena");
	char hint[64], longest[NEAREST_LEN_MAX + 1], longer[NEAREST_LEN_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(TABLE); i++) {
		const char *want = TABLE[i].name ? TABLE[i].name : "nothing";
		const char *got = nearest_name(TABLE[i].text);

		is_text(got ? got : "nothing", want, "\"%s\" is near %s", TABLE[i].text, want);
	}
	is_text(nearest_hint(&nearest, hint, sizeof(hint)), "", "no hint where nothing is near");
	nearest_offer(&nearest, "openat");
	is_text(nearest_hint(&nearest, hint, sizeof(hint)), "; did you mean openat?", "a hint");

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	nearest = nearest_to(longest);
	nearest_offer(&nearest, longer);
	ok(!nearest.name, "a candidate that is too long is passed over");
	nearest_offer(&nearest, longest);
	ok(nearest.name == longest, "the longest that is compared");
	nearest = nearest_to(longer);
	nearest_offer(&nearest, longest);
	ok(!nearest.name, "a text that is too long has no neighbours");
	return tap_done();
}
