/*
 * What the kernel accepts as a seccomp filter, and what it answers.
 *
 * Accepted: net/core/filter.c, bpf_check_classic() and check_load_and_stores(), and then
 * kernel/seccomp.c, seccomp_check_filter(), which drops what reads packets, and modulo.  Meaning:
 * net/core/filter.c, bpf_convert_filter().
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "scope.h"

void filter_done(struct filter *filter)
{
	if (!filter)
		return;
	free(filter->insns);
	*filter = (struct filter){0};
}

/* What has to be checked of an instruction besides its code. */
enum kind {
	KIND_REFUSED,
	KIND_PLAIN,
	KIND_DATA, /* k is an offset into seccomp_data */
	KIND_READ, /* k is a scratch cell */
	KIND_WRITE,
	KIND_SHIFT, /* k is a number of bits */
	KIND_DIVIDE, /* k is a divisor */
	KIND_GOTO,
	KIND_BRANCH,
	KIND_RETURN,
};

static const uint8_t KINDS[] = {
	[BPF_LD | BPF_W | BPF_ABS] = KIND_DATA,
	[BPF_LD | BPF_W | BPF_LEN] = KIND_PLAIN,
	[BPF_LD | BPF_IMM] = KIND_PLAIN,
	[BPF_LD | BPF_MEM] = KIND_READ,
	[BPF_LDX | BPF_W | BPF_LEN] = KIND_PLAIN,
	[BPF_LDX | BPF_IMM] = KIND_PLAIN,
	[BPF_LDX | BPF_MEM] = KIND_READ,
	[BPF_ST] = KIND_WRITE,
	[BPF_STX] = KIND_WRITE,
	[BPF_ALU | BPF_ADD | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_ADD | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_SUB | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_SUB | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_MUL | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_MUL | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_DIV | BPF_K] = KIND_DIVIDE,
	[BPF_ALU | BPF_DIV | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_AND | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_AND | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_OR | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_OR | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_XOR | BPF_K] = KIND_PLAIN,
	[BPF_ALU | BPF_XOR | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_LSH | BPF_K] = KIND_SHIFT,
	[BPF_ALU | BPF_LSH | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_RSH | BPF_K] = KIND_SHIFT,
	[BPF_ALU | BPF_RSH | BPF_X] = KIND_PLAIN,
	[BPF_ALU | BPF_NEG] = KIND_PLAIN,
	[BPF_MISC | BPF_TAX] = KIND_PLAIN,
	[BPF_MISC | BPF_TXA] = KIND_PLAIN,
	[BPF_JMP | BPF_JA] = KIND_GOTO,
	[BPF_JMP | BPF_JEQ | BPF_K] = KIND_BRANCH,
	[BPF_JMP | BPF_JEQ | BPF_X] = KIND_BRANCH,
	[BPF_JMP | BPF_JGT | BPF_K] = KIND_BRANCH,
	[BPF_JMP | BPF_JGT | BPF_X] = KIND_BRANCH,
	[BPF_JMP | BPF_JGE | BPF_K] = KIND_BRANCH,
	[BPF_JMP | BPF_JGE | BPF_X] = KIND_BRANCH,
	[BPF_JMP | BPF_JSET | BPF_K] = KIND_BRANCH,
	[BPF_JMP | BPF_JSET | BPF_X] = KIND_BRANCH,
	[BPF_RET | BPF_K] = KIND_RETURN,
	[BPF_RET | BPF_A] = KIND_RETURN,
};

static enum kind insn_kind(const struct sock_filter *insn)
{
	return insn->code < ARRAY_LEN(KINDS) ? (enum kind)KINDS[insn->code] : KIND_REFUSED;
}

#define NO_SUCH_CELL "there is no such scratch cell"

/* By kind: where k is too large. */
static const struct {
	uint32_t limit;
	const char *fault;
} LIMITS[] = {
	[KIND_DATA] = {sizeof(struct seccomp_data), "the load is outside of seccomp_data"},
	[KIND_READ] = {BPF_MEMWORDS, NO_SUCH_CELL},
	[KIND_WRITE] = {BPF_MEMWORDS, NO_SUCH_CELL},
	[KIND_SHIFT] = {32, "the shift is by the whole word or more"},
	[KIND_RETURN] = {0, NULL},
};

static bool leads_out(const struct sock_filter *insn, size_t left)
{
	if (insn_kind(insn) == KIND_GOTO)
		return insn->k >= left;
	return insn->jt >= left || insn->jf >= left;
}

/* What is wrong with an instruction that has @left others behind it, or NULL. */
static const char *insn_fault(const struct sock_filter *insn, size_t left)
{
	enum kind kind = insn_kind(insn);

	if (LIMITS[kind].fault && insn->k >= LIMITS[kind].limit)
		return LIMITS[kind].fault;
	switch (kind) {
	case KIND_REFUSED:
		return "the kernel has no such instruction for seccomp";
	case KIND_DATA:
		return insn->k % sizeof(uint32_t) ? "the load is not aligned to a word" : NULL;
	case KIND_DIVIDE:
		return insn->k == 0 ? "the division is by zero" : NULL;
	case KIND_GOTO:
	case KIND_BRANCH:
		return leads_out(insn, left) ? "the jump leads out of the program" : NULL;
	default:
		return NULL;
	}
}

static int refuse(const struct filter *filter, size_t at, const char *fault, struct err *e)
{
	const struct sock_filter *insn = &filter->insns[at];

	return err_set(e, EINVAL, "instruction %zu (code 0x%02x, jt %u, jf %u, k 0x%08x): %s", at,
		insn->code, insn->jt, insn->jf, insn->k, fault);
}

/*
 * Whether a scratch cell is read on some path that has not written it, as the kernel sees it: a
 * jump hands on what is known to its targets, everything else, a return included, to what stands
 * behind it.  Returns the instruction, or filter->len.
 */
static size_t unwritten_read(const struct filter *filter)
{
	uint16_t at_targets[FILTER_INSNS_MAX], written = 0;

	memset(at_targets, 0xff, filter->len * sizeof(*at_targets));
	for (size_t at = 0; at < filter->len; at++) {
		const struct sock_filter *insn = &filter->insns[at];

		written &= at_targets[at];
		switch (insn_kind(insn)) {
		case KIND_WRITE:
			written |= (uint16_t)(1u << insn->k);
			break;
		case KIND_READ:
			if (!(written & 1u << insn->k))
				return at;
			break;
		case KIND_GOTO:
			at_targets[at + 1 + insn->k] &= written;
			written = UINT16_MAX;
			break;
		case KIND_BRANCH:
			at_targets[at + 1 + insn->jt] &= written;
			at_targets[at + 1 + insn->jf] &= written;
			written = UINT16_MAX;
			break;
		default:
			break;
		}
	}
	return filter->len;
}

int filter_validate(const struct filter *filter, struct err *e)
{
	size_t at;

	if (filter->len == 0 || filter->len > FILTER_INSNS_MAX)
		return err_set(e, EINVAL, "the filter has %zu instructions: 1...%d are accepted",
			filter->len, FILTER_INSNS_MAX);
	for (at = 0; at < filter->len; at++) {
		const char *fault = insn_fault(&filter->insns[at], filter->len - 1 - at);

		if (fault)
			return refuse(filter, at, fault, e);
	}
	if (insn_kind(&filter->insns[filter->len - 1]) != KIND_RETURN)
		return refuse(filter, filter->len - 1, "the last instruction is no return", e);
	at = unwritten_read(filter);
	if (at < filter->len)
		return refuse(filter, at, "a scratch cell is read before it is written", e);
	return 0;
}

#define HOST_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

struct machine {
	const struct seccomp_data *call;
	uint32_t swap; /* what to flip in the offset of a half of a 64-bit field */
	uint32_t a, x;
	uint32_t cells[BPF_MEMWORDS];
};

/* What a load of either register loads. */
static uint32_t machine_load(const struct machine *machine, const struct sock_filter *insn)
{
	uint32_t word, at = insn->k;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		if (insn->k >= offsetof(struct seccomp_data, instruction_pointer))
			at ^= machine->swap;
		/* Not through a pointer to uint32_t: the fields are of other types. */
		memcpy(&word, (const char *)machine->call + at, sizeof(word));
		return word;
	case BPF_MEM:
		return machine->cells[insn->k];
	case BPF_LEN:
		return sizeof(struct seccomp_data);
	default:
		return insn->k;
	}
}

/* Returns false for a division by zero, which ends the program. */
static bool machine_compute(struct machine *machine, const struct sock_filter *insn)
{
	enum { SHIFT_MASK = 31 }; /* what 32-bit shifts of eBPF look at: kernel/bpf/core.c */
	uint32_t operand = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		machine->a += operand;
		break;
	case BPF_SUB:
		machine->a -= operand;
		break;
	case BPF_MUL:
		machine->a *= operand;
		break;
	case BPF_DIV:
		if (operand == 0)
			return false;
		machine->a /= operand;
		break;
	case BPF_AND:
		machine->a &= operand;
		break;
	case BPF_OR:
		machine->a |= operand;
		break;
	case BPF_XOR:
		machine->a ^= operand;
		break;
	case BPF_LSH:
		machine->a <<= operand & SHIFT_MASK;
		break;
	case BPF_RSH:
		machine->a >>= operand & SHIFT_MASK;
		break;
	default: /* BPF_NEG */
		machine->a = -machine->a;
	}
	return true;
}

/* How many instructions a jump skips. */
static uint32_t machine_jump(const struct machine *machine, const struct sock_filter *insn)
{
	uint32_t operand = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;
	bool holds;

	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		holds = machine->a == operand;
		break;
	case BPF_JGT:
		holds = machine->a > operand;
		break;
	case BPF_JGE:
		holds = machine->a >= operand;
		break;
	case BPF_JSET:
		holds = machine->a & operand;
		break;
	default: /* BPF_JA */
		return insn->k;
	}
	return holds ? insn->jt : insn->jf;
}

static void machine_move(struct machine *machine, const struct sock_filter *insn)
{
	if (BPF_MISCOP(insn->code) == BPF_TAX)
		machine->x = machine->a;
	else
		machine->a = machine->x;
}

uint32_t filter_run(const struct filter *filter, const struct seccomp_data *call)
{
	bool big_endian = !(call->arch & __AUDIT_ARCH_LE);
	struct machine machine = {
		.call = call,
		.swap = big_endian == HOST_BIG_ENDIAN ? 0 : sizeof(uint32_t),
	};

	for (const struct sock_filter *insn = filter->insns;; insn++) {
		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			machine.a = machine_load(&machine, insn);
			break;
		case BPF_LDX:
			machine.x = machine_load(&machine, insn);
			break;
		case BPF_ST:
			machine.cells[insn->k] = machine.a;
			break;
		case BPF_STX:
			machine.cells[insn->k] = machine.x;
			break;
		case BPF_ALU:
			if (!machine_compute(&machine, insn))
				return 0;
			break;
		case BPF_JMP:
			insn += machine_jump(&machine, insn);
			break;
		case BPF_RET:
			return BPF_RVAL(insn->code) == BPF_A ? machine.a : insn->k;
		default: /* BPF_MISC */
			machine_move(&machine, insn);
		}
	}
}
