/* build: -static */
/*
 * call_loop PROGRAM [stay]: make calls in batches and print the nanoseconds that one of each kind
 * of work (workload.h) took in its best batch; PROGRAM is static and does nothing.  With "stay",
 * wait then for the end of the input.
 */
#include <stdio.h>
#include <string.h>

#include "../bench/workload.h"

static double least_ns(enum work work, const char *program)
{
	static const struct {
		int batches, times;
	} jobs[WORKS] = {
		[WORK_GETPPID] = {50, 200},
		[WORK_READ_WRITE] = {50, 100},
		[WORK_LSEEK] = {50, 200},
		[WORK_SETSOCKOPT] = {50, 200},
		[WORK_SPAWN] = {10, 2},
	};
	double least = 0;

	for (int batch = 0; batch < jobs[work].batches; batch++) {
		double start = work_clock_ns(), took;

		work_do(work, jobs[work].times, program);
		took = (work_clock_ns() - start) / jobs[work].times;
		least = batch == 0 || took < least ? took : least;
	}
	return least;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	for (int work = 0; work < WORKS; work++)
		printf("%.1f%c", least_ns((enum work)work, argv[1]), work + 1 < WORKS ? ' ' : '\n');
	fflush(stdout);
	while (argc > 2 && !strcmp(argv[2], "stay") && getchar() != EOF)
		;
	return 0;
}
