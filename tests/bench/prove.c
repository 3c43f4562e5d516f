/*
 * What a proof costs: the engines' default, from names to a program and its proof, against
 * libseccomp's compiling alone; and the proof of libseccomp's own programs for the same profile.
 * Median of five rounds, interleaved.  TSV on standard output.
 */
#include <stdint.h>

#include "bench.h"
#include "filter.h"
#include "policy.h"
#include "profile.h"
#include "prove.h"
#include "scope.h"
#include "verify_parts.h"

enum { ROUNDS = 5, TIMES = 20 };

#define PROFILE "profiles/runtime-default.json"

enum job {
	OURS,
	OURS_NUMBERS,
	OURS_COMPILE,
	OURS_PROOF,
	LINEAR,
	TREE,
	LINEAR_PROOF,
	TREE_PROOF,
	JOBS
};

static const char *const JOB_NAMES[JOBS] = {
	[OURS] = "names to program and proof",
	[OURS_NUMBERS] = "compile (from numbers) and proof",
	[OURS_COMPILE] = "our names to program",
	[OURS_PROOF] = "proof",
	[LINEAR] = "libseccomp's compile",
	[TREE] = "libseccomp's compile, binary tree",
	[LINEAR_PROOF] = "proof of libseccomp's program",
	[TREE_PROOF] = "proof of libseccomp's program, binary tree",
};

struct subject {
	const struct profile *profile;
	struct reading written, theirs;
	struct filter ours, linear, tree;
	double rounds[JOBS][ROUNDS];
};

static void prove(const struct filter *filter, const struct policy *policy)
{
	struct proof proof;
	struct err e = {0};

	bench_must(!filter_prove(filter, policy, &proof, &e), "prove", &e);
	bench_must(proof.verdict == PROOF_EQUAL, "prove it equal", &e);
}

/* From names to a program. */
static void compile(const struct profile *profile, bool proven)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	bench_must(!policy_resolve(PROFILE, profile, &policy, NULL, &e) &&
			   !filter_compile(&policy, &filter, &e),
		"compile", &e);
	if (proven)
		prove(&filter, &policy);
}

/* The names were resolved before. */
static void compile_numbers(const struct policy *policy)
{
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	bench_must(!filter_compile(policy, &filter, &e), "compile", &e);
	prove(&filter, policy);
}

static void compile_theirs(const struct profile *profile, bool tree)
{
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	bench_must(!libseccomp_compile(profile, tree, &filter, &e), "compile with libseccomp", &e);
}

static void do_job(const struct subject *subject, enum job job)
{
	switch (job) {
	case OURS:
	case OURS_COMPILE:
		compile(subject->profile, job == OURS);
		break;
	case OURS_NUMBERS:
		compile_numbers(&subject->written.policy);
		break;
	case OURS_PROOF:
		prove(&subject->ours, &subject->written.policy);
		break;
	case LINEAR:
	case TREE:
		compile_theirs(subject->profile, job == TREE);
		break;
	default:
		prove(job == LINEAR_PROOF ? &subject->linear : &subject->tree,
			&subject->theirs.policy);
	}
}

static double time_job(const struct subject *subject, enum job job)
{
	double start = bench_cpu_us();

	for (int i = 0; i < TIMES; i++)
		do_job(subject, job);
	return (bench_cpu_us() - start) / TIMES;
}

static void row(const char *name, struct subject *subject, enum job job, enum job against)
{
	double ours = bench_median(subject->rounds[job], ROUNDS),
	       theirs = bench_median(subject->rounds[against], ROUNDS);

	bench_row(name, JOB_NAMES[job], "us", ours, JOB_NAMES[against], theirs);
}

static void prepare(const struct profile *profile, struct subject *out)
{
	struct verify_subject question = {.path = PROFILE, .profile = profile};
	struct err e = {0};

	*out = (struct subject){.profile = profile};
	bench_must(!reading_as_written(&question, &out->written, &e) &&
			   !reading_of_libseccomp(&question, &out->theirs, &e) &&
			   !filter_compile(&out->written.policy, &out->ours, &e) &&
			   !libseccomp_compile(profile, false, &out->linear, &e) &&
			   !libseccomp_compile(profile, true, &out->tree, &e),
		"prepare", &e);
}

static void subject_done(struct subject *subject)
{
	reading_done(&subject->written);
	reading_done(&subject->theirs);
	filter_done(&subject->ours);
	filter_done(&subject->linear);
	filter_done(&subject->tree);
}

static void bench(const struct profile *profile, const char *name)
{
	static const enum job rows[][2] = {{OURS, LINEAR}, {OURS, TREE}, {OURS_NUMBERS, OURS},
		{OURS_PROOF, OURS_COMPILE}, {LINEAR_PROOF, LINEAR}, {TREE_PROOF, TREE}};
	static struct subject subject;

	prepare(profile, &subject);
	for (int round = 0; round < ROUNDS; round++) {
		for (int job = 0; job < JOBS; job++)
			subject.rounds[job][round] = time_job(&subject, (enum job)job);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row(name, &subject, rows[i][0], rows[i][1]);
	subject_done(&subject);
}

int main(void)
{
	scoped(profile_done) struct profile profile = {0};
	struct err e;

	if (profile_read(PROFILE, &profile, NULL, &e)) {
		fprintf(stderr, "prove: %s\n", e.text);
		return 1;
	}
	bench(&profile, "proof, three ABIs");
	profile.n_abis = 1;
	bench(&profile, "proof, x86_64");
	return 0;
}
