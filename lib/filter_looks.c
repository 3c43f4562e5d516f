#include "filter_looks.h"

#include <errno.h>
#include <stdlib.h>

/* Whether the comparison holds when the value is less, equal, greater. */
static const bool HOLDS[OP_COUNT][3] = {
	[OP_NE] = {true, false, true},
	[OP_LT] = {true, false, false},
	[OP_LE] = {true, true, false},
	[OP_EQ] = {false, true, false},
	[OP_GE] = {false, true, true},
	[OP_GT] = {false, false, true},
};

void looks_done(struct looks *looks)
{
	free(looks->tests);
	free(looks->ends);
	free(looks->all);
	*looks = (struct looks){0};
}

static struct word_test word_test(uint8_t op, uint32_t mask, uint32_t value)
{
	uint32_t free = ~mask;

	value &= mask;
	/* A mask that frees the lowest bits alone leaves a range of values: no mask is needed. */
	if (mask && !(free & (free + 1)))
		return (struct word_test){op, UINT32_MAX, value, value | free};
	return (struct word_test){op, mask, value, value};
}

static void word_tests_fill(const struct condition *cond, struct word_test tests[WORDS])
{
	bool masked = cond->op == OP_MASKED_EQ;
	uint64_t mask = masked ? cond->value : UINT64_MAX;
	uint64_t value = masked ? cond->value_two : cond->value;
	uint8_t op = masked ? OP_EQ : cond->op;

	tests[WORD_HIGH] = word_test(op, (uint32_t)(mask >> 32), (uint32_t)(value >> 32));
	tests[WORD_LOW] = word_test(op, (uint32_t)mask, (uint32_t)value);
}

static size_t word_test_len(const struct word_test *test, enum word word)
{
	bool equality = test->op == OP_EQ || test->op == OP_NE;
	bool one_answer = equality ? test->first == test->last : word == WORD_LOW;
	size_t comparisons = (size_t)(test->first > 0) + (test->last < UINT32_MAX);

	if (test->mask == 0)
		return 0;
	if (test->mask != UINT32_MAX)
		return test->first ? 3 : 2; /* load, AND, JEQ; load, JSET */
	return 1 + (one_answer ? 1 : comparisons);
}

size_t looks_len(const struct looks *looks)
{
	size_t len = looks->n_clauses; /* returns */

	for (size_t i = 0; i < looks->n_clauses; i++) {
		for (size_t arg = 0; arg < SYSCALL_ARGS; arg++) {
			const struct word_test *tests = looks->tests[i][arg];

			len += word_test_len(&tests[WORD_HIGH], WORD_HIGH) +
			       word_test_len(&tests[WORD_LOW], WORD_LOW);
		}
	}
	return len;
}

bool look_concerns(const struct looks *looks, const struct look *look, size_t clause)
{
	const struct word_test *test = &looks->tests[clause][look->arg][look->word];

	return test->mask && test->mask == look->mask;
}

enum clause_state look_result(
	const struct looks *looks, const struct look *look, size_t clause, uint32_t value)
{
	const struct word_test *test = &looks->tests[clause][look->arg][look->word];
	int order = (value > test->last) - (value < test->first);

	/* Equal high words leave the answer to the low ones, different ones give it. */
	if (look->word == WORD_HIGH && order == 0)
		return CLAUSE_ALIVE;
	if (!HOLDS[test->op][order + 1])
		return CLAUSE_DEAD;
	return look->word == WORD_HIGH ? CLAUSE_ARG_DONE : CLAUSE_ALIVE;
}

/* Add a look unless there is one like it. */
static void look_add(struct looks *looks, struct look look)
{
	for (size_t i = looks->n; i > 0; i--) {
		const struct look *other = &looks->all[i - 1];

		if (other->arg == look.arg && other->word == look.word && other->mask == look.mask)
			return;
	}
	looks->all[looks->n++] = look;
}

/* The looks at one word: through partial masks, or through the full one. */
static void word_looks_add(struct looks *looks, uint8_t arg, uint8_t word, bool full)
{
	for (size_t i = 0; i < looks->n_clauses; i++) {
		uint32_t mask = looks->tests[i][arg][word].mask;

		if (mask && (mask == UINT32_MAX) == full)
			look_add(looks, (struct look){.arg = arg, .word = word, .mask = mask});
	}
}

static void arg_looks_add(struct looks *looks, uint8_t arg)
{
	size_t first = looks->n;

	for (uint8_t word = 0; word < WORDS; word++) {
		word_looks_add(looks, arg, word, false);
		word_looks_add(looks, arg, word, true);
	}
	for (size_t i = first; i < looks->n; i++)
		looks->all[i].arg_end = looks->n;
}

/* The arguments that most clauses ask for first. */
static void args_order(const struct clause *clauses, size_t n, uint8_t order[SYSCALL_ARGS])
{
	size_t uses[SYSCALL_ARGS] = {0};

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < clauses[i].n_conds; j++)
			uses[clauses[i].conds[j].index]++;
	}
	for (uint8_t arg = 0; arg < SYSCALL_ARGS; arg++) {
		size_t place = arg;

		for (; place > 0 && uses[order[place - 1]] < uses[arg]; place--)
			order[place] = order[place - 1];
		order[place] = arg;
	}
}

static void ends_fill(struct looks *looks)
{
	for (size_t clause = 0; clause < looks->n_clauses; clause++) {
		for (size_t i = 0; i < looks->n; i++) {
			if (look_concerns(looks, &looks->all[i], clause))
				looks->ends[clause] = i + 1;
		}
	}
}

int looks_init(struct looks *looks, const struct clause *clauses, size_t n)
{
	uint8_t order[SYSCALL_ARGS];

	*looks = (struct looks){
		.n_clauses = n,
		.tests = calloc(n, sizeof(*looks->tests)),
		.ends = calloc(n, sizeof(*looks->ends)),
		.all = calloc(n * SYSCALL_ARGS * WORDS, sizeof(*looks->all)),
	};
	if (!looks->tests || !looks->ends || !looks->all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < clauses[i].n_conds; j++) {
			const struct condition *cond = &clauses[i].conds[j];

			word_tests_fill(cond, looks->tests[i][cond->index]);
		}
	}
	args_order(clauses, n, order);
	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		arg_looks_add(looks, order[i]);
	ends_fill(looks);
	return 0;
}
