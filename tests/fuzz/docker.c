/*
 * Any text, and any container: flattening refuses it, or gives a plain profile that the plain
 * reader takes for the same, and that stays what it is when it is flattened again.
 */
#include "flatten.h"

#include "fuzz.h"
#include "same_profile.h"
#include "scope.h"

enum { TARGET_BYTES = 4 };

/* The first bytes choose the container. */
static struct flatten_target target_of(const uint8_t *data)
{
	static const char *const caps[] = {"none", "default", "podman", "all", "sys_admin"};
	struct flatten_target target = {0};
	size_t n_rows;
	const struct abi *rows = abi_table(&n_rows);
	struct err e;

	must(!flatten_caps_parse(caps[data[0] % ARRAY_LEN(caps)], &target.caps, &e), "%s", e.text);
	target.caps_known = data[0] < 0xf0;
	target.abi = &rows[data[1] % n_rows];
	target.kernel = (struct kernel_version){data[2] % 8, data[3] % 32};
	target.kernel_known = data[2] < 0xf0;
	return target;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(profile_done) struct profile profile = {0}, plain = {0}, again = {0};
	scoped_free char *text = NULL, *written = NULL, *copy = NULL;
	struct flatten_target target;
	struct err e = {0};

	if (size < TARGET_BYTES)
		return 0;
	target = target_of(data);
	size -= TARGET_BYTES;
	text = fuzz_copy(data + TARGET_BYTES, size);
	if (profile_flatten("input", text, size, &target, &profile, NULL, &e)) {
		must(e.code > 0 && *e.text && !strchr(e.text, '\n'), "no line: %s", e.text);
		return 0;
	}
	must(!profile_emit(&profile, &written, &size, &e), "not written: %s", e.text);
	copy = fuzz_copy((const uint8_t *)written, size);
	must(!profile_parse("written", written, size, &plain, NULL, &e), "not plain: %s", e.text);
	must(same_profile(&profile, &plain), "plain, it is another profile");
	must(!profile_flatten("copy", copy, size, &target, &again, NULL, &e), "again: %s", e.text);
	must(same_profile(&profile, &again), "flattened twice, it is another profile");
	return 0;
}
