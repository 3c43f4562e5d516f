/* Who the command is: groups, capabilities, maps of ids. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cage_maps.h"
#include "cage_words.h"
#include "caps.h"
#include "nearest.h"
#include "num.h"

enum { CAP_NAME_MAX = 64 };

CAGE_WORD(word_group_add)
{
	struct cage_said *added;

	(void)setting;
	if (!*said->text)
		return word_err(said, e, "a group is missing");
	added = cage_append(
		&request->cage, &request->groups, &request->n_groups, sizeof(*request->groups));
	if (!added)
		return err_nomem(e);
	*added = *said;
	return 0;
}

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* "net_raw", "NET_RAW" and "cap_net_raw" are CAP_NET_RAW. */
static void full_name(const char *name, char full[CAP_NAME_MAX])
{
	(void)snprintf(
		full, CAP_NAME_MAX, "%s%s", strncasecmp(name, "cap_", 4) ? "CAP_" : "", name);
	for (; *full; full++)
		*full = upper(*full);
}

static int unknown_cap(const struct cage_said *said, const char *name, struct err *e)
{
	static const char PREFIX[] = "CAP_";
	bool prefixed = !strncasecmp(name, PREFIX, sizeof(PREFIX) - 1);
	struct nearest nearest = nearest_to(name);
	char hint[128];

	nearest_offer(&nearest, "all");
	for (unsigned cap = 0; cap_name(cap); cap++)
		nearest_offer(&nearest, cap_name(cap) + (prefixed ? 0 : sizeof(PREFIX) - 1));
	return word_err(said, e, "\"%s\" is no capability (capabilities(7))%s", name,
		nearest_hint(&nearest, hint, sizeof(hint)));
}

/* "chown,net_raw", "all" */
static int read_caps(const struct cage_said *said, uint64_t *caps, bool *all, struct err *e)
{
	char full[CAP_NAME_MAX];

	for (char *at = said->text; at;) {
		const char *name = word_cut_plain(&at, ',');

		full_name(name, full);
		if (!strcmp(full, "CAP_ALL"))
			*all = true;
		else if (cap_by_name(full))
			*caps |= cap_by_name(full);
		else
			return unknown_cap(said, name, e);
	}
	return 0;
}

CAGE_WORD(word_cap_add)
{
	(void)setting;
	request->cage.caps.where = said->where;
	return read_caps(said, &request->cap_add, &request->cap_add_all, e);
}

CAGE_WORD(word_cap_drop)
{
	(void)setting;
	request->cage.caps.where = said->where;
	return read_caps(said, &request->cap_drop, &request->cap_drop_all, e);
}

CAGE_WORD(word_map)
{
	struct cage_maps *maps = (struct cage_maps *)((char *)request + setting->at);
	uint64_t numbers[3] = {0};
	struct cage_map map;
	char *at = said->text;

	for (size_t i = 0; i < 3; i++) {
		if (!at || num_parse(word_cut_plain(&at, ':'), UINT32_MAX, &numbers[i]) ||
			!at != (i == 2))
			return word_err(said, e,
				"three numbers: the first ID inside, the first outside, how many "
				"(0:100000:65536)");
	}
	map = (struct cage_map){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2]};
	return cage_maps_add(&request->cage, maps, &map, e) ? err_prefix(e, "%s: ", said->where)
							    : 0;
}
