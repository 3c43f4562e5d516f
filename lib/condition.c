#include "condition.h"

#include <errno.h>
#include <string.h>

#include "policy.h"
#include "scope.h"

static const char *const OP_NAMES[OP_COUNT] = {
	[OP_NE] = "SCMP_CMP_NE",
	[OP_LT] = "SCMP_CMP_LT",
	[OP_LE] = "SCMP_CMP_LE",
	[OP_EQ] = "SCMP_CMP_EQ",
	[OP_GE] = "SCMP_CMP_GE",
	[OP_GT] = "SCMP_CMP_GT",
	[OP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

const char *condition_op_name(enum condition_op op)
{
	return OP_NAMES[op];
}

int condition_op_by_name(const char *name, enum condition_op *out_op)
{
	for (size_t op = 0; op < OP_COUNT; op++) {
		if (!strcmp(OP_NAMES[op], name)) {
			*out_op = (enum condition_op)op;
			return 0;
		}
	}
	return -ENOENT;
}

bool conditions_equal(const struct condition *a, size_t n_a, const struct condition *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (a[i].index != b[i].index || a[i].op != b[i].op || a[i].value != b[i].value ||
			a[i].value_two != b[i].value_two)
			return false;
	}
	return true;
}

bool condition_holds(const struct condition *cond, uint64_t arg)
{
	switch ((enum condition_op)cond->op) {
	case OP_NE:
		return arg != cond->value;
	case OP_LT:
		return arg < cond->value;
	case OP_LE:
		return arg <= cond->value;
	case OP_EQ:
		return arg == cond->value;
	case OP_GE:
		return arg >= cond->value;
	case OP_GT:
		return arg > cond->value;
	case OP_MASKED_EQ:
		return (arg & cond->value) == (cond->value_two & cond->value);
	case OP_COUNT:
		break;
	}
	return false;
}

/* The values from @low to @high whose bits under @mask are @bits, without the @holes. */
struct span {
	uint64_t low, high;
	uint64_t mask, bits;
	uint64_t holes[2];
	unsigned n_holes;
	bool empty;
};

static void span_raise(struct span *span, uint64_t low)
{
	if (low > span->low)
		span->low = low;
}

static void span_lower(struct span *span, uint64_t high)
{
	if (high < span->high)
		span->high = high;
}

static void span_fix_bits(struct span *span, uint64_t mask, uint64_t bits)
{
	if ((span->bits ^ bits) & span->mask & mask)
		span->empty = true;
	span->mask |= mask;
	span->bits |= bits & mask;
}

/* Keep only the values of @span for which @cond holds. */
static void span_restrict(struct span *span, const struct condition *cond)
{
	switch ((enum condition_op)cond->op) {
	case OP_NE:
		span->holes[span->n_holes++] = cond->value;
		break;
	case OP_LT:
		span->empty |= cond->value == 0;
		span_lower(span, cond->value - 1);
		break;
	case OP_LE:
		span_lower(span, cond->value);
		break;
	case OP_EQ:
		span_raise(span, cond->value);
		span_lower(span, cond->value);
		break;
	case OP_GE:
		span_raise(span, cond->value);
		break;
	case OP_GT:
		span->empty |= cond->value == UINT64_MAX;
		span_raise(span, cond->value + 1);
		break;
	case OP_MASKED_EQ:
		span_fix_bits(span, cond->value, cond->value_two);
		break;
	case OP_COUNT:
		span->empty = true;
		break;
	}
}

/*
 * The smallest value that is at least @from and has @bits under @mask.  Returns whether there is
 * one.
 */
static bool masked_at_least(uint64_t from, uint64_t mask, uint64_t bits, uint64_t *out_value)
{
	uint64_t value = (from & ~mask) | bits, below, raisable, raised;

	if (value == from) {
		*out_value = value;
		return true;
	}
	/* The highest bit that differs is one of @mask; all bits under it become as low as @mask
	 * lets them. */
	below = UINT64_MAX >> __builtin_clzll(value ^ from);
	if (value > from) {
		*out_value = (value & ~below) | bits;
		return true;
	}
	/* Too small: the lowest free zero above that bit has to be one. */
	raisable = ~mask & ~from & ~below;
	if (!raisable)
		return false;
	raised = raisable & -raisable;
	*out_value = (value & ~(raised - 1)) | raised | bits;
	return true;
}

static bool span_is_hole(const struct span *span, uint64_t value)
{
	for (unsigned i = 0; i < span->n_holes; i++) {
		if (span->holes[i] == value)
			return true;
	}
	return false;
}

static bool span_has_value(const struct span *span)
{
	uint64_t value = span->low;

	if (span->empty || !masked_at_least(value, span->mask, span->bits, &value))
		return false;
	/* Each turn leaves one hole behind. */
	while (span_is_hole(span, value)) {
		if (value == UINT64_MAX ||
			!masked_at_least(value + 1, span->mask, span->bits, &value))
			return false;
	}
	return value <= span->high;
}

bool condition_pair_satisfiable(const struct condition *a, const struct condition *b, uint64_t max)
{
	struct span span = {.low = 0, .high = max};

	span_restrict(&span, a);
	if (b)
		span_restrict(&span, b);
	return span_has_value(&span);
}
