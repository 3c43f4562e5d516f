#include "stack.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scope.h"
#include "stack_rule.h"

/* Numbers of registers in DWARF, and widths. */
struct width {
	unsigned regs, pc, sp, bp;
	unsigned word; /* bytes */
	uint64_t mask; /* of an address */
};

static const struct width WIDTHS[] = {
	{.regs = 17, .pc = 16, .sp = 7, .bp = 6, .word = 8, .mask = UINT64_MAX},
	{.regs = 9, .pc = 8, .sp = 4, .bp = 5, .word = 4, .mask = UINT32_MAX},
};

/* Bytes of the instructions that call: e8 and an offset; ff /2 with SIB and offset, and one more.
 */
enum { CALL_NEAR = 5, CALL_MAX = 8 };

/* Bytes of a frame that is found by its pointer; words of one that is searched. */
enum { FRAME_MAX = 1 << 20, SEARCH_WORDS = 64 };

/* Where the unwinding stands. */
struct walk {
	struct symbols *symbols;
	const struct space *space;
	const struct stack_capture *capture;
	const struct width *width;
	struct stack_regs regs;
	struct stack_frame frame; /* the one that the registers are of */
};

/* What a step came to. */
enum step {
	STEP_FOUND, /* the next frame */
	STEP_ENDED, /* there is none to be found */
	STEP_UNKNOWN, /* this way leads nowhere: try another */
};

/* The caller. */
struct next {
	struct stack_regs regs;
	struct stack_frame frame;
	enum stack_end end; /* STEP_ENDED: why */
	bool interrupted; /* by a signal, whose handler's return is what the callee is */
};

bool stack_read(const struct stack_capture *capture, uint64_t address, size_t width, uint64_t *out)
{
	uint64_t at = address - capture->start;

	if (width > sizeof(*out) || address < capture->start || capture->size < width ||
		at > capture->size - width)
		return false;
	*out = 0;
	/* x86 keeps the low byte first. */
	memcpy(out, (const char *)capture->bytes + at, width);
	return true;
}

static bool reg_get(const struct stack_regs *regs, unsigned number, uint64_t *out_value)
{
	*out_value = regs->value[number];
	return regs->known >> number & 1;
}

static void reg_set(struct stack_regs *regs, unsigned number, uint64_t value)
{
	regs->value[number] = value;
	regs->known |= 1U << number;
}

static enum step ended(struct next *next, enum stack_end end)
{
	next->end = end;
	return STEP_ENDED;
}

/* The address in the code of a frame: a call is in front of what it returns to. */
static uint64_t code_of(const struct stack_frame *frame)
{
	return frame->address - !frame->exact;
}

/* The caller's register: what its rule says, or what it is here, if nobody has changed it. */
static bool caller_register(const struct walk *walk, Dwarf_Frame *rules, struct rule_frame *frame,
	unsigned number, uint64_t *out_value)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(rules, (int)number, mem, &ops, &n))
		return false;
	if (n > 0)
		return stack_rule_register(frame, ops, n, out_value);
	return !ops && reg_get(&walk->regs, number, out_value);
}

/* Registers of the caller, as far as they can be known. */
static void restore(const struct walk *walk, Dwarf_Frame *rules, struct rule_frame *frame,
	struct stack_regs *out)
{
	uint64_t value;

	reg_set(out, walk->width->sp, frame->cfa & walk->width->mask);
	for (unsigned i = 0; i < walk->width->regs; i++) {
		if (caller_register(walk, rules, frame, i, &value))
			reg_set(out, i, value & walk->width->mask);
	}
}

/* The rules for the code of a frame, heap; NULL: there are none. */
static Dwarf_Frame *rules_of(const struct walk *walk, const struct space_map *map)
{
	struct module *module = symbols_module(walk->symbols, walk->space, map);
	uint64_t address;
	Dwarf_Frame *rules;

	if (!module || !module->cfi || module->bits32 != walk->capture->bits32 ||
		!module_address(module, space_offset(map, code_of(&walk->frame)), &address) ||
		dwarf_cfi_addrframe(module->cfi, address, &rules))
		return NULL;
	return rules;
}

static enum step by_rules(const struct walk *walk, const struct space_map *map, struct next *next)
{
	scoped_free Dwarf_Frame *rules = rules_of(walk, map);
	struct rule_frame frame = {.capture = walk->capture, .regs = &walk->regs};
	Dwarf_Op *ops;
	size_t n;
	int pc;

	if (!rules || dwarf_frame_cfa(rules, &ops, &n))
		return STEP_UNKNOWN;
	if (!stack_rule_value(&frame, ops, n, &frame.cfa))
		return ended(next, frame.cut ? STACK_CUT : STACK_NO_WAY);
	pc = dwarf_frame_info(rules, NULL, NULL, &next->interrupted);
	next->frame.exact = next->interrupted;
	restore(walk, rules, &frame, &next->regs);
	/* The outermost function has no return address, and its rules say so. */
	if (pc < 0 || pc >= STACK_REGS || !reg_get(&next->regs, (unsigned)pc, &next->frame.address))
		return ended(next, frame.cut ? STACK_CUT : STACK_OUTERMOST);
	next->frame.way = STACK_RULES;
	return STEP_FOUND;
}

/* How long an indirect call (opcode ff /2) with this ModRM byte is; 0: it is none. */
static size_t indirect_call_size(uint8_t modrm)
{
	static const uint8_t displacement[] = {0, 1, 4, 0};
	unsigned mod = modrm >> 6, rm = modrm & 7;

	if ((modrm >> 3 & 7) != 2)
		return 0;
	return 2U + (mod != 3 && rm == 4) + (mod == 0 && rm == 5 ? 4U : displacement[mod]);
}

/* Whether there is a call in front of @address. */
static bool is_return_address(const struct walk *walk, uint64_t address)
{
	const struct space_map *map = space_find(walk->space, address - 1);
	const struct module *module = map ? symbols_module(walk->symbols, walk->space, map) : NULL;
	uint8_t code[CALL_MAX];

	if (!module || module->fd < 0 ||
		pread(module->fd, code, sizeof(code),
			(off_t)(space_offset(map, address) - CALL_MAX)) != CALL_MAX)
		return false;
	if (code[CALL_MAX - CALL_NEAR] == 0xe8)
		return true;
	for (size_t size = 2; size < CALL_MAX; size++) {
		const uint8_t *call = code + CALL_MAX - size;

		if (call[0] == 0xff && indirect_call_size(call[1]) == size)
			return true;
	}
	return false;
}

/* Functions that do nothing but the call, in C libraries without rules, have no frame. */
static enum step by_leaf(const struct walk *walk, const struct space_map *map, struct next *next)
{
	const struct width *width = walk->width;
	uint64_t sp, address;

	(void)map;
	if (walk->frame.way != STACK_TOP || !reg_get(&walk->regs, width->sp, &sp) ||
		!stack_read(walk->capture, sp, width->word, &address) ||
		!is_return_address(walk, address))
		return STEP_UNKNOWN;
	next->regs = walk->regs;
	reg_set(&next->regs, width->sp, sp + width->word);
	next->frame = (struct stack_frame){.address = address, .way = STACK_LEAF};
	return STEP_FOUND;
}

/* What was made at run time has to keep them, or nobody could unwind it. */
static bool keeps_pointers(const struct walk *walk, const struct space_map *map)
{
	struct module *module = symbols_module(walk->symbols, walk->space, map);

	return !module || module_keeps_pointers(module);
}

/* "push bp; mov sp, bp": the caller's bp and the return address lie where bp points to. */
static enum step by_pointer(const struct walk *walk, const struct space_map *map, struct next *next)
{
	const struct width *width = walk->width;
	uint64_t bp, sp, caller_bp, address;

	if (!keeps_pointers(walk, map) || !reg_get(&walk->regs, width->bp, &bp) ||
		!reg_get(&walk->regs, width->sp, &sp))
		return STEP_UNKNOWN;
	/* Where programs and threads begin, it is cleared. */
	if (bp == 0)
		return ended(next, STACK_OUTERMOST);
	if (bp < sp || bp - sp > FRAME_MAX)
		return STEP_UNKNOWN;
	if (!stack_read(walk->capture, bp, width->word, &caller_bp) ||
		!stack_read(walk->capture, bp + width->word, width->word, &address))
		return ended(next, STACK_CUT);
	reg_set(&next->regs, width->bp, caller_bp);
	reg_set(&next->regs, width->sp, bp + 2 * width->word);
	next->frame = (struct stack_frame){.address = address, .way = STACK_POINTER};
	return STEP_FOUND;
}

/* The first thing on the stack that is the address behind a call. */
static enum step by_search(const struct walk *walk, const struct space_map *map, struct next *next)
{
	const struct width *width = walk->width;
	uint64_t sp, address;

	if (keeps_pointers(walk, map) || !reg_get(&walk->regs, width->sp, &sp))
		return STEP_UNKNOWN;
	for (unsigned i = 0; i < SEARCH_WORDS; i++, sp += width->word) {
		if (!stack_read(walk->capture, sp, width->word, &address))
			return ended(next, STACK_CUT);
		if (!is_return_address(walk, address))
			continue;
		next->regs = walk->regs;
		reg_set(&next->regs, width->sp, sp + width->word);
		next->frame = (struct stack_frame){.address = address, .way = STACK_SEARCH};
		return STEP_FOUND;
	}
	return STEP_UNKNOWN;
}

/* The innermost function may have nothing on the stack: vfork of glibc takes it off. */
static bool is_below(const struct walk *walk, const struct next *next)
{
	uint64_t from = walk->regs.value[walk->width->sp], to = next->regs.value[walk->width->sp];

	return walk->frame.way == STACK_TOP ? to < from : to <= from;
}

/* Is that a frame which can be?  Only a signal may have moved the stack down. */
static enum step check(const struct walk *walk, struct next *next)
{
	if (next->frame.address == 0)
		return ended(next, STACK_OUTERMOST);
	if (!next->frame.exact && is_below(walk, next))
		return ended(next, STACK_LOOP);
	if (!space_find(walk->space, code_of(&next->frame)))
		return ended(next, STACK_UNMAPPED);
	reg_set(&next->regs, walk->width->pc, next->frame.address);
	return STEP_FOUND;
}

static enum step step(const struct walk *walk, struct next *next)
{
	static enum step (*const ways[])(const struct walk *, const struct space_map *,
		struct next *) = {by_rules, by_leaf, by_pointer, by_search};
	const struct space_map *map = space_find(walk->space, code_of(&walk->frame));

	if (!map)
		return ended(next, STACK_UNMAPPED);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		enum step came_to;

		*next = (struct next){0};
		came_to = ways[i](walk, map, next);
		if (came_to != STEP_UNKNOWN)
			return came_to == STEP_FOUND ? check(walk, next) : came_to;
	}
	return ended(next, STACK_NO_WAY);
}

void stack_unwind(struct symbols *symbols, const struct space *space,
	const struct stack_capture *capture, struct stack *out)
{
	struct walk walk = {.symbols = symbols,
		.space = space,
		.capture = capture,
		.width = &WIDTHS[capture->bits32],
		.regs = capture->regs};
	struct next next;

	/* The pc is behind the instruction that made the call, as one that is returned to is. */
	walk.frame = (struct stack_frame){
		.address = capture->regs.value[walk.width->pc], .way = STACK_TOP};
	for (out->n = 0; out->n < STACK_FRAMES;) {
		out->frames[out->n++] = walk.frame;
		if (step(&walk, &next) != STEP_FOUND) {
			out->end = next.end;
			return;
		}
		out->frames[out->n - 1].exact |= next.interrupted;
		walk.regs = next.regs;
		walk.frame = next.frame;
	}
	out->end = STACK_FULL;
}

void stack_name(struct symbols *symbols, const struct space *space, const struct stack_frame *frame,
	struct symbols_name *out)
{
	symbols_name(symbols, space, frame->address, !frame->exact, out);
}
