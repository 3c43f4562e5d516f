/*
 * Pins of random recordings: what was seen passes, what was not does not, and what we and
 * libseccomp make of the rules is what they say.
 */
#include <linux/seccomp.h>

#include "filter.h"
#include "pin.h"
#include "policy.h"
#include "prove.h"
#include "tap.h"
#include "verify.h"
#include "world.h"

enum { WORLDS = 400, SIGHTS_MAX = 40 * 50 };

/* A call as it was made: what the recording is made from. */
struct sight {
	const struct abi *abi;
	uint32_t nr;
	const struct arg_row *rows;
	size_t n_rows;
	uint64_t values[ARGS_PER_CALL_MAX];
};

struct random_world {
	struct world world;
	struct sight sights[SIGHTS_MAX];
	size_t n_sights;
	struct profile profile;
	struct policy policy;
};

static void random_world_done(struct random_world *w)
{
	world_done(&w->world);
	profile_done(&w->profile);
	policy_done(&w->policy);
}

/* Values such as the argument takes: few, or many; now and then any. */
static uint64_t value_of(struct rng *rng, const struct arg_row *row, unsigned range)
{
	if (rng_percent(rng, 2))
		return random_value(rng);
	if (row->class == ARG_MASK)
		return 1ULL << rng_below(rng, range) | 1ULL << rng_below(rng, range);
	return rng_below(rng, range) * (row->index % 2 ? 1 : 0x5400);
}

/* A call, made a few times or often, with arguments that take few values or many. */
static void random_sights(struct rng *rng, struct random_world *w, const char *name)
{
	static const unsigned ranges[] = {1, 2, 2, 4, 12, 31};
	unsigned range = rng_pick(rng, ranges), times = 1 + (unsigned)rng_below(rng, 50);
	struct sight sight = {.abi = w->world.abis[rng_below(rng, w->world.n_abis)]};

	sight.n_rows = args_of_call(sight.abi, name, &sight.rows);
	if (syscall_number(sight.abi, name, &sight.nr))
		return;
	while (times-- > 0) {
		for (size_t i = 0; i < sight.n_rows; i++)
			sight.values[i] = value_of(rng, &sight.rows[i], range);
		see(&w->world, sight.abi->name, name, sight.values[0], sight.values[1],
			sight.values[2]);
		w->sights[w->n_sights++] = sight;
	}
}

static void recorded_on(struct random_world *w, const char *machine)
{
	memset(w, 0, sizeof(*w));
	world_init(&w->world);
	recording_end(&w->world.rec, 0);
	free(w->world.rec.host_machine);
	w->world.rec.host_machine = random_alloc(strdup(machine));
}

/* The profile that is cut from what was seen. */
static void cut(struct random_world *w)
{
	struct generate_options options = generate_defaults();
	struct err e;

	options.runtime = BASE_NONE;
	options.args = PIN_FULL;
	if (profile_generate("random", &w->world.rec, &options, &w->profile, NULL, &e) ||
		policy_resolve("random", &w->profile, &w->policy, NULL, &e)) {
		printf("# %s\n", e.text);
		abort();
	}
}

/* Recorded on a machine of x86, with calls of the table; and the profile cut from it. */
static void random_world_init(struct rng *rng, struct random_world *w)
{
	static const char *const lists[][3] = {{"x86_64"}, {"x86_64", "i386"},
		{"x86_64", "i386", "x32"}, {"x86_64", "x32"}, {"i386"}};
	size_t len, list = rng_below(rng, ARRAY_LEN(lists));
	const struct arg_row *rows = args_table(&len);

	recorded_on(w, lists[list][0]);
	for (size_t i = 0; i < 3 && lists[list][i]; i++) {
		list_abi(&w->world, lists[list][i]);
		see(&w->world, lists[list][i], "execve", 0, 0, 0);
	}
	for (uint64_t left = 1 + rng_below(rng, 40); left > 0; left--)
		random_sights(rng, w, rows[rng_below(rng, len)].call);
	cut(w);
}

/* What came out, over all worlds. */
struct totals {
	size_t passed, wrongly_denied, denied, wrongly_passed;
	size_t answers[VERIFY_NONE + 1], rules;
	char trouble[ERR_TEXT_MAX];
};

/* The call as the kernel reports it; above and beside what is recorded is anything. */
static struct seccomp_data data_of(struct rng *rng, const struct sight *sight)
{
	struct seccomp_data data = {.nr = (int)sight->nr, .arch = sight->abi->audit_arch};

	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		data.args[i] = random_value(rng);
	for (size_t i = 0; i < sight->n_rows; i++) {
		const struct arg_row *row = &sight->rows[i];

		data.args[row->index] = row->bits == 64 ? sight->values[i]
							: data.args[row->index] << 32 |
								  arg_cut(sight->values[i], 32);
	}
	return data;
}

static bool passes(const struct random_world *w, const struct seccomp_data *data)
{
	return policy_verdict(&w->policy, data, NULL) == SECCOMP_RET_ALLOW;
}

static void try_recorded(struct rng *rng, const struct random_world *w, struct totals *totals)
{
	for (size_t i = 0; i < w->n_sights; i++) {
		struct seccomp_data data = data_of(rng, &w->sights[i]);

		if (passes(w, &data))
			totals->passed++;
		else
			totals->wrongly_denied++;
	}
}

/* Whether all rules about a call have a condition on the argument, and there are such rules. */
static bool is_pinned(const struct random_world *w, const struct sight *sight, unsigned index)
{
	const struct abi_policy *abi = policy_abi(&w->policy, sight->abi);
	const struct call_policy *call = abi_policy_call(abi, sight->nr);
	size_t with = 0;

	for (size_t i = 0; i < call->n_clauses; i++) {
		const struct clause *clause = &abi->clauses[call->first_clause + i];

		for (size_t j = 0; j < clause->n_conds; j++)
			with += clause->conds[j].index == index;
	}
	return with > 0 && with == call->n_clauses;
}

/* Whether @value of row @place of @like is new: no such call was made under any ABI. */
static bool is_new(
	const struct random_world *w, const struct sight *like, size_t place, uint64_t value)
{
	const struct arg_row *row = &like->rows[place];
	uint64_t mask = row->mask & UINT32_MAX, bits = 0, largest = 0;

	for (size_t i = 0; i < w->n_sights; i++) {
		const struct sight *sight = &w->sights[i];
		uint64_t seen = sight->values[place] & mask;

		if (sight->n_rows == 0 || strcmp(sight->rows[0].call, row->call))
			continue;
		if (row->class == ARG_EXACT && seen == (value & mask))
			return false;
		bits |= seen;
		largest = seen > largest ? seen : largest;
	}
	if (row->class == ARG_RANGE)
		return (value & mask) > 2 * largest;
	return row->class == ARG_EXACT || (value & mask & ~bits);
}

/* Calls that were made, but for one pinned argument that has a value it never had. */
static void try_new(struct rng *rng, const struct random_world *w, struct totals *totals)
{
	for (size_t i = 0; i < w->n_sights; i++) {
		const struct sight *sight = &w->sights[i];
		struct seccomp_data data = data_of(rng, sight);
		size_t place = rng_below(rng, ARGS_PER_CALL_MAX);
		__u64 *arg, flip = 1ULL << rng_below(rng, 32);

		if (place >= sight->n_rows || !is_pinned(w, sight, sight->rows[place].index))
			continue;
		arg = &data.args[sight->rows[place].index];
		*arg = rng_percent(rng, 50) ? *arg ^ flip : random_value(rng);
		if (!is_new(w, sight, place, *arg))
			continue;
		if (passes(w, &data))
			totals->wrongly_passed++;
		else
			totals->denied++;
	}
}

/* What libseccomp compiles from it is the same, but for what verify.h knows. */
static void try_engine(const struct random_world *w, struct totals *totals)
{
	struct verify_subject subject = {.path = "random", .profile = &w->profile};
	struct verify_report report;
	struct err e;

	if (verify_libseccomp(&subject, &report, &e))
		abort();
	totals->answers[report.answer]++;
	totals->rules += w->profile.n_rules;
	if (report.answer == VERIFY_DIFFERENT)
		proof_print(&report.proof, totals->trouble, sizeof(totals->trouble));
	else if (report.answer == VERIFY_NONE)
		snprintf(totals->trouble, sizeof(totals->trouble), "%.500s", report.why);
}

static void say(const struct totals *totals)
{
	printf("# %zu rules; %zu equal, %zu different, %zu undecided, %zu refused; %s\n",
		totals->rules, totals->answers[VERIFY_EQUAL], totals->answers[VERIFY_DIFFERENT],
		totals->answers[VERIFY_UNDECIDED], totals->answers[VERIFY_NONE], totals->trouble);
}

/* Our program is compiled and proven, too. */
static bool is_enforceable(const struct random_world *w, struct totals *totals)
{
	scoped(filter_done) struct filter filter = {0};
	struct err e;

	if (!filter_compile(&w->policy, &filter, &e) && !filter_must_equal(&filter, &w->policy, &e))
		return true;
	snprintf(totals->trouble, sizeof(totals->trouble), "%s", e.text);
	return false;
}

/* Of every call as many combinations as are written down, under three ABIs: the largest profile. */
static void test_largest(void)
{
	static const char *const abis[] = {"x86_64", "i386", "x32"};
	scoped(random_world_done) struct random_world w;
	struct totals totals = {0};
	size_t len;
	const struct arg_row *rows = args_table(&len);

	recorded_on(&w, "x86_64");
	for (size_t i = 0; i < ARRAY_LEN(abis) * len * PIN_COMBINATIONS_MAX; i++) {
		const char *abi = abis[i % ARRAY_LEN(abis)];
		const char *name = rows[i / ARRAY_LEN(abis) % len].call;
		uint64_t value = i / ARRAY_LEN(abis) / len;

		if (!syscall_number(abi_by_name(abi), name, &(uint32_t){0}))
			see(&w.world, abi, name, value, value, value);
	}
	cut(&w);
	ok(is_enforceable(&w, &totals), "the largest profile becomes a program");
	try_engine(&w, &totals);
	ok(totals.answers[VERIFY_EQUAL] == 1, "libseccomp's fits, too, and says the same");
	say(&totals);
}

static void test_random(void)
{
	struct totals totals = {0};
	struct rng rng = {7};
	size_t enforceable = 0;

	for (int i = 0; i < WORLDS; i++) {
		scoped(random_world_done) struct random_world w;

		random_world_init(&rng, &w);
		try_recorded(&rng, &w, &totals);
		try_new(&rng, &w, &totals);
		try_engine(&w, &totals);
		enforceable += is_enforceable(&w, &totals);
	}
	ok(totals.passed > 10000 && totals.wrongly_denied == 0,
		"what was recorded passes (%zu, not %zu)", totals.passed, totals.wrongly_denied);
	ok(totals.denied > 10000 && totals.wrongly_passed == 0,
		"a value that a pinned argument never had does not (%zu, but %zu)", totals.denied,
		totals.wrongly_passed);
	ok(enforceable == WORLDS, "the rules become programs that are proven to say them");
	ok(totals.answers[VERIFY_EQUAL] == WORLDS, "libseccomp's programs say them as well");
	say(&totals);
}

int main(void)
{
	test_random();
	test_largest();
	return tap_done();
}
