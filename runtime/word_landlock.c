/* Landlock's rules. */
#include <stdio.h>
#include <string.h>

#include "cage_words.h"
#include "landlock.h"
#include "num.h"

static int read_rights(const struct cage_said *said, enum landlock_kind kind, char *names,
	uint64_t *out, struct err *e)
{
	struct err what;

	if (landlock_by_name(kind, names, out, &what))
		return word_err(said, e, "%s", what.text);
	return 0;
}

CAGE_WORD(word_landlock)
{
	struct cage_landlock *rules = &request->cage.landlock;
	struct cage_path_rule *added;
	char *at = said->text;
	char *names = word_cut_plain(&at, ':');
	uint64_t access;

	(void)setting;
	if (!at && !strcmp(names, "none")) {
		rules->restrict_paths = true;
		return 0;
	}
	if (!at)
		return word_err(said, e, "rights and a path, as ro:/usr; or none");
	if (read_rights(said, LANDLOCK_PATHS, names, &access, e) || word_check_inside(said, at, e))
		return -e->code;
	added = cage_append(&request->cage, &rules->paths, &rules->n_paths, sizeof(*added));
	if (!added)
		return err_nomem(e);
	*added = (struct cage_path_rule){said->where, at, access};
	rules->restrict_paths = true;
	return 0;
}

CAGE_WORD(word_landlock_tcp)
{
	struct cage_landlock *rules = &request->cage.landlock;
	struct cage_port_rule *added;
	char *at = said->text;
	char *names = word_cut_plain(&at, ':');
	uint64_t access, port;

	(void)setting;
	if (!at && !strcmp(names, "none")) {
		rules->restrict_ports = true;
		return 0;
	}
	if (!at || num_parse(at, UINT16_MAX, &port))
		return word_err(said, e, "rights and a port, as bind:8080; or none");
	if (read_rights(said, LANDLOCK_PORTS, names, &access, e))
		return -e->code;
	added = cage_append(&request->cage, &rules->ports, &rules->n_ports, sizeof(*added));
	if (!added)
		return err_nomem(e);
	*added = (struct cage_port_rule){said->where, (uint16_t)port, access};
	rules->restrict_ports = true;
	return 0;
}

CAGE_WORD(word_landlock_scope)
{
	uint64_t scoped;

	(void)setting;
	if (read_rights(said, LANDLOCK_SCOPES, said->text, &scoped, e))
		return -e->code;
	request->cage.landlock.scoped |= scoped;
	return 0;
}
