/* The files that the command finds. */
#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cage_names.h"
#include "cage_words.h"
#include "mount_option.h"

CAGE_WORD(word_root)
{
	(void)setting;
	request->cage.root.where = said->where;
	return word_outside(request, said, said->text, &request->cage.root.path, e);
}

CAGE_WORD(word_propagation)
{
	(void)setting;
	if (cage_propagation_by_name(said->text, &request->cage.root.propagation))
		return word_err(said, e,
			"one of private, slave, shared, unbindable, or with an r in front, for all "
			"below, too");
	return 0;
}

/* An option of no table is one of the file system's own; a bind mount has none. */
static int add_data(struct cage_request *request, const struct cage_said *said,
	struct mount_told *told, const char *option, struct err *e)
{
	struct cage_mount *mount = told->mount;

	if (told->bound)
		return word_err(said, e, "a bind mount has no option \"%s\"", option);
	mount->data = mount->data ? cage_text(&request->cage, "%s,%s", mount->data, option)
				  : option;
	return mount->data ? 0 : err_nomem(e);
}

static int take_option(struct cage_request *request, const struct cage_said *said,
	struct mount_told *told, const char *option, struct err *e)
{
	const char *why = NULL;

	if (!strcmp(option, "optional")) {
		told->mount->optional = true;
		return 0;
	}
	switch (mount_option_apply(told, option, &why)) {
	case MOUNT_OPTION_OURS:
		return 0;
	case MOUNT_OPTION_DATA:
		return add_data(request, said, told, option, e);
	default:
		return word_err(said, e, "\"%s\": %s", option, why);
	}
}

static int take_options(struct cage_request *request, const struct cage_said *said,
	struct mount_told *told, char *options, struct err *e)
{
	while (options) {
		const char *option = word_cut_plain(&options, ',');

		if (!*option)
			return word_err(
				said, e, "an option is missing: \",,\" or \",\" at the end");
		if (take_option(request, said, told, option, e))
			return -e->code;
	}
	return 0;
}

/*
 * Of what a recursive bind mount takes along, too: who says "ro" of a tree means all of it.
 */
static void reach_below(struct cage_mount *mount)
{
	if (!mount->recursive || mount->type)
		return;
	mount->all_set |= mount->attr_set;
	mount->all_clear |= mount->attr_clear;
}

static int add_mount(struct cage_request *request, const struct cage_mount *mount, struct err *e)
{
	struct cage_mount *added = CAGE_ADD(&request->cage, mounts);

	if (!added)
		return err_nomem(e);
	*added = *mount;
	return 0;
}

/* As podman: all that is mounted below comes along.  As bubblewrap: no devices, no set-user-ID. */
CAGE_WORD(word_volume)
{
	struct cage_mount mount = {
		.where = said->where,
		.recursive = true,
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE | MS_REC,
	};
	struct mount_told told = {&mount, true};
	char *at = said->text;
	const char *source = word_cut(&at, ':');

	(void)setting;
	mount.target = at ? word_cut(&at, ':') : source;
	if (word_outside(request, said, source, &mount.source, e) ||
		word_check_inside(said, mount.target, e) ||
		take_options(request, said, &told, at, e))
		return -e->code;
	reach_below(&mount);
	return add_mount(request, &mount, e);
}

/* As podman has it, but for tmpcopyup. */
CAGE_WORD(word_tmpfs)
{
	struct cage_mount mount = {
		.where = said->where,
		.source = "tmpfs",
		.type = "tmpfs",
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	struct mount_told told = {&mount, false};
	char *at = said->text;

	(void)setting;
	mount.target = word_cut(&at, ':');
	if (word_check_inside(said, mount.target, e) || take_options(request, said, &told, at, e))
		return -e->code;
	return add_mount(request, &mount, e);
}

/* The keys of --mount, as podman-run(1) has them. */
struct mount_words {
	char *type, *source, *target;
};

static char **key_of(struct mount_words *words, const char *key, size_t len)
{
	const struct {
		const char *name;
		char **value;
	} keys[] = {
		{"type", &words->type},
		{"source", &words->source},
		{"src", &words->source},
		{"target", &words->target},
		{"destination", &words->target},
		{"dst", &words->target},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].name) == len && !strncmp(keys[i].name, key, len))
			return keys[i].value;
	}
	return NULL;
}

/* What podman has under a name of its own. */
static const char *plain_option(const char *word)
{
	static const struct {
		const char *podman, *option;
	} NAMES[] = {
		{"readonly", "ro"},
		{"readonly=true", "ro"},
		{"ro=true", "ro"},
		{"tmpfs-size", "size"},
		{"tmpfs-mode", "mode"},
	};
	static const char PROPAGATION[] = "bind-propagation=", TMPFS[] = "tmpfs-";

	if (!strncmp(word, PROPAGATION, sizeof(PROPAGATION) - 1))
		return word + sizeof(PROPAGATION) - 1;
	if (!strncmp(word, TMPFS, sizeof(TMPFS) - 1))
		return word + sizeof(TMPFS) - 1;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (!strcmp(word, NAMES[i].podman))
			return NAMES[i].option;
	}
	return word;
}

static int take_mount_word(struct cage_request *request, const struct cage_said *said,
	struct mount_words *words, struct mount_told *told, char *word, struct err *e)
{
	char *equals = strchr(word, '=');
	char **value = equals ? key_of(words, word, (size_t)(equals - word)) : NULL;

	if (!*word)
		return word_err(said, e, "an option is missing: \",,\" or \",\" at the end");
	if (!value)
		return take_option(request, said, told, plain_option(word), e);
	*value = equals + 1;
	return 0;
}

/* The type is needed first: it tells whether an option can be the file system's. */
static bool is_bind(const char *text)
{
	static const char BIND[] = "type=bind";
	const char *at = strstr(text, BIND);

	return at && (at == text || at[-1] == ',') &&
	       (at[sizeof(BIND) - 1] == ',' || !at[sizeof(BIND) - 1]);
}

static int settle_mount(struct cage_request *request, const struct cage_said *said,
	const struct mount_words *words, struct cage_mount *mount, struct err *e)
{
	if (!words->type || !*words->type || !words->target)
		return word_err(said, e, "it needs type=TYPE and target=PATH");
	if (word_check_inside(said, words->target, e))
		return -e->code;
	mount->target = words->target;
	if (!strcmp(words->type, "bind")) {
		if (!words->source)
			return word_err(said, e, "a bind mount needs source=PATH");
		return word_outside(request, said, words->source, &mount->source, e);
	}
	mount->type = words->type;
	mount->source = words->source ? words->source : words->type;
	return 0;
}

CAGE_WORD(word_mount)
{
	bool bind = is_bind(said->text);
	struct cage_mount mount = {
		.where = said->where,
		.recursive = bind,
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (bind ? 0 : MOUNT_ATTR_NOEXEC),
		.propagation = bind ? MS_PRIVATE | MS_REC : 0,
	};
	struct mount_told told = {&mount, bind};
	struct mount_words words = {0};

	(void)setting;
	for (char *at = said->text; at;) {
		if (take_mount_word(request, said, &words, &told, word_cut_plain(&at, ','), e))
			return -e->code;
	}
	if (settle_mount(request, said, &words, &mount, e))
		return -e->code;
	reach_below(&mount);
	return add_mount(request, &mount, e);
}

/* The host's node itself, bound: that takes no right to make one. */
CAGE_WORD(word_device)
{
	struct cage_mount mount = {
		.where = said->where,
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	char *at = said->text;
	const char *source = word_cut(&at, ':');
	struct stat st;

	(void)setting;
	mount.target = at ? word_cut(&at, ':') : source;
	if (at)
		return word_err(said, e,
			"rights of a device (\"%s\") take a cgroup, which there is none of; "
			"chmod(1) the host's",
			at);
	if (word_outside(request, said, source, &mount.source, e) ||
		word_check_inside(said, mount.target, e))
		return -e->code;
	if (stat(mount.source, &st))
		return err_sys(e, errno, "%s", said->where);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return word_err(said, e, "%s is no device; --volume is for files", mount.source);
	return add_mount(request, &mount, e);
}

static int add_path(struct cage_request *request, const struct cage_said *said, void *paths,
	size_t *n, struct err *e)
{
	const char **added;

	if (word_check_inside(said, said->text, e))
		return -e->code;
	added = cage_append(&request->cage, paths, n, sizeof(*added));
	if (!added)
		return err_nomem(e);
	*added = said->text;
	return 0;
}

CAGE_WORD(word_mask_path)
{
	(void)setting;
	return add_path(request, said, &request->cage.masked, &request->cage.n_masked, e);
}

CAGE_WORD(word_read_only_path)
{
	(void)setting;
	return add_path(request, said, &request->cage.readonly, &request->cage.n_readonly, e);
}
