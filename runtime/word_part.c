#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cage_words.h"
#include "scope.h"

char *word_cut(char **at, char separator)
{
	char *field = *at, *from = *at, *to = *at;

	for (; *from && *from != separator; from++) {
		if (*from == '\\' && (from[1] == ':' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return field;
}

char *word_cut_plain(char **at, char separator)
{
	char *field = *at, *end = strchr(field, separator);

	*at = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return field;
}

int word_err(const struct cage_said *said, struct err *e, const char *format, ...)
{
	char what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return err_set(e, EINVAL, "%s: %s", said->where, what);
}

int word_check_inside(const struct cage_said *said, const char *path, struct err *e)
{
	if (*path == '/')
		return 0;
	return word_err(said, e, "\"%s\" is no absolute path; inside, paths begin with /", path);
}

int word_outside(struct cage_request *request, const struct cage_said *said, const char *path,
	const char **out, struct err *e)
{
	scoped_free char *cwd = NULL;

	if (!*path)
		return word_err(said, e, "a path is missing");
	if (*path == '/') {
		*out = path;
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_sys(e, errno, "%s: the working directory of %s", said->where, path);
	*out = cage_text(&request->cage, "%s/%s", cwd, path);
	return *out ? 0 : err_nomem(e);
}

/* What a row's offset points to. */
static void *item_of(struct cage_request *request, const struct cage_setting *setting)
{
	return (char *)request + setting->at;
}

CAGE_WORD(word_switch)
{
	bool on = !strcmp(said->text, "true");

	if (!on && strcmp(said->text, "false") != 0)
		return word_err(said, e, "it is true or false");
	*(enum cage_switch *)item_of(request, setting) = on ? SWITCH_ON : SWITCH_OFF;
	return 0;
}

static int check_some(const struct cage_said *said, struct err *e)
{
	return *said->text ? 0 : word_err(said, e, "a value is missing");
}

CAGE_WORD(word_said)
{
	if (check_some(said, e))
		return -e->code;
	*(struct cage_said *)item_of(request, setting) = *said;
	return 0;
}

CAGE_WORD(word_text)
{
	if (check_some(said, e))
		return -e->code;
	*(const char **)item_of(request, setting) = said->text;
	return 0;
}
