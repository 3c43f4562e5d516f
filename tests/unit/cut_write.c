/* cut_write_rules(): from names, with and without pins, to the rules of a profile. */
#include <linux/seccomp.h>

#include "cut.h"
#include "scope.h"
#include "tap.h"

struct trial {
	struct cut cut;
	struct err e;
};

static void trial_done(struct trial *t)
{
	allowed_done(&t->cut.allowed);
	profile_done(&t->cut.profile);
}

/* Add @name, narrowed to each of the @n_values values of its argument @index. */
static void add(struct trial *t, const char *name, uint8_t index, const uint64_t *values, size_t n)
{
	struct allowed *allowed = &t->cut.allowed;
	struct pin *pins = n ? calloc(n, sizeof(*pins)) : NULL;

	if (allowed_add(allowed, name, BY_RECORDING, &t->e) || (n && !pins))
		abort();
	for (size_t i = 0; i < n; i++) {
		pins[i].conds[0] = (struct condition){index, OP_MASKED_EQ, UINT32_MAX, values[i]};
		pins[i].n_conds = 1;
	}
	for (size_t i = 0; i < allowed->n_names; i++) {
		if (!strcmp(allowed->names[i].name, name)) {
			allowed->names[i].pins = pins;
			allowed->names[i].n_pins = n;
		}
	}
}

/* "read write | ioctl a1=21505 |" */
static const char *rules(const struct trial *t, char *buf, size_t size)
{
	FILE *to = fmemopen(buf, size, "w");

	for (size_t i = 0; i < t->cut.profile.n_rules; i++) {
		const struct rule *rule = &t->cut.profile.rules[i];

		for (size_t n = 0; n < rule->n_names; n++)
			fprintf(to, "%s ", rule->names[n]);
		for (size_t c = 0; c < rule->n_conds; c++)
			fprintf(to, "a%d=%d ", rule->conds[c].index, (int)rule->conds[c].value_two);
		fputs(rule->action == SECCOMP_RET_ALLOW ? "| " : "? ", to);
	}
	fclose(to);
	return buf;
}

static void test_rules(void)
{
	static const uint64_t ONE[] = {7}, TWO[] = {7, 9};
	scoped(trial_done) struct trial t = {0};
	char buf[256];

	add(&t, "write", 0, NULL, 0);
	add(&t, "ioctl", 1, TWO, 2);
	add(&t, "fcntl", 1, ONE, 1);
	add(&t, "prctl", 0, ONE, 1);
	add(&t, "read", 0, NULL, 0);
	ok(!cut_write_rules(&t.cut, &t.e), "rules are written");
	is_text(rules(&t, buf, sizeof(buf)),
		"read write | fcntl ioctl a1=7 | ioctl a1=9 | prctl a0=7 | ",
		"one rule for the names without pins, one for each different pin");
}

static void test_only_pinned(void)
{
	static const uint64_t ONE[] = {7};
	scoped(trial_done) struct trial t = {0};
	char buf[256];

	add(&t, "ioctl", 1, ONE, 1);
	ok(!cut_write_rules(&t.cut, &t.e), "every name may be pinned");
	is_text(rules(&t, buf, sizeof(buf)), "ioctl a1=7 | ", "and no rule is without names");
}

int main(void)
{
	test_rules();
	test_only_pinned();
	return tap_done();
}
