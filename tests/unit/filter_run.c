/*
 * What the kernel accepts and what a program answers, instruction by instruction.  That the kernel
 * itself agrees is for filter_kernel.c.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>

#include "filter_test.h"

#define STMT(code, k)	      BPF_STMT((code), (k))
#define JUMP(code, k, jt, jf) BPF_JUMP((code), (k), (jt), (jf))
#define RETURN		      STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define RETURN_A	      STMT(BPF_RET | BPF_A, 0)

enum { INSNS = 8 };

/* Programs and what is said of them; NULL: accepted. */
static const struct {
	const char *claim;
	const char *says;
	size_t len;
	struct sock_filter insns[INSNS];
} PROGRAMS[] = {
	{"a return", NULL, 1, {RETURN}},
	{"a return of the accumulator", NULL, 1, {RETURN_A}},
	{"a return of the index", "instruction 0 (code 0x0e,", 1, {STMT(BPF_RET | BPF_X, 0)}},
	{"no return at the end", "instruction 1 (code 0x00, jt 0, jf 0, k 0x00000000): the last", 2,
		{RETURN, STMT(BPF_LD | BPF_IMM, 0)}},
	{"a jump at the end", "instruction 0 (code 0x05, jt 0, jf 0, k 0x00000000): the jump leads",
		1, {STMT(BPF_JMP | BPF_JA, 0)}},
	{"the last word of seccomp_data", NULL, 2, {STMT(BPF_LD | BPF_W | BPF_ABS, 60), RETURN}},
	{"a word behind seccomp_data", "outside of seccomp_data", 2,
		{STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN}},
	{"a word in front of it", "outside of seccomp_data", 2,
		{STMT(BPF_LD | BPF_W | BPF_ABS, -4u), RETURN}},
	{"a word across two", "not aligned", 2, {STMT(BPF_LD | BPF_W | BPF_ABS, 18), RETURN}},
	{"a half-word load", "no such instruction", 2, {STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN}},
	{"a byte load", "no such instruction", 2, {STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN}},
	{"an indirect load", "no such instruction", 2, {STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN}},
	{"a header length load", "no such instruction", 2,
		{STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RETURN}},
	{"loads of constants and the length", NULL, 5,
		{STMT(BPF_LD | BPF_IMM, 7), STMT(BPF_LDX | BPF_IMM, 7),
			STMT(BPF_LD | BPF_W | BPF_LEN, 0), STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
			RETURN}},
	{"modulo", "no such instruction", 2, {STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN}},
	{"modulo of the index", "no such instruction", 2,
		{STMT(BPF_ALU | BPF_MOD | BPF_X, 0), RETURN}},
	{"division by zero", "the division is by zero", 2,
		{STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN}},
	{"division by the index", NULL, 2, {STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN}},
	{"a shift by 31", NULL, 3,
		{STMT(BPF_ALU | BPF_LSH | BPF_K, 31), STMT(BPF_ALU | BPF_RSH | BPF_K, 31), RETURN}},
	{"a left shift by 32", "the shift", 2, {STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN}},
	{"a right shift by 32", "the shift", 2, {STMT(BPF_ALU | BPF_RSH | BPF_K, 32), RETURN}},
	{"a shift by the index", NULL, 2, {STMT(BPF_ALU | BPF_LSH | BPF_X, 99), RETURN}},
	{"a code beyond eight bits", "instruction 0 (code 0x106,", 2,
		{STMT(0x100 | BPF_RET, 0), RETURN}},
	{"negation", NULL, 2, {STMT(BPF_ALU | BPF_NEG, 0), RETURN}},
	{"a negation with an operand", "no such instruction", 2,
		{STMT(BPF_ALU | BPF_NEG | BPF_X, 0), RETURN}},
	{"a jump to the last instruction", NULL, 3, {STMT(BPF_JMP | BPF_JA, 1), RETURN, RETURN}},
	{"a jump behind it", "instruction 0 (code 0x05, jt 0, jf 0, k 0x00000002): the jump leads",
		3, {STMT(BPF_JMP | BPF_JA, 2), RETURN, RETURN}},
	{"a jump backwards", "the jump leads", 3, {STMT(BPF_JMP | BPF_JA, -1u), RETURN, RETURN}},
	{"a branch to the last instruction", NULL, 3,
		{JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 1, 1), RETURN, RETURN}},
	{"a branch behind it, if true", "the jump leads", 3,
		{JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 1), RETURN, RETURN}},
	{"a branch behind it, if false", "the jump leads", 3,
		{JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 2), RETURN, RETURN}},
	{"scratch cell 15", NULL, 3, {STMT(BPF_ST, 15), STMT(BPF_LD | BPF_MEM, 15), RETURN}},
	{"a write of scratch cell 16", "no such scratch cell", 2, {STMT(BPF_STX, 16), RETURN}},
	{"a read of scratch cell 16", "no such scratch cell", 2,
		{STMT(BPF_LD | BPF_MEM, 16), RETURN}},
	{"a read of a cell never written",
		"instruction 1 (code 0x61, jt 0, jf 0, k 0x00000003): a ", 3,
		{STMT(BPF_ST, 2), STMT(BPF_LDX | BPF_MEM, 3), RETURN}},
	{"a cell written on one of two paths", "is read before it is written", 4,
		{JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), STMT(BPF_ST, 0),
			STMT(BPF_LD | BPF_MEM, 0), RETURN}},
	{"a cell written on both paths", NULL, 6,
		{JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), STMT(BPF_ST, 0),
			STMT(BPF_JMP | BPF_JA, 1), STMT(BPF_STX, 0), STMT(BPF_LD | BPF_MEM, 0),
			RETURN}},
	{"a read that nothing leads to, behind a jump", NULL, 3,
		{STMT(BPF_JMP | BPF_JA, 1), STMT(BPF_LD | BPF_MEM, 0), RETURN}},
	{"a read that nothing leads to, behind a return", "is read before it is written", 3,
		{RETURN, STMT(BPF_LD | BPF_MEM, 0), RETURN}},
};

static void test_validate(void)
{
	for (size_t i = 0; i < ARRAY_LEN(PROGRAMS); i++) {
		struct sock_filter insns[INSNS];
		struct filter filter = {insns, PROGRAMS[i].len};
		struct err e = {0};
		int code;

		memcpy(insns, PROGRAMS[i].insns, sizeof(insns));
		code = filter_validate(&filter, &e);
		if (!PROGRAMS[i].says)
			ok(code == 0 && e.code == 0, "%s is accepted", PROGRAMS[i].claim);
		else if (!ok(code == -EINVAL && strstr(e.text, PROGRAMS[i].says), "%s is refused",
				 PROGRAMS[i].claim))
			printf("#   %s\n", e.text);
	}
}

static void test_lengths(void)
{
	static const struct {
		size_t len;
		int code;
	} rows[] = {{0, -EINVAL}, {1, 0}, {4096, 0}, {4097, -EINVAL}, {65537, -EINVAL}};
	scoped_free struct sock_filter *insns = calloc(65537, sizeof(*insns));

	for (size_t i = 0; insns && i < 65537; i++)
		insns[i] = (struct sock_filter)RETURN;
	for (size_t i = 0; insns && i < ARRAY_LEN(rows); i++) {
		struct filter filter = {insns, rows[i].len};
		struct err e = {0};

		ok(filter_validate(&filter, &e) == rows[i].code, "%zu instructions: %s",
			rows[i].len, rows[i].code ? e.text : "accepted");
	}
}

/* What comes out when A is @a, X is @x and the rest is done. */
static const struct {
	const char *claim;
	uint32_t a, x;
	size_t len;
	struct sock_filter insns[INSNS];
	uint32_t want;
} ANSWERS[] = {
	{"add wraps", 0xfffffffe, 0, 1, {STMT(BPF_ALU | BPF_ADD | BPF_K, 3)}, 1},
	{"add x", 5, 7, 1, {STMT(BPF_ALU | BPF_ADD | BPF_X, 3)}, 12},
	{"sub wraps", 1, 0, 1, {STMT(BPF_ALU | BPF_SUB | BPF_K, 3)}, 0xfffffffe},
	{"sub x", 5, 7, 1, {STMT(BPF_ALU | BPF_SUB | BPF_X, 3)}, 0xfffffffe},
	{"mul wraps", 0x10001, 0, 1, {STMT(BPF_ALU | BPF_MUL | BPF_K, 0x10000)}, 0x10000},
	{"mul x", 5, 7, 1, {STMT(BPF_ALU | BPF_MUL | BPF_X, 3)}, 35},
	{"div is unsigned", 0xfffffffe, 0, 1, {STMT(BPF_ALU | BPF_DIV | BPF_K, 2)}, 0x7fffffff},
	{"div x", 50, 7, 1, {STMT(BPF_ALU | BPF_DIV | BPF_X, 3)}, 7},
	{"div by a zero x returns 0", 50, 0, 2,
		{STMT(BPF_ALU | BPF_DIV | BPF_X, 3), STMT(BPF_LD | BPF_IMM, 9)}, 0},
	{"and", 0xff0, 0, 1, {STMT(BPF_ALU | BPF_AND | BPF_K, 0x3c)}, 0x30},
	{"and x", 0xff0, 0x3c, 1, {STMT(BPF_ALU | BPF_AND | BPF_X, 1)}, 0x30},
	{"or", 0xf0, 0, 1, {STMT(BPF_ALU | BPF_OR | BPF_K, 0x3c)}, 0xfc},
	{"or x", 0xf0, 0x3c, 1, {STMT(BPF_ALU | BPF_OR | BPF_X, 1)}, 0xfc},
	{"xor", 0xf0, 0, 1, {STMT(BPF_ALU | BPF_XOR | BPF_K, 0x3c)}, 0xcc},
	{"xor x", 0xf0, 0x3c, 1, {STMT(BPF_ALU | BPF_XOR | BPF_X, 1)}, 0xcc},
	{"lsh", 0x81, 0, 1, {STMT(BPF_ALU | BPF_LSH | BPF_K, 31)}, 0x80000000},
	{"lsh by x looks at five bits", 3, 33, 1, {STMT(BPF_ALU | BPF_LSH | BPF_X, 1)}, 6},
	{"rsh is unsigned", 0x80000000, 0, 1, {STMT(BPF_ALU | BPF_RSH | BPF_K, 31)}, 1},
	{"rsh by x looks at five bits", 6, 0xffffffe1, 1, {STMT(BPF_ALU | BPF_RSH | BPF_X, 1)}, 3},
	{"neg", 5, 0, 1, {STMT(BPF_ALU | BPF_NEG, 9)}, 0xfffffffb},
	{"tax, txa", 5, 7, 3,
		{STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_LD | BPF_IMM, 9),
			STMT(BPF_MISC | BPF_TXA, 0)},
		5},
	{"cells", 5, 7, 4,
		{STMT(BPF_ST, 0), STMT(BPF_STX, 15), STMT(BPF_LDX | BPF_MEM, 0),
			STMT(BPF_LD | BPF_MEM, 15)},
		7},
	{"a cell into x", 5, 7, 3,
		{STMT(BPF_ST, 3), STMT(BPF_LDX | BPF_MEM, 3), STMT(BPF_ALU | BPF_ADD | BPF_X, 0)},
		10},
	{"the length", 5, 7, 1, {STMT(BPF_LD | BPF_W | BPF_LEN, 3)}, 64},
	{"the length into x", 5, 7, 2,
		{STMT(BPF_LDX | BPF_W | BPF_LEN, 3), STMT(BPF_MISC | BPF_TXA, 0)}, 64},
	{"ja", 5, 7, 3,
		{STMT(BPF_JMP | BPF_JA, 1), STMT(BPF_LD | BPF_IMM, 9),
			STMT(BPF_ALU | BPF_ADD | BPF_K, 1)},
		6},
	{"jeq", 5, 7, 2, {JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 5},
	{"jeq, not", 5, 7, 2, {JUMP(BPF_JMP | BPF_JEQ | BPF_X, 5, 1, 0), STMT(BPF_LD | BPF_IMM, 9)},
		9},
	{"jgt is unsigned", 0x80000000, 7, 2,
		{JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 0x80000000},
	{"jgt, equal", 7, 7, 2,
		{JUMP(BPF_JMP | BPF_JGT | BPF_X, 5, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 9},
	{"jge, equal", 7, 7, 2,
		{JUMP(BPF_JMP | BPF_JGE | BPF_X, 9, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 7},
	{"jge, less", 7, 0, 2,
		{JUMP(BPF_JMP | BPF_JGE | BPF_K, 8, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 9},
	{"jset", 6, 0, 2, {JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 1, 0), STMT(BPF_LD | BPF_IMM, 9)},
		6},
	{"jset, not", 6, 9, 2,
		{JUMP(BPF_JMP | BPF_JSET | BPF_X, 4, 1, 0), STMT(BPF_LD | BPF_IMM, 9)}, 9},
};

static void test_answers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
		struct sock_filter insns[INSNS + 3] = {STMT(BPF_LD | BPF_IMM, ANSWERS[i].a),
			STMT(BPF_LDX | BPF_IMM, ANSWERS[i].x)};
		struct filter filter = {insns, ANSWERS[i].len + 3};
		struct seccomp_data call = {0};
		struct err e = {0};
		uint32_t got;

		memcpy(insns + 2, ANSWERS[i].insns, sizeof(ANSWERS[i].insns));
		insns[ANSWERS[i].len + 2] = (struct sock_filter)RETURN_A;
		got = filter_validate(&filter, &e) ? 0xbad : filter_run(&filter, &call);
		if (!ok(got == ANSWERS[i].want, "%s", ANSWERS[i].claim))
			printf("#   got 0x%x, want 0x%x %s\n", got, ANSWERS[i].want, e.text);
	}
}

/* Every word of seccomp_data, on a little-endian and a big-endian architecture. */
static void test_words(void)
{
	struct seccomp_data call = {.nr = 0x01020304,
		.instruction_pointer = 0x1111111122222222,
		.args = {0x3333333344444444, 0x5555555566666666, 0x7777777788888888,
			0x99999999aaaaaaaa, 0xbbbbbbbbcccccccc, 0xddddddddeeeeeeee}};
	static const uint32_t tokens[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_S390X};
	static const uint32_t want[2][16] = {
		{0x01020304, AUDIT_ARCH_X86_64, 0x22222222, 0x11111111, 0x44444444, 0x33333333,
			0x66666666, 0x55555555, 0x88888888, 0x77777777, 0xaaaaaaaa, 0x99999999,
			0xcccccccc, 0xbbbbbbbb, 0xeeeeeeee, 0xdddddddd},
		{0x01020304, AUDIT_ARCH_S390X, 0x11111111, 0x22222222, 0x33333333, 0x44444444,
			0x55555555, 0x66666666, 0x77777777, 0x88888888, 0x99999999, 0xaaaaaaaa,
			0xbbbbbbbb, 0xcccccccc, 0xdddddddd, 0xeeeeeeee},
	};

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		size_t wrong = 0;

		call.arch = tokens[i];
		for (uint32_t word = 0; word < 16; word++) {
			struct sock_filter insns[] = {
				STMT(BPF_LD | BPF_W | BPF_ABS, 4 * word), RETURN_A};
			struct filter filter = {insns, 2};

			wrong += filter_run(&filter, &call) != want[i][word];
		}
		ok(wrong == 0, "words of seccomp_data, architecture 0x%08x", tokens[i]);
	}
}

int main(void)
{
	test_validate();
	test_lengths();
	test_answers();
	test_words();
	return tap_done();
}
