#include "stack_rule.h"

#include <dwarf.h>

enum { DEPTH_MAX = 64, ATOMS = 256, OPS_MAX = 1024 };

/* The machine of DWARF 4, 2.5.1. */
struct machine {
	struct rule_frame *frame;
	uint64_t stack[DEPTH_MAX];
	size_t depth;
	bool is_value; /* the result is a value, not where one lies */
};

static size_t word(const struct machine *machine)
{
	return machine->frame->capture->bits32 ? 4 : 8;
}

static bool push(struct machine *machine, uint64_t value)
{
	if (machine->depth == DEPTH_MAX)
		return false;
	machine->stack[machine->depth++] = word(machine) == 4 ? (uint32_t)value : value;
	return true;
}

static bool pop(struct machine *machine, uint64_t *out_value)
{
	if (machine->depth == 0)
		return false;
	*out_value = machine->stack[--machine->depth];
	return true;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
	const struct stack_regs *regs = machine->frame->regs;

	return number < STACK_REGS && regs->known >> number & 1 &&
	       push(machine, regs->value[number] + offset);
}

static bool op_number(struct machine *machine, const Dwarf_Op *op)
{
	return push(machine, op->number);
}

static bool op_literal(struct machine *machine, const Dwarf_Op *op)
{
	return push(machine, op->atom - DW_OP_lit0);
}

static bool op_register(struct machine *machine, const Dwarf_Op *op)
{
	machine->is_value = true;
	return push_register(machine, op->atom - DW_OP_reg0, 0);
}

static bool op_regx(struct machine *machine, const Dwarf_Op *op)
{
	machine->is_value = true;
	return push_register(machine, op->number, 0);
}

static bool op_based(struct machine *machine, const Dwarf_Op *op)
{
	return push_register(machine, op->atom - DW_OP_breg0, op->number);
}

static bool op_bregx(struct machine *machine, const Dwarf_Op *op)
{
	return push_register(machine, op->number, op->number2);
}

static bool op_cfa(struct machine *machine, const Dwarf_Op *op)
{
	(void)op;
	return push(machine, machine->frame->cfa);
}

static bool op_value(struct machine *machine, const Dwarf_Op *op)
{
	(void)op;
	machine->is_value = true;
	return true;
}

static bool op_nop(struct machine *machine, const Dwarf_Op *op)
{
	(void)machine, (void)op;
	return true;
}

static bool read_copy(struct rule_frame *frame, uint64_t address, size_t width, uint64_t *out)
{
	if (stack_read(frame->capture, address, width, out))
		return true;
	frame->cut = true;
	return false;
}

static bool op_deref(struct machine *machine, const Dwarf_Op *op)
{
	size_t width = op->atom == DW_OP_deref_size ? op->number : word(machine);
	uint64_t value;

	return pop(machine, &value) && read_copy(machine->frame, value, width, &value) &&
	       push(machine, value);
}

static bool op_drop(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t dropped;

	(void)op;
	return pop(machine, &dropped);
}

/* A copy of the element that is so many below the top. */
static bool pick(struct machine *machine, uint64_t below)
{
	return below < machine->depth && push(machine, machine->stack[machine->depth - 1 - below]);
}

static bool op_pick(struct machine *machine, const Dwarf_Op *op)
{
	return pick(machine, op->number);
}

static bool op_dup(struct machine *machine, const Dwarf_Op *op)
{
	(void)op;
	return pick(machine, 0);
}

static bool op_over(struct machine *machine, const Dwarf_Op *op)
{
	(void)op;
	return pick(machine, 1);
}

static bool op_swap(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t top, second;

	(void)op;
	return pop(machine, &top) && pop(machine, &second) && push(machine, top) &&
	       push(machine, second);
}

static bool op_plus_uconst(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t value;

	return pop(machine, &value) && push(machine, value + op->number);
}

/* Operators of one and two operands; comparisons are signed. */
#define OPERATOR(name, expression)                                                                 \
	static uint64_t calc_##name(uint64_t a, uint64_t b)                                        \
	{                                                                                          \
		(void)a, (void)b;                                                                  \
		return (uint64_t)(expression);                                                     \
	}
OPERATOR(and, a &b)
OPERATOR(or, a | b)
OPERATOR(xor, a ^ b)
OPERATOR(plus, a + b)
OPERATOR(minus, a - b)
OPERATOR(mul, a *b)
OPERATOR(shl, b < 64 ? a << b : 0)
OPERATOR(shr, b < 64 ? a >> b : 0)
OPERATOR(eq, a == b)
OPERATOR(ne, a != b)
OPERATOR(lt, (int64_t)a < (int64_t)b)
OPERATOR(le, (int64_t)a <= (int64_t)b)
OPERATOR(gt, (int64_t)a > (int64_t)b)
OPERATOR(ge, (int64_t)a >= (int64_t)b)
OPERATOR(neg, 0 - b)
OPERATOR(not, ~b)

static uint64_t (*const CALCULATIONS[ATOMS])(uint64_t a, uint64_t b) = {
	[DW_OP_and] = calc_and,
	[DW_OP_or] = calc_or,
	[DW_OP_xor] = calc_xor,
	[DW_OP_plus] = calc_plus,
	[DW_OP_minus] = calc_minus,
	[DW_OP_mul] = calc_mul,
	[DW_OP_shl] = calc_shl,
	[DW_OP_shr] = calc_shr,
	[DW_OP_eq] = calc_eq,
	[DW_OP_ne] = calc_ne,
	[DW_OP_lt] = calc_lt,
	[DW_OP_le] = calc_le,
	[DW_OP_gt] = calc_gt,
	[DW_OP_ge] = calc_ge,
	[DW_OP_neg] = calc_neg,
	[DW_OP_not] = calc_not,
};

static bool op_binary(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t a, b;

	return pop(machine, &b) && pop(machine, &a) && push(machine, CALCULATIONS[op->atom](a, b));
}

static bool op_unary(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t value;

	return pop(machine, &value) && push(machine, CALCULATIONS[op->atom](0, value));
}

/* What is not in here is refused. */
static bool (*const OPERATIONS[ATOMS])(struct machine *machine, const Dwarf_Op *op) = {
	[DW_OP_const1u... DW_OP_consts] = op_number,
	[DW_OP_lit0... DW_OP_lit31] = op_literal,
	[DW_OP_reg0... DW_OP_reg31] = op_register,
	[DW_OP_breg0... DW_OP_breg31] = op_based,
	[DW_OP_regx] = op_regx,
	[DW_OP_bregx] = op_bregx,
	[DW_OP_call_frame_cfa] = op_cfa,
	[DW_OP_stack_value] = op_value,
	[DW_OP_nop] = op_nop,
	[DW_OP_deref] = op_deref,
	[DW_OP_deref_size] = op_deref,
	[DW_OP_drop] = op_drop,
	[DW_OP_dup] = op_dup,
	[DW_OP_over] = op_over,
	[DW_OP_pick] = op_pick,
	[DW_OP_swap] = op_swap,
	[DW_OP_plus_uconst] = op_plus_uconst,
	[DW_OP_and] = op_binary,
	[DW_OP_minus] = op_binary,
	[DW_OP_mul] = op_binary,
	[DW_OP_neg... DW_OP_not] = op_unary,
	[DW_OP_or... DW_OP_plus] = op_binary,
	[DW_OP_shl... DW_OP_shr] = op_binary,
	[DW_OP_xor] = op_binary,
	[DW_OP_eq... DW_OP_ne] = op_binary,
};

static bool run(struct machine *machine, const Dwarf_Op *ops, size_t n, uint64_t *out_value)
{
	if (n > OPS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!OPERATIONS[ops[i].atom] || !OPERATIONS[ops[i].atom](machine, &ops[i]))
			return false;
	}
	return pop(machine, out_value);
}

bool stack_rule_value(struct rule_frame *frame, const Dwarf_Op *ops, size_t n, uint64_t *out_value)
{
	struct machine machine = {.frame = frame};

	return run(&machine, ops, n, out_value);
}

bool stack_rule_register(
	struct rule_frame *frame, const Dwarf_Op *ops, size_t n, uint64_t *out_value)
{
	struct machine machine = {.frame = frame};
	uint64_t at;

	if (!run(&machine, ops, n, &at))
		return false;
	if (!machine.is_value)
		return read_copy(frame, at, word(&machine), out_value);
	*out_value = at;
	return true;
}
