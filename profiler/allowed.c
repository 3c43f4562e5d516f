#include "allowed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64, MORE_MAX = sizeof(" and 1234567890 more") };

void allowed_done(struct allowed *set)
{
	for (size_t i = 0; i < set->n_names; i++)
		free(set->names[i].pins);
	free(set->names);
	*set = (struct allowed){0};
}

/* Where @name is, or belongs. */
static size_t find_place(const struct allowed *set, const char *name, bool *out_found)
{
	size_t low = 0, high = set->n_names;

	*out_found = false;
	while (low < high && !*out_found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(set->names[middle].name, name);

		*out_found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return *out_found ? high : low;
}

static int make_room(struct allowed *set, struct err *e)
{
	size_t room = set->room ? set->room * 2 : FIRST_ROOM;
	struct allowed_name *grown;

	if (set->n_names < set->room)
		return 0;
	grown = reallocarray(set->names, room, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	set->names = grown;
	set->room = room;
	return 0;
}

int allowed_add(struct allowed *set, const char *name, unsigned by, struct err *e)
{
	struct allowed_name *at;
	bool found;
	size_t place = find_place(set, name, &found);

	if (!found) {
		if (make_room(set, e))
			return -e->code;
		at = &set->names[place];
		memmove(at + 1, at, (set->n_names - place) * sizeof(*at));
		*at = (struct allowed_name){0};
		(void)snprintf(at->name, sizeof(at->name), "%s", name);
		set->n_names++;
	}
	set->names[place].by |= by;
	return 0;
}

bool allowed_has(const struct allowed *set, const char *name)
{
	return allowed_by(set, name) != 0;
}

unsigned allowed_by(const struct allowed *set, const char *name)
{
	bool found;
	size_t place = find_place(set, name, &found);

	return found ? set->names[place].by : 0;
}

bool allowed_may_be_pinned(const struct allowed_name *name)
{
	return name->by == BY_RECORDING;
}

size_t allowed_count(const struct allowed *set, enum allowed_by by)
{
	size_t count = 0;

	for (size_t i = 0; i < set->n_names; i++)
		count += (set->names[i].by & -set->names[i].by) == (unsigned)by;
	return count;
}

void name_row_add(struct name_row *row, const char *name)
{
	size_t used = strlen(row->text);

	row->n_names++;
	/* Once one did not fit, no later one is shown: the row has no holes. */
	if (row->n_hidden > 0 || used + strlen(name) + MORE_MAX + 2 > sizeof(row->text)) {
		row->n_hidden++;
		return;
	}
	(void)snprintf(row->text + used, sizeof(row->text) - used, "%s%s", used ? ", " : "", name);
}

const char *name_row_text(struct name_row *row)
{
	size_t used = strlen(row->text);

	if (row->n_hidden > 0)
		(void)snprintf(
			row->text + used, sizeof(row->text) - used, " and %zu more", row->n_hidden);
	row->n_hidden = 0;
	return row->text;
}
