/*
 * $.process.capabilities.
 *
 * What cannot be granted is a warning, not an error (config.md, "Linux Process"): to hold fewer
 * capabilities is safe.
 */
#include <stdio.h>
#include <string.h>

#include "bundle_parts.h"
#include "caps.h"

enum { NAMES_MAX = 256 };

static int read_cap(struct bundle_reader *r, const struct json_at *at, void *to_set, struct err *e)
{
	const char *name;
	uint64_t bit;

	if (json_text(at, &name, e))
		return -e->code;
	bit = cap_by_name(name);
	if (!bit)
		json_notice_few(at, r->to, &r->told,
			"left out: \"%s\" is no capability that is known here", name);
	*(uint64_t *)to_set |= bit;
	return 0;
}

static int read_set(struct bundle_reader *r, const struct json_at *at, void *to_set, struct err *e)
{
	return bundle_each(r, at, read_cap, to_set, e);
}

static const struct bundle_key CAP_KEYS[] = {
	BUNDLE_READ("bounding", read_set, struct cage_caps, sets[CAGE_CAP_BOUNDING]),
	BUNDLE_READ("permitted", read_set, struct cage_caps, sets[CAGE_CAP_PERMITTED]),
	BUNDLE_READ("effective", read_set, struct cage_caps, sets[CAGE_CAP_EFFECTIVE]),
	BUNDLE_READ("inheritable", read_set, struct cage_caps, sets[CAGE_CAP_INHERITABLE]),
	BUNDLE_READ("ambient", read_set, struct cage_caps, sets[CAGE_CAP_AMBIENT]),
	BUNDLE_KEYS_END,
};

static const char *names_print(uint64_t caps, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned cap = 0; cap_name(cap) && used < size; cap++) {
		if (caps & 1ull << cap)
			used += (size_t)snprintf(
				text + used, size - used, "%s%s", used ? ", " : "", cap_name(cap));
	}
	return text;
}

/* Which sets must hold what a set holds: capabilities(7), capset(2), PR_CAP_AMBIENT. */
static const struct {
	enum cage_cap_set set, within;
	const char *key, *why;
} WITHIN[] = {
	{CAGE_CAP_EFFECTIVE, CAGE_CAP_PERMITTED, "effective", "permitted"},
	{CAGE_CAP_AMBIENT, CAGE_CAP_PERMITTED, "ambient", "permitted"},
	{CAGE_CAP_AMBIENT, CAGE_CAP_INHERITABLE, "ambient", "inheritable"},
};

static void fit_sets(struct bundle_reader *r, const struct json_at *at, struct cage_caps *caps)
{
	for (size_t i = 0; i < sizeof(WITHIN) / sizeof(WITHIN[0]); i++) {
		uint64_t *set = &caps->sets[WITHIN[i].set];
		uint64_t left_out = *set & ~caps->sets[WITHIN[i].within];
		char names[NAMES_MAX];

		if (left_out)
			json_notice_few(at, r->to, &r->told,
				"%s: left out what is not %s: %s; add that to %s, or remove it "
				"from %s",
				WITHIN[i].key, WITHIN[i].why,
				names_print(left_out, names, sizeof(names)), WITHIN[i].why,
				WITHIN[i].key);
		*set &= ~left_out;
	}
}

int bundle_capabilities(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	if (bundle_object(r, at, CAP_KEYS, &r->cage->caps, e) ||
		bundle_set_where(r, at, &r->cage->caps.where, e))
		return -e->code;
	fit_sets(r, at, &r->cage->caps);
	return 0;
}
