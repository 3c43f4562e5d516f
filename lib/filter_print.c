/*
 * A program for people.  What a comparison compares is followed from load to load along all paths,
 * so that numbers get their names where one architecture is known, and masks their arguments.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "filter.h"
#include "scope.h"

enum { TEXT_MAX = 96 };

/* What is known in front of an instruction, whatever path led there. */
struct view {
	bool reached;
	bool has_word; /* the accumulator is a word of seccomp_data under a mask */
	uint32_t offset;
	uint32_t mask;
	bool has_token; /* seccomp_data.arch has been found to be this */
	uint32_t token;
};

/* What a path brings to an instruction: keep what it agrees on with the others. */
static void view_join(struct view *view, const struct view *other)
{
	if (!view->reached) {
		*view = *other;
		return;
	}
	if (!other->has_word || view->offset != other->offset || view->mask != other->mask)
		view->has_word = false;
	if (!other->has_token || view->token != other->token)
		view->has_token = false;
}

static bool view_is(const struct view *view, size_t offset)
{
	return view->has_word && view->offset == offset && view->mask == UINT32_MAX;
}

/* What holds behind an instruction that does not jump. */
static void view_advance(struct view *view, const struct sock_filter *insn)
{
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		view->has_word = true;
		view->offset = insn->k;
		view->mask = UINT32_MAX;
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		view->mask &= insn->k;
		break;
	default:
		if (BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_ALU ||
			insn->code == (BPF_MISC | BPF_TXA))
			view->has_word = false;
	}
}

/* Hand on what is known in front of instruction @at to those that may follow. */
static void views_spread(struct view *views, const struct filter *filter, size_t at)
{
	const struct sock_filter *insn = &filter->insns[at];
	struct view view = views[at];
	size_t next = at + 1;

	if (!view.reached || BPF_CLASS(insn->code) == BPF_RET)
		return;
	if (BPF_CLASS(insn->code) != BPF_JMP)
		view_advance(&view, insn);
	else if (BPF_OP(insn->code) == BPF_JA)
		next += insn->k;
	else if (next + insn->jf < filter->len)
		view_join(&views[next + insn->jf], &view);
	if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_JA)
		next += insn->jt;
	if (insn->code == (BPF_JMP | BPF_JEQ | BPF_K) &&
		view_is(&view, offsetof(struct seccomp_data, arch))) {
		view.has_token = true;
		view.token = insn->k;
	}
	if (next < filter->len)
		view_join(&views[next], &view);
}

static const struct abi *native_or(const struct abi *abi)
{
	return abi ? abi : abi_native();
}

/* "nr", "arg2.low" */
static const char *word_text(const struct view *view, uint32_t offset, char buf[TEXT_MAX])
{
	const struct abi *abi = native_or(view->has_token ? abi_of_call(view->token, 0) : NULL);
	bool high = (offset % sizeof(uint64_t) != 0) != abi->big_endian;
	size_t args = offsetof(struct seccomp_data, args);

	if (offset == offsetof(struct seccomp_data, nr))
		(void)snprintf(buf, TEXT_MAX, "nr");
	else if (offset == offsetof(struct seccomp_data, arch))
		(void)snprintf(buf, TEXT_MAX, "arch");
	else if (offset < args)
		(void)snprintf(buf, TEXT_MAX, "ip.%s", high ? "high" : "low");
	else
		(void)snprintf(buf, TEXT_MAX, "arg%zu.%s", (offset - args) / sizeof(uint64_t),
			high ? "high" : "low");
	return buf;
}

/* What is in the accumulator: "arg0.low & 0x7e020000", or "a". */
static const char *accumulator_text(const struct view *view, char buf[TEXT_MAX])
{
	char word[TEXT_MAX];

	if (!view->has_word)
		return "a";
	(void)word_text(view, view->offset, word);
	if (view->mask == UINT32_MAX)
		(void)snprintf(buf, TEXT_MAX, "%.32s", word);
	else
		(void)snprintf(buf, TEXT_MAX, "(%.32s & 0x%" PRIx32 ")", word, view->mask);
	return buf;
}

/* The constant of a comparison, with its name if it has one. */
static const char *constant_text(const struct view *view, uint32_t k, char buf[TEXT_MAX])
{
	bool is_nr = view_is(view, offsetof(struct seccomp_data, nr));
	const struct abi *abi = view->has_token && is_nr ? abi_of_call(view->token, k) : NULL;
	char name[SYSCALL_NAME_MAX];

	if (abi && k != X32_BIT && syscall_name(abi, k, name))
		(void)snprintf(buf, TEXT_MAX,
			k < X32_BIT ? "%" PRIu32 " (%s)" : "0x%" PRIx32 " (%s)", k, name);
	else if (is_nr && k < X32_BIT)
		(void)snprintf(buf, TEXT_MAX, "%" PRIu32, k);
	else if (view_is(view, offsetof(struct seccomp_data, arch)) && abi_of_call(k, 0))
		(void)snprintf(buf, TEXT_MAX, "0x%08" PRIx32 " (%s)", k, abi_of_call(k, 0)->name);
	else
		(void)snprintf(buf, TEXT_MAX, "0x%" PRIx32, k);
	return buf;
}

static void print_jump(const struct sock_filter *insn, size_t at, const struct view *view, FILE *to)
{
	static const char *const operators[] = {
		[BPF_JEQ >> 4] = "==",
		[BPF_JGT >> 4] = ">",
		[BPF_JGE >> 4] = ">=",
		[BPF_JSET >> 4] = "&",
	};
	char left[TEXT_MAX], right[TEXT_MAX];

	if (BPF_OP(insn->code) == BPF_JA) {
		(void)fprintf(to, "goto %zu", at + 1 + insn->k);
		return;
	}
	(void)fprintf(to, "if %s %s %s goto %zu, else %zu", accumulator_text(view, left),
		operators[BPF_OP(insn->code) >> 4],
		BPF_SRC(insn->code) == BPF_X ? "x" : constant_text(view, insn->k, right),
		at + 1 + insn->jt, at + 1 + insn->jf);
}

static void print_load(const struct sock_filter *insn, const struct view *view, FILE *to)
{
	const char *into = BPF_CLASS(insn->code) == BPF_LDX ? "x = " : "a = ";
	char word[TEXT_MAX];

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		(void)fprintf(to, "%s%s", into, word_text(view, insn->k, word));
		break;
	case BPF_MEM:
		(void)fprintf(to, "%scell %" PRIu32, into, insn->k);
		break;
	case BPF_LEN:
		(void)fprintf(to, "%s%zu", into, sizeof(struct seccomp_data));
		break;
	default:
		(void)fprintf(to, "%s0x%" PRIx32, into, insn->k);
	}
}

static void print_compute(const struct sock_filter *insn, FILE *to)
{
	static const char *const operators[] = {
		[BPF_ADD >> 4] = "+",
		[BPF_SUB >> 4] = "-",
		[BPF_MUL >> 4] = "*",
		[BPF_DIV >> 4] = "/",
		[BPF_OR >> 4] = "|",
		[BPF_AND >> 4] = "&",
		[BPF_LSH >> 4] = "<<",
		[BPF_RSH >> 4] = ">>",
		[BPF_XOR >> 4] = "^",
	};
	const char *sign = operators[BPF_OP(insn->code) >> 4];

	if (BPF_OP(insn->code) == BPF_NEG)
		(void)fprintf(to, "a = -a");
	else if (BPF_SRC(insn->code) == BPF_X)
		(void)fprintf(to, "a = a %s x", sign);
	else
		(void)fprintf(to, "a = a %s 0x%" PRIx32, sign, insn->k);
}

static void print_return(const struct sock_filter *insn, FILE *to)
{
	char action[TEXT_MAX];

	(void)fprintf(to, "return %s",
		BPF_RVAL(insn->code) == BPF_A ? "a"
					      : action_print(insn->k, action, sizeof(action)));
}

static void print_insn(const struct filter *filter, size_t at, const struct view *view, FILE *to)
{
	const struct sock_filter *insn = &filter->insns[at];

	(void)fprintf(to, "%4zu: ", at);
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		print_load(insn, view, to);
		break;
	case BPF_ST:
		(void)fprintf(to, "cell %" PRIu32 " = a", insn->k);
		break;
	case BPF_STX:
		(void)fprintf(to, "cell %" PRIu32 " = x", insn->k);
		break;
	case BPF_ALU:
		print_compute(insn, to);
		break;
	case BPF_JMP:
		print_jump(insn, at, view, to);
		break;
	case BPF_RET:
		print_return(insn, to);
		break;
	default: /* BPF_MISC */
		(void)fprintf(to, BPF_MISCOP(insn->code) == BPF_TAX ? "x = a" : "a = x");
	}
	(void)fputc('\n', to);
}

int filter_print(const struct filter *filter, FILE *to, struct err *e)
{
	scoped_free struct view *views = NULL;

	if (filter_validate(filter, e))
		return -e->code;
	views = calloc(filter->len, sizeof(*views));
	if (!views)
		return err_nomem(e);
	views[0].reached = true;
	for (size_t at = 0; at < filter->len; at++) {
		views_spread(views, filter, at);
		print_insn(filter, at, &views[at], to);
	}
	if (ferror(to) || fflush(to))
		return err_sys(e, errno, "cannot write the program");
	return 0;
}
