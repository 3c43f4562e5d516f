#include "cage_users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "num.h"
#include "scope.h"

static const char PASSWD[] = "/etc/passwd", GROUP[] = "/etc/group";

/* 1: a number; 0: may be a name; otherwise an error. */
static int read_id(const char *text, const char *what, uint32_t *out, struct err *e)
{
	uint64_t id;

	if (!num_parse(text, UINT32_MAX - 1, &id)) {
		*out = (uint32_t)id;
		return 1;
	}
	if (!*text)
		return err_set(e, EINVAL, "the %s is missing", what);
	if (*text == '-' || *text == '+' || (*text >= '0' && *text <= '9'))
		return err_set(e, EINVAL,
			"\"%s\" is no %s: a number from 0 to 4294967294, or a name", text, what);
	return 0;
}

static int open_list(const char *path, FILE **out, struct err *e)
{
	*out = fopen(path, "re");
	return *out ? 0 : err_sys(e, errno, "%s", path);
}

static int no_entry(const char *text, const char *what, const char *path, struct err *e)
{
	return err_set(e, EINVAL, "%s has no %s \"%s\"; give it by number", path, what, text);
}

/* The entry of a number, or of a name if @text. */
static const struct passwd *find_passwd(FILE *file, const char *text, uid_t uid)
{
	struct passwd *entry;

	while ((entry = fgetpwent(file))) {
		if (text ? !strcmp(entry->pw_name, text) : entry->pw_uid == uid)
			break;
	}
	return entry;
}

int cage_user_find(struct cage *cage, const char *text, struct cage_user_found *out, struct err *e)
{
	struct cage_user_found found = {0};
	const struct passwd *entry;
	scoped_file FILE *file = NULL;
	int number = read_id(text, "user", &found.uid, e);

	if (number < 0)
		return number;
	if (open_list(PASSWD, &file, e)) {
		if (!number)
			return -e->code;
		*out = found; /* a root without the file: the number is enough */
		return 0;
	}
	entry = find_passwd(file, number ? NULL : text, found.uid);
	if (!entry && !number)
		return no_entry(text, "user", PASSWD, e);
	if (entry) {
		found = (struct cage_user_found){
			entry->pw_uid, true, entry->pw_gid, cage_text(cage, "%s", entry->pw_name)};
		if (!found.name)
			return err_nomem(e);
	}
	*out = found;
	return 0;
}

int cage_group_find(const char *text, gid_t *out, struct err *e)
{
	scoped_file FILE *file = NULL;
	const struct group *entry;
	int number = read_id(text, "group", out, e);

	if (number)
		return number < 0 ? number : 0;
	if (open_list(GROUP, &file, e))
		return -e->code;
	while ((entry = fgetgrent(file))) {
		if (!strcmp(entry->gr_name, text)) {
			*out = entry->gr_gid;
			return 0;
		}
	}
	return no_entry(text, "group", GROUP, e);
}

static bool has_member(const struct group *entry, const char *name)
{
	for (char **member = entry->gr_mem; *member; member++) {
		if (!strcmp(*member, name))
			return true;
	}
	return false;
}

int cage_groups_of(
	struct cage *cage, const char *name, gid_t **groups, size_t *n_groups, struct err *e)
{
	scoped_file FILE *file = NULL;
	const struct group *entry;

	if (open_list(GROUP, &file, e))
		return -e->code;
	while ((entry = fgetgrent(file))) {
		gid_t *added;

		if (!has_member(entry, name))
			continue;
		added = cage_append(cage, groups, n_groups, sizeof(**groups));
		if (!added)
			return err_nomem(e);
		*added = entry->gr_gid;
	}
	return 0;
}
