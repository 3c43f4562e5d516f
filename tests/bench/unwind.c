/*
 * What a stack costs: python3 at a call, unwound and named with files that are open already against
 * files that have to be opened; and how much memory the open files take.  TSV on standard output.
 */
#include <malloc.h>
#include <sys/syscall.h>

#include "bench.h"
#include "scope.h"
#include "seen_stack.h"
#include "stack.h"

enum { ROUNDS = 5, WARM = 1000, COLD = 10, SPACES = 20 };

enum state { IS_WARM, IS_COLD, STATES };

static void name_all(struct symbols *symbols, const struct seen *seen, const struct stack *stack)
{
	struct symbols_name name;

	for (size_t i = 0; i < stack->n; i++)
		stack_name(symbols, &seen->space, &stack->frames[i], &name);
}

/* Microseconds to unwind, and to name, of one stack; with @cold each time from nothing. */
static void measure(struct symbols *symbols, const struct seen *seen, bool cold, double *out_unwind,
	double *out_name)
{
	unsigned times = cold ? COLD : WARM;

	*out_unwind = *out_name = 0;
	for (unsigned i = 0; i < times; i++) {
		double start, unwound;
		struct stack stack;

		if (cold) {
			symbols_done(symbols);
			symbols_init(symbols, NULL);
		}
		start = bench_cpu_us();
		stack_unwind(symbols, &seen->space, &seen->capture, &stack);
		unwound = bench_cpu_us();
		name_all(symbols, seen, &stack);
		*out_unwind += (unwound - start) / times;
		*out_name += (bench_cpu_us() - unwound) / times;
	}
}

static double measure_space(pid_t pid)
{
	double start = bench_cpu_us();

	for (unsigned i = 0; i < SPACES; i++) {
		struct space space = {0};
		struct err e = {0};

		bench_must(!space_read(pid, &space, &e), "read a space", &e);
		space_done(&space);
	}
	return (bench_cpu_us() - start) / SPACES;
}

static double heap_kib(void)
{
	struct mallinfo2 heap = mallinfo2();

	return (double)(heap.uordblks + heap.hblkhd) / 1024;
}

int main(void)
{
	char *argv[] = {"python3", "-c",
		"import ctypes, json, re, os; f = lambda n: f(n - 1) if n "
		"else os.getppid(); f(10)",
		NULL};
	double unwind[STATES][ROUNDS], name[STATES][ROUNDS], spaces[ROUNDS], before;
	struct symbols symbols;
	struct seen seen;

	symbols_init(&symbols, NULL);
	see_command(&seen, &symbols, argv, NULL);
	bench_must(seen.there, "see python3", NULL);
	for (size_t i = 0; i < ROUNDS; i++) {
		measure(&symbols, &seen, true, &unwind[IS_COLD][i], &name[IS_COLD][i]);
		measure(&symbols, &seen, false, &unwind[IS_WARM][i], &name[IS_WARM][i]);
		spaces[i] = measure_space(seen.traced.pid);
	}
	fprintf(stderr, "# %zu frames, end %d, %zu mappings\n", seen.stack.n, (int)seen.stack.end,
		seen.space.n);
	bench_row("stack of python3", "unwind", "us", bench_median(unwind[IS_WARM], ROUNDS),
		"files not open", bench_median(unwind[IS_COLD], ROUNDS));
	bench_row("stack of python3", "name", "us", bench_median(name[IS_WARM], ROUNDS),
		"files not open", bench_median(name[IS_COLD], ROUNDS));
	bench_row("stack of python3", "mappings", "us", bench_median(spaces, ROUNDS), "unwind",
		bench_median(unwind[IS_WARM], ROUNDS));
	before = heap_kib();
	symbols_done(&symbols);
	bench_row("stack of python3", "open files", "KiB", before - heap_kib(), "bound",
		SYMBOLS_BYTES / 1024.0);
	forget(&seen);
	return 0;
}
