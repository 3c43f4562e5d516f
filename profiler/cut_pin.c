#include "cut.h"

#include <linux/seccomp.h>
#include <stdlib.h>

#include "merge.h"
#include "scope.h"

/* Whether the profile that this one is added to allows a call whatever its arguments. */
static bool is_in_base(const struct cut *cut, const char *name)
{
	const struct named_profile *base = cut->options->base;

	for (size_t i = 0; base && i < base->profile.n_rules; i++) {
		const struct rule *rule = &base->profile.rules[i];

		if (rule->action == SECCOMP_RET_ALLOW && rule->n_conds == 0 &&
			rule_names(rule, name))
			return true;
	}
	return false;
}

/* Whether it is needed with arguments that were not recorded, too. */
static bool is_shared(const struct cut *cut, const struct allowed_name *name)
{
	return !allowed_may_be_pinned(name) || is_in_base(cut, name->name) ||
	       (cut->options->portable != 0 && pin_is_of_libraries(name->name));
}

/* The ABIs of the profile and, in the end, of the one that it is added to: heap, or NULL. */
static const struct abi **all_abis(const struct cut *cut, size_t *out_n)
{
	const struct named_profile *base = cut->options->base;
	size_t len, n = 0;
	const struct abi *table = abi_table(&len);
	const struct abi **abis = calloc(len, sizeof(*abis));

	for (size_t i = 0; abis && i < len; i++) {
		if (cut_lists_abi(&cut->profile, &table[i]) ||
			(base && cut_lists_abi(&base->profile, &table[i])))
			abis[n++] = &table[i];
	}
	*out_n = n;
	return abis;
}

static int pin_name(const struct cut *cut, const struct abi *const *abis, size_t n_abis,
	struct allowed_name *name, struct err *e)
{
	const struct pin_call call = {
		.rec = cut->rec,
		.abis = abis,
		.n_abis = n_abis,
		.name = name->name,
		.mode = cut->options->args,
	};
	struct pins pins;

	if (!(name->by & BY_RECORDING))
		return 0;
	if (pins_make(&call, &pins, e))
		return -e->code;
	if (is_shared(cut, name))
		pins_give_up(&pins, OPEN_SHARED);
	name->pins = pins.pins;
	name->n_pins = pins.n_pins;
	name->gaps = pins.gaps;
	return 0;
}

int cut_pin_names(struct cut *cut, struct err *e)
{
	size_t n_abis;
	scoped_free const struct abi **abis = all_abis(cut, &n_abis);

	if (!abis)
		return err_nomem(e);
	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (pin_name(cut, abis, n_abis, &cut->allowed.names[i], e))
			return -e->code;
	}
	return 0;
}
