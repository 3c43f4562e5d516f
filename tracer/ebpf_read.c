#include "ebpf_read.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "phase.h"
#include "scope.h"
#include "syscalls.h"

/* How the kernel marks the path of a file without a name (d_path(), fs/d_path.c). */
#define GONE_SUFFIX " (deleted)"
/* Stands for the directories that did not fit. */
#define CUT_PREFIX "..."

int ebpf_paths_init(struct ebpf_paths *out, const struct ebpf_limits *limits, struct err *e)
{
	out->rows = calloc(limits->programs, sizeof(*out->rows));
	out->n_rows = out->rows ? limits->programs : 0;
	return out->rows ? 0 : err_nomem(e);
}

void ebpf_paths_done(struct ebpf_paths *paths)
{
	for (size_t i = 0; i < paths->n_rows; i++)
		free(paths->rows[i].path);
	free(paths->rows);
	*paths = (struct ebpf_paths){0};
}

/* The names in @path, which go from the last to the first, as an absolute path in @out. */
static void path_build(const char *path, size_t size, unsigned flags, char out[2 * EBPF_PATH_MAX])
{
	char *to = out;
	size_t end = size;

	if (flags & EBPF_PATH_CUT)
		to = stpcpy(to, CUT_PREFIX);
	while (end > 0) {
		size_t start = end - 1;

		while (start > 0 && path[start - 1])
			start--;
		*to++ = '/';
		to = stpcpy(to, path + start);
		end = start;
	}
	if (flags & EBPF_PATH_GONE)
		to = stpcpy(to, GONE_SUFFIX);
	*to = '\0';
}

/* The path that an event carries, in @out; false if none. */
static bool event_path(const struct ebpf_event *event, size_t size, char out[2 * EBPF_PATH_MAX])
{
	if (!event->path_size || event->path_size > EBPF_PATH_MAX ||
		size < sizeof(*event) + event->path_size)
		return false;
	path_build((const char *)(event + 1), event->path_size, event->path_flags, out);
	return true;
}

void ebpf_paths_add(struct ebpf_paths *paths, const struct ebpf_event *event, size_t size)
{
	char text[2 * EBPF_PATH_MAX];

	if (event->program >= paths->n_rows || !event_path(event, size, text))
		return;
	free(paths->rows[event->program].path);
	paths->rows[event->program] = (struct ebpf_path){
		.target = event->target, .path = strdup(text)};
}

void ebpf_paths_forget(struct ebpf_paths *paths, uint32_t target)
{
	for (size_t i = 0; i < paths->n_rows; i++) {
		if (paths->rows[i].target != target)
			continue;
		free(paths->rows[i].path);
		paths->rows[i] = (struct ebpf_path){0};
	}
}

void ebpf_reader_mapped(struct ebpf_reader *reader, const struct ebpf_event *event, size_t size)
{
	char text[2 * EBPF_PATH_MAX];

	if (event_path(event, size, text) &&
		rec_names_index(&reader->rec->mapped, text) == SIZE_MAX)
		reader->rec->loss[LOSS_NO_MEMORY]++;
}

/* CLOCK_MONOTONIC to the Unix epoch. */
static uint64_t epoch_ns(uint64_t monotonic_ns)
{
	return now_ns() - (steady_ns() - monotonic_ns);
}

static uint64_t slot_calls(const struct ebpf_reader *reader, uint32_t slot)
{
	const struct ebpf_kernel *kernel = reader->kernel;
	uint64_t calls = 0;

	for (unsigned lane = 0; lane < kernel->lanes; lane++)
		calls += __atomic_load_n(
			&kernel->counts[reader->target * kernel->lanes + lane].calls[slot],
			__ATOMIC_RELAXED);
	return calls;
}

struct rec_call *ebpf_reader_call(const struct ebpf_reader *reader, uint32_t slot)
{
	return recording_call(
		reader->rec, abi_by_name(EBPF_ABI_NAMES[slot / EBPF_NRS]), slot % EBPF_NRS);
}

static void slot_sync(const struct ebpf_reader *reader, uint32_t slot)
{
	const struct ebpf_fact *fact = &reader->kernel->targets[reader->target].facts[slot];
	uint64_t calls = slot_calls(reader, slot);
	struct rec_call *call;

	if (!calls)
		return;
	call = ebpf_reader_call(reader, slot);
	if (!call)
		return;
	if (calls != call->count)
		call->last_ns = now_ns();
	call->count = calls;
	call->denied = fact->denied;
	if (!call->first_ns && fact->first_ns)
		call->first_ns = epoch_ns(fact->first_ns);
	if (call->first_ns > call->last_ns)
		call->last_ns = call->first_ns;
}

/* One more member of one of a call's sets; SIZE_MAX is none. */
static void set_extend(const struct ebpf_reader *reader, struct bits *set, size_t member)
{
	if (member != SIZE_MAX && bits_add(set, member))
		reader->rec->loss[LOSS_NO_MEMORY]++;
}

/* Call @each with every call in the set; one's bit may be ahead of its count. */
static void seen_each(const struct ebpf_reader *reader, const uint64_t seen[EBPF_WORDS],
	void (*each)(const struct ebpf_reader *reader, struct rec_call *call, size_t member),
	size_t member)
{
	for (uint32_t word = 0; word < EBPF_WORDS; word++) {
		uint64_t bits = __atomic_load_n(&seen[word], __ATOMIC_RELAXED);

		for (; bits; bits &= bits - 1) {
			uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
			struct rec_call *call = slot_calls(reader, slot)
							? ebpf_reader_call(reader, slot)
							: NULL;

			if (call)
				each(reader, call, member);
		}
	}
}

static void program_extend(const struct ebpf_reader *reader, struct rec_call *call, size_t member)
{
	set_extend(reader, &call->programs, member);
}

static void phase_extend(const struct ebpf_reader *reader, struct rec_call *call, size_t member)
{
	set_extend(reader, &call->phases, member);
}

/* The index of a program in the recording, or SIZE_MAX if its path is not known. */
static size_t program_member(const struct ebpf_reader *reader, size_t program)
{
	const struct ebpf_path *row = program < reader->paths->n_rows
					      ? &reader->paths->rows[program]
					      : NULL;

	if (!row || row->target != reader->target || !row->path)
		return SIZE_MAX;
	return rec_names_index(&reader->rec->programs, row->path);
}

static void programs_sync(const struct ebpf_reader *reader)
{
	/* The highest index that was ever given away. */
	size_t last = __atomic_load_n(&reader->kernel->state->programs, __ATOMIC_RELAXED);

	for (size_t program = 1; program <= last && program < reader->paths->n_rows; program++) {
		size_t member = program_member(reader, program);

		if (member != SIZE_MAX)
			seen_each(reader, reader->kernel->programs[program].seen, program_extend,
				member);
	}
}

static size_t phase_member(const struct ebpf_reader *reader, uint32_t phase)
{
	const char *name = phase_name(phase);

	if (!name && phase - PHASE_MARKS < reader->marks->n_names)
		name = reader->marks->names[phase - PHASE_MARKS];
	return name ? rec_names_index(&reader->rec->phases, name) : SIZE_MAX;
}

static bool set_is_empty(const uint64_t set[EBPF_WORDS])
{
	for (uint32_t word = 0; word < EBPF_WORDS; word++) {
		if (set[word])
			return false;
	}
	return true;
}

static void phases_sync(const struct ebpf_reader *reader)
{
	const struct ebpf_target *target = &reader->kernel->targets[reader->target];

	for (uint32_t phase = 0; phase < EBPF_PHASES; phase++) {
		/* One that has begun is named, although nothing was called in it. */
		if (!set_is_empty(target->phases[phase]) ||
			(phase == target->phase && target->started))
			seen_each(reader, target->phases[phase], phase_extend,
				phase_member(reader, phase));
	}
}

/* Odd numbers of several programs add up: their entries start from zero at each reading. */
static void odd_reset(struct recording *rec)
{
	char name[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < rec->n_calls; i++) {
		struct rec_call *call = &rec->calls[i];

		if (call->nr >= EBPF_NRS || !syscall_name(call->abi, call->nr, name))
			call->count = call->denied = call->enosys = 0;
	}
}

/* The ABI of a call that entered by @entry, x32 included. */
static const struct abi *abi_entered(uint32_t entry, uint32_t nr)
{
	return abi_of_call(entry == EBPF_I386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64, nr);
}

static void odd_args(struct rec_call *call, const char *name)
{
	const struct arg_row *rows;
	size_t n = args_of_call(call->abi, name, &rows);
	struct rec_args *args = n ? rec_call_own_args(call) : NULL;

	if (args)
		(void)rec_args_many(args, rows, n);
}

static void odd_read(void *ctx, const void *its_key, const void *value)
{
	const struct ebpf_reader *reader = ctx;
	const struct ebpf_odd_key *key = its_key;
	const struct ebpf_odd *odd = value;
	char name[SYSCALL_NAME_MAX];
	struct rec_call *call;
	uint64_t first_ns;

	if (key->target != reader->target)
		return;
	call = recording_call(reader->rec, abi_entered(key->entry, key->nr), key->nr);
	if (!call)
		return;
	first_ns = epoch_ns(odd->fact.first_ns);
	call->count += odd->calls;
	call->denied += odd->fact.denied;
	if (!syscall_name(call->abi, call->nr, name))
		call->enosys += odd->enosys;
	else if (reader->kernel->limits.tuples)
		odd_args(call, name); /* of x32 */
	if (!call->first_ns || first_ns < call->first_ns)
		call->first_ns = first_ns;
	call->last_ns = now_ns();
	program_extend(reader, call, program_member(reader, key->program));
	phase_extend(reader, call, phase_member(reader, key->phase));
}

struct rec_origin *ebpf_reader_origin(struct ebpf_reader *reader, const struct ebpf_origin *origin)
{
	const struct abi *abi = abi_entered(origin->entry, origin->nr);
	size_t program = program_member(reader, origin->event.program);
	size_t phase = phase_member(reader, origin->phase);
	struct rec_call *call = recording_call(reader->rec, abi, origin->nr);

	if (!call)
		return NULL;
	/* It comes before its count. */
	program_extend(reader, call, program);
	phase_extend(reader, call, phase);
	return rec_origin_add(reader->rec, abi, origin->nr, program, phase, (pid_t)origin->pid,
		(pid_t)origin->tid, epoch_ns(origin->time_ns), origin->args);
}

bool ebpf_reader_has_news(const struct ebpf_reader *reader)
{
	return __atomic_load_n(&reader->kernel->targets[reader->target].news, __ATOMIC_RELAXED) !=
	       reader->news;
}

int ebpf_reader_sync(struct ebpf_reader *reader, struct err *e)
{
	const struct ebpf_target *target = &reader->kernel->targets[reader->target];

	/* Before the rest: what comes meanwhile is news the next time. */
	reader->news = __atomic_load_n(&target->news, __ATOMIC_ACQUIRE);
	for (uint32_t slot = 0; slot < EBPF_SLOTS; slot++)
		slot_sync(reader, slot);
	programs_sync(reader);
	phases_sync(reader);
	if (__atomic_load_n(&target->tuples, __ATOMIC_RELAXED) && ebpf_reader_args(reader, e))
		return -e->code;
	if (!__atomic_load_n(&target->odds, __ATOMIC_RELAXED))
		return 0;
	odd_reset(reader->rec);
	return ebpf_kernel_each_odd(reader->kernel, odd_read, reader, e);
}

void ebpf_reader_losses(struct ebpf_reader *reader, const uint64_t lost[LOSS_WAYS])
{
	for (size_t way = 0; way < LOSS_WAYS; way++) {
		if (lost[way] > reader->lost_before[way])
			reader->rec->loss[way] = lost[way] - reader->lost_before[way];
	}
}
