/*
 * Any text as the config.json of a bundle: the reader refuses it with one line that names the
 * place, or what it read is a cage as cage.h has it, which prints as a plan.
 *
 * The bundle is the root directory, which is there everywhere: nothing is made or started.
 */
#include "bundle.h"

#include "cage_laws.h"

static const char BUNDLE[] = "/", NAME[] = "//config.json";

static void hear_notice(void *ctx, const char *text)
{
	(void)ctx;
	check_place(text, NAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct notice notice = {hear_notice, NULL};
	scoped(bundle_done) struct bundle bundle = {0};
	scoped_free char *text = fuzz_copy(data, size);
	struct err e = {0};
	int code = bundle_parse(BUNDLE, text, size, &bundle, &notice, &e);

	if (code) {
		check_error(code, &e);
		check_place(e.text, NAME);
		return 0;
	}
	must(bundle.cage.used && bundle.cage.root.path, "no root");
	check_plan(&bundle.cage, bundle.argv, bundle.env, !bundle.no_new_privs);
	return 0;
}
