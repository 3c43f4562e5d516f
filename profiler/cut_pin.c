#include "cut.h"

#include "scope.h"

/* Whether it is needed with arguments that were not recorded, too. */
static bool is_shared(const struct cut *cut, const struct allowed_name *name)
{
	return !allowed_may_be_pinned(name) ||
	       (cut->options->portable != 0 && pin_is_of_libraries(name->name));
}

static int pin_name(const struct cut *cut, struct allowed_name *name, struct err *e)
{
	const struct pin_call call = {
		.rec = cut->rec,
		.abis = cut->profile.abis,
		.n_abis = cut->profile.n_abis,
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
	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (pin_name(cut, &cut->allowed.names[i], e))
			return -e->code;
	}
	return 0;
}
