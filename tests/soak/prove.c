/*
 * Random profiles without end in sight: each compiles to what is proven equal, and none is
 *undecided.
 *
 *	prove COUNT JOBS
 *
 * Seeds follow those of tests/unit/prove.c, so nothing is done twice.  A job takes every JOBS-th
 *seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "num.h"
#include "profile.h"
#include "prove.h"
#include "random_profile.h"
#include "tap.h"

enum { FIRST_SEED = 10001, JOBS_MAX = 64, PROGRESS = 20000 };

struct tally {
	uint64_t equal, different, undecided, failed, most_steps;
};

static void soak_one(uint64_t seed, struct tally *tally)
{
	struct rng rng = {seed};
	struct profile profile = {0};
	struct policy policy = {0};
	struct filter filter = {0};
	struct proof proof;
	struct err e = {0};
	char text[ERR_TEXT_MAX];

	random_profile(&rng, 0, &profile);
	if (policy_resolve("soak", &profile, &policy, NULL, &e) ||
		filter_compile(&policy, &filter, &e) ||
		filter_prove(&filter, &policy, &proof, &e)) {
		tally->failed++;
		printf("# seed %llu: %s\n", (unsigned long long)seed, e.text);
	} else {
		tally->equal += proof.verdict == PROOF_EQUAL;
		tally->undecided += proof.verdict == PROOF_UNDECIDED;
		tally->different += proof.verdict == PROOF_DIFFERENT;
		if (proof.steps > tally->most_steps)
			tally->most_steps = proof.steps;
		if (proof.verdict == PROOF_DIFFERENT)
			printf("# seed %llu: %s\n", (unsigned long long)seed,
				proof_print(&proof, text, sizeof(text)));
	}
	filter_done(&filter);
	policy_done(&policy);
	profile_done(&profile);
}

static void soak_job(uint64_t count, uint64_t jobs, uint64_t job, struct tally *tally)
{
	for (uint64_t i = job; i < count; i += jobs) {
		soak_one(FIRST_SEED + i, tally);
		if (job == 0 && i % PROGRESS < jobs)
			fprintf(stderr, "\r%llu of %llu", (unsigned long long)i,
				(unsigned long long)count);
	}
}

int main(int argc, char **argv)
{
	uint64_t count = 2000000, jobs = 2;
	struct tally *tallies, sum = {0};

	if ((argc > 1 && num_parse(argv[1], UINT64_MAX, &count)) ||
		(argc > 2 && (num_parse(argv[2], JOBS_MAX, &jobs) || !jobs)))
		return 2;
	tallies = mmap(NULL, jobs * sizeof(*tallies), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 2;
	for (uint64_t job = 0; job < jobs; job++) {
		if (fork() == 0) {
			soak_job(count, jobs, job, &tallies[job]);
			fflush(stdout);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	fputs("\r\033[K", stderr);
	for (uint64_t job = 0; job < jobs; job++) {
		sum.equal += tallies[job].equal;
		sum.different += tallies[job].different;
		sum.undecided += tallies[job].undecided;
		sum.failed += tallies[job].failed;
		if (tallies[job].most_steps > sum.most_steps)
			sum.most_steps = tallies[job].most_steps;
	}
	ok(sum.equal == count,
		"%llu profiles: %llu equal, %llu different, %llu undecided, %llu not compiled",
		(unsigned long long)count, (unsigned long long)sum.equal,
		(unsigned long long)sum.different, (unsigned long long)sum.undecided,
		(unsigned long long)sum.failed);
	printf("# most steps for one: %llu\n", (unsigned long long)sum.most_steps);
	return tap_done();
}
