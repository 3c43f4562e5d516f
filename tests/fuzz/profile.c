/*
 * Any text: the reader of profiles refuses it, or what it read can be written, read again as the
 * same, and resolved or refused.
 */
#include "profile.h"

#include "fuzz.h"
#include "policy.h"
#include "same_profile.h"
#include "scope.h"

/* Also of what is refused: an error is one line. */
static void check_error(int code, const struct err *e)
{
	must(code == -e->code && e->code > 0, "code %d, error %d", code, e->code);
	must(*e->text && !strchr(e->text, '\n'), "no line: %s", e->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(profile_done) struct profile profile = {0}, again = {0};
	scoped(policy_done) struct policy policy = {0};
	scoped_free char *text = fuzz_copy(data, size), *written = NULL;
	struct err e = {0};
	int code = profile_parse("input", text, size, &profile, NULL, &e);

	if (code) {
		check_error(code, &e);
		return 0;
	}
	must(!profile_emit(&profile, &written, &size, &e), "not written: %s", e.text);
	must(!profile_parse("written", written, size, &again, NULL, &e), "not read: %s", e.text);
	must(same_profile(&profile, &again), "read as another profile");
	code = policy_resolve("input", &profile, &policy, NULL, &e);
	if (code)
		check_error(code, &e);
	return 0;
}
