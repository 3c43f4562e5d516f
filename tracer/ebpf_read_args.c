/*
 * ebpf_read.h: the arguments of calls, from the maps of the programs to a recording.
 */
#include "ebpf_read.h"

#include "scope.h"

/* One reading of all that is kept of arguments. */
struct reading {
	struct ebpf_reader *reader;
	bool single; /* those that stand for themselves; otherwise the tuples */
	bool any_many; /* a call with many tuples */
};

static struct rec_args *args_of(
	const struct ebpf_reader *reader, uint32_t slot, struct arg_row rows[], size_t *out_n)
{
	struct rec_call *call = ebpf_reader_call(reader, slot);
	struct rec_args *args = call ? rec_call_own_args(call) : NULL;

	if (call && !args)
		reader->rec->loss[LOSS_NO_MEMORY]++;
	*out_n = args ? ebpf_kernel_args(reader->kernel, slot, rows) : 0;
	return args;
}

/*
 * A tuple stands for its values, too.  Where there are many tuples, the others are not kept, and
 * values come by themselves.
 */
static void read_tuple(void *ctx, const void *its_key, const void *value)
{
	struct reading *reading = ctx;
	const struct ebpf_reader *reader = reading->reader;
	const struct ebpf_tuple_key *key = its_key;
	struct arg_row rows[ARGS_PER_CALL_MAX];
	struct rec_args *args;
	size_t n;

	(void)value;
	if (key->target != reader->target || (key->kind != EBPF_TUPLE_ALL) != reading->single)
		return;
	args = args_of(reader, key->slot, rows, &n);
	if (!args)
		return;
	if (!reading->single)
		(void)rec_args_add(args, rows, n, key->values);
	else if (args->tuples.many)
		(void)rec_args_add_value(
			args, rows, n, key->kind - EBPF_TUPLE_VALUE, key->values[0]);
	reading->any_many |= args->tuples.many;
}

/* Calls with arguments that there was no room for. */
static void read_unknown(const struct ebpf_reader *reader)
{
	const uint64_t *unknown = reader->kernel->targets[reader->target].args_unknown;
	struct arg_row rows[ARGS_PER_CALL_MAX];

	for (uint32_t slot = 0; slot < EBPF_SLOTS; slot++) {
		struct rec_args *args;
		size_t n;

		if (!(__atomic_load_n(&unknown[slot / 64], __ATOMIC_RELAXED) & 1ull << slot % 64))
			continue;
		args = args_of(reader, slot, rows, &n);
		if (args)
			(void)rec_args_many(args, rows, n);
	}
}

int ebpf_reader_args(struct ebpf_reader *reader, struct err *e)
{
	struct reading reading = {.reader = reader};

	if (ebpf_kernel_each_tuple(reader->kernel, read_tuple, &reading, e))
		return -e->code;
	reading.single = true;
	if (reading.any_many && ebpf_kernel_each_tuple(reader->kernel, read_tuple, &reading, e))
		return -e->code;
	read_unknown(reader);
	return 0;
}
