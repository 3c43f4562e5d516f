/* What the command starts with: limits, environment, descriptors, kernel parameters, clocks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cage_names.h"
#include "cage_words.h"
#include "nearest.h"
#include "num.h"
#include "time_units.h"

enum {
	DESCRIPTOR_MAX = 1 << 30, /* fs.nr_open at most: fs/file.c, sysctl_nr_open_max */
	OOM_SCORE_MAX = 1000, /* linux/oom.h */
	NS_DIGITS = 9,
};

/* Three or four digits, so that no decimal number is taken for another one. */
CAGE_WORD(word_umask)
{
	size_t len = strlen(said->text);
	unsigned mode = 0;

	(void)setting;
	for (const char *c = said->text; *c >= '0' && *c <= '7' && c < said->text + 4; c++)
		mode = mode * 8 + (unsigned)(*c - '0');
	if (len < 3 || len > 4 || said->text[strspn(said->text, "01234567")] || mode > 0777)
		return word_err(said, e, "three octal digits, as 022");
	request->cage.set_umask = true;
	request->cage.umask = (mode_t)mode;
	return 0;
}

static int read_limit_name(const struct cage_said *said, const char *name, int *out, struct err *e)
{
	struct nearest nearest = nearest_to(name);
	char hint[128];

	if (!cage_limit_by_name(name, out))
		return 0;
	for (int i = 0; cage_limit_name(i); i++)
		nearest_offer(&nearest, cage_limit_name(i) + strlen("RLIMIT_"));
	return word_err(said, e, "there is no limit \"%s\" (getrlimit(2))%s", name,
		nearest_hint(&nearest, hint, sizeof(hint)));
}

static int read_limit_value(
	const struct cage_said *said, const char *text, rlim_t *out, struct err *e)
{
	uint64_t value;

	if (!strcmp(text, "unlimited") || !strcmp(text, "-1")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	if (num_parse(text, RLIM_INFINITY - 1, &value))
		return word_err(said, e, "\"%s\": a limit is a number, or unlimited", text);
	*out = value;
	return 0;
}

/* The place of a limit: one that was set before is set anew. */
static struct cage_limit *limit_of(struct cage *cage, int resource)
{
	for (size_t i = 0; i < cage->n_limits; i++) {
		if (cage->limits[i].resource == resource)
			return &cage->limits[i];
	}
	return CAGE_ADD(cage, limits);
}

CAGE_WORD(word_limit)
{
	struct cage_limit limit = {.where = said->where}, *place;
	char *at = said->text;
	const char *name = word_cut_plain(&at, '=');

	(void)setting;
	if (!at)
		return word_err(said, e, "a limit is NAME=SOFT:HARD, as nofile=1024:4096");
	if (read_limit_name(said, name, &limit.resource, e) ||
		read_limit_value(said, word_cut_plain(&at, ':'), &limit.soft, e))
		return -e->code;
	limit.hard = limit.soft;
	if (at && read_limit_value(said, at, &limit.hard, e))
		return -e->code;
	if (limit.soft > limit.hard)
		return word_err(said, e, "the soft limit is above the hard one");
	place = limit_of(&request->cage, limit.resource);
	if (!place)
		return err_nomem(e);
	*place = limit;
	return 0;
}

CAGE_WORD(word_oom)
{
	bool negative = *said->text == '-';
	uint64_t value;

	(void)setting;
	if (num_parse(said->text + negative, OOM_SCORE_MAX, &value))
		return word_err(said, e, "a number from -1000 to 1000");
	request->cage.set_oom_score_adj = true;
	request->cage.oom_score_adj = negative ? -(int)value : (int)value;
	return 0;
}

CAGE_WORD(word_workdir)
{
	(void)setting;
	if (word_check_inside(said, said->text, e))
		return -e->code;
	request->cage.cwd = said->text;
	request->cage.cwd_where = said->where;
	return 0;
}

static int add_text(
	struct cage_request *request, void *texts, size_t *n, const char *text, struct err *e)
{
	const char **added = cage_append(&request->cage, texts, n, sizeof(*added));

	if (!added)
		return err_nomem(e);
	*added = text;
	return 0;
}

CAGE_WORD(word_env)
{
	(void)setting;
	if (!*said->text || *said->text == '=')
		return word_err(said, e, "a variable is NAME=VALUE, or the NAME of the caller's");
	return add_text(request, &request->set_env, &request->n_set_env, said->text, e);
}

CAGE_WORD(word_unset_env)
{
	(void)setting;
	if (!*said->text || strchr(said->text, '='))
		return word_err(said, e, "the NAME of a variable, without =");
	return add_text(request, &request->unset_env, &request->n_unset_env, said->text, e);
}

CAGE_WORD(word_descriptor)
{
	int *added;
	uint64_t fd;

	(void)setting;
	for (char *at = said->text; at;) {
		if (num_parse(word_cut_plain(&at, ','), DESCRIPTOR_MAX - 1, &fd))
			return word_err(said, e, "the number of an open descriptor, as 3");
		if (fd <= 2)
			continue; /* they stay open in any case */
		if (fcntl((int)fd, F_GETFD) < 0)
			return word_err(said, e, "descriptor %d is not open", (int)fd);
		added = CAGE_ADD(&request->cage, passed);
		if (!added)
			return err_nomem(e);
		*added = (int)fd;
	}
	return 0;
}

CAGE_WORD(word_sysctl)
{
	struct cage_sysctl *added;
	char *at = said->text;
	const char *name = word_cut_plain(&at, '=');

	(void)setting;
	if (!at)
		return word_err(said, e, "a kernel parameter is NAME=VALUE");
	if (!cage_sysctl_is_name(name))
		return word_err(said, e, "\"%s\" is no name of a kernel parameter", name);
	added = CAGE_ADD(&request->cage, sysctls);
	if (!added)
		return err_nomem(e);
	*added = (struct cage_sysctl){.where = said->where, .name = name, .value = at};
	return 0;
}

/* Digits behind the point, as nanoseconds; fewer than nine are as if zeros followed. */
static int read_fraction(const char *text, uint64_t *out)
{
	size_t len = strlen(text);

	if (len > NS_DIGITS || num_parse(text, NS_PER_S - 1, out))
		return -EINVAL;
	for (; len < NS_DIGITS; len++)
		*out *= 10;
	return 0;
}

/* "86400", "-3.5"; a clock has whole seconds of either sign, and nanoseconds from 0 on. */
CAGE_WORD(word_clock)
{
	struct cage_clock *clock = (struct cage_clock *)((char *)request + setting->at);
	bool negative = *said->text == '-';
	uint64_t seconds, ns = 0;
	char *at = said->text + negative;
	const char *whole = word_cut_plain(&at, '.');

	if (num_parse(whole, INT32_MAX, &seconds) || (at && read_fraction(at, &ns)))
		return word_err(said, e, "seconds, as 86400 or -0.5");
	clock->s = negative ? -(int64_t)seconds - (ns != 0) : (int64_t)seconds;
	clock->ns = (uint32_t)(negative && ns ? NS_PER_S - ns : ns);
	request->cage.set_clocks = true;
	return 0;
}
