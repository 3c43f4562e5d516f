/*
 * Bundles that other programs make are read as they are.
 */
#include "bundle_test.h"
#include "tap.h"

/* Commands of sh in an empty directory; the bundle is $PWD/b. */
static const struct {
	const char *program, *command;
	bool denies_devices, rootless;
} MAKERS[] = {
	{"runc", "mkdir -p b/rootfs && runc spec --bundle b", true, false},
	{"runc", "mkdir -p b/rootfs && runc spec --rootless --bundle b", false, true},
	{"crun", "mkdir -p b/rootfs && cd b && crun spec", true, false},
	{"crun", "mkdir -p b/rootfs && cd b && crun spec --rootless", true, true},
	{"umoci", "umoci init --layout i && umoci new --image i:a && umoci unpack --image i:a b",
		true, false},
	{"umoci",
		"umoci init --layout i && umoci new --image i:a && umoci unpack --rootless --image "
		"i:a "
		"b",
		false, true},
};

static int shell(const char *dir, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd '%s' && { %s; } >/dev/null 2>&1", dir, command);
	return system(line);
}

static bool is_there(const char *program)
{
	char line[64];

	snprintf(line, sizeof(line), "command -v %s", program);
	return shell("/", line) == 0;
}

static void check_maker(size_t i)
{
	struct heard heard = {0};
	struct notice to = notice_to(&heard);
	char dir[] = "/tmp/sysclamp-made-XXXXXX", path[64];
	struct bundle bundle = {0};
	struct err e = {0};

	if (!is_there(MAKERS[i].program)) {
		tap_skip("engines", MAKERS[i].command, "it is not there");
		return;
	}
	if (!mkdtemp(dir))
		abort();
	ok(shell(dir, MAKERS[i].command) == 0, "%s", MAKERS[i].command);
	snprintf(path, sizeof(path), "%s/b", dir);
	if (!ok(bundle_read(path, &bundle, &to, &e) == 0, "is read"))
		printf("# %s\n", e.text);
	ok(!strstr(heard.text, "unknown"), "all of it is known");
	ok(bundle.argv && !strcmp(bundle.argv[0], "sh") && bundle.cage.n_mounts >= 7 &&
			bundle.cage.terminal && bundle.no_new_privs,
		"it is what these programs write");
	ok(bundle.cage.root.nodev == MAKERS[i].denies_devices &&
			(bundle.cage.uid_maps.n == 1) == MAKERS[i].rootless,
		"devices are denied, ids mapped, where it says so");
	bundle_done(&bundle);
	ok(shell(dir, "rm -rf b i") == 0 && rmdir(dir) == 0, "nothing is left");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(MAKERS); i++)
		check_maker(i);
	return tap_done();
}
