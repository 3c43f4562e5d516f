#include "call_kind.h"

#include <stdlib.h>

static struct call_kind look_up(const struct abi *abi, uint32_t nr)
{
	struct call_kind kind = {.known = true};
	char name[SYSCALL_NAME_MAX];

	if (!syscall_name(abi, nr, name))
		return kind;
	kind.named = true;
	kind.n_args = (uint8_t)args_of_call(abi, name, &kind.args);
	return kind;
}

void call_kinds_done(struct call_kinds *kinds)
{
	for (size_t i = 0; i < CALL_ABIS_MAX; i++)
		free(kinds->rows[i]);
	*kinds = (struct call_kinds){0};
}

size_t call_abi_row(const struct abi *abi)
{
	size_t len;

	return (size_t)(abi - abi_table(&len));
}

struct call_kind call_kind_of(struct call_kinds *kinds, const struct abi *abi, uint32_t nr)
{
	struct call_kind **rows = &kinds->rows[call_abi_row(abi)], *kind;

	if (!*rows)
		*rows = calloc(CALL_NRS, sizeof(**rows));
	if (!*rows || nr - abi->new_base >= CALL_NRS)
		return look_up(abi, nr);
	kind = &(*rows)[nr - abi->new_base];
	if (!kind->known)
		*kind = look_up(abi, nr);
	return *kind;
}
