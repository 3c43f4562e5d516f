/*
 * Any text as a file of run --config: the reader refuses it with one line that names the place, or
 * it goes together or not, and what does is a cage as cage.h has it, which prints as a plan.
 *
 * Users and groups are those of this host; nothing is made or started.
 */
#include "cage_file.h"

#include "cage_complete.h"
#include "cage_laws.h"

static const char NAME[] = "input";
static char *const CALLER[] = {(char *)"HOME=/root", (char *)"LANG=C", (char *)"EMPTY=", NULL};
static char *const COMMAND[] = {(char *)"true", NULL}; /* where the file has none */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(cage_request_done) struct cage_request request = {0};
	scoped_free char *text = fuzz_copy(data, size);
	struct cage_file file = {0};
	struct err e = {0};
	char **env;
	int code = cage_file_parse(NAME, text, size, &request, &file, &e);

	if (code) {
		check_error(code, &e);
		check_place(e.text, NAME);
		return 0;
	}
	code = cage_complete(&request, &e);
	if (code) {
		check_error(code, &e);
		return 0;
	}
	must(request.cage.used == request.caged, "said, but not used");
	must(!cage_environment(&request, CALLER, &env, &e), "no environment: %s", e.text);
	check_plan(request.cage.used ? &request.cage : NULL, file.command ? file.command : COMMAND,
		env, file.new_privs);
	return 0;
}
