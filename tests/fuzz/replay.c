/*
 * replay.c: the main() of a fuzz target without libFuzzer: every input in corpus/<target>, or those
 * named on the command line, as one test point each.  An input that a target does not survive ends
 * the process: prove then misses the plan.
 */
#include <dirent.h>
#include <libgen.h>

#include "file.h"
#include "fuzz.h"
#include "scope.h"
#include "tap.h"

enum { INPUT_MAX = 8 * 1024 * 1024 };

static void replay(const char *path)
{
	scoped_free char *text = NULL;
	size_t size = 0;
	struct err e;

	printf("# %s\n", path);
	fflush(stdout);
	if (!ok(!file_read(path, INPUT_MAX, &text, &size, &e), "%s: read", path))
		return;
	ok(!LLVMFuzzerTestOneInput((const uint8_t *)text, size), "%s", path);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_input, alphasort);

	ok(n > 0, "%s: has inputs", folder);
	for (int i = 0; i < n; i++) {
		scoped_free char *path = NULL;

		if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
			abort();
		replay(path);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	scoped_free char *folder = NULL;

	if (asprintf(&folder, "tests/fuzz/corpus/%s", basename(argv[0])) < 0)
		abort();
	if (argc < 2)
		replay_folder(folder);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return tap_done();
}
