#include "ebpf_read.h"

#include <linux/audit.h>
#include <string.h>
#include <time.h>

#include "scope.h"
#include "syscalls.h"

/* How the kernel marks the path of a file without a name (d_path(), fs/d_path.c). */
#define GONE_SUFFIX " (deleted)"
/* Stands for the directories that did not fit. */
#define CUT_PREFIX "..."

void ebpf_reader_init(
	struct ebpf_reader *reader, const struct ebpf_kernel *kernel, struct recording *rec)
{
	*reader = (struct ebpf_reader){.kernel = kernel, .rec = rec};
	for (size_t i = 0; i < ARRAY_LEN(reader->names); i++)
		reader->names[i] = SIZE_MAX;
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

void ebpf_reader_program(struct ebpf_reader *reader, const struct ebpf_event *event, size_t size)
{
	const char *path = (const char *)(event + 1);
	char text[2 * EBPF_PATH_MAX];

	if (event->program >= EBPF_PROGRAMS || !event->path_size ||
		event->path_size > EBPF_PATH_MAX || size < sizeof(*event) + event->path_size)
		return;
	path_build(path, event->path_size, event->path_flags, text);
	reader->names[event->program] = rec_names_index(&reader->rec->programs, text);
}

/* CLOCK_MONOTONIC to the Unix epoch. */
static uint64_t epoch_ns(uint64_t monotonic_ns)
{
	struct timespec now;
	uint64_t now_monotonic_ns;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	now_monotonic_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return now_ns() - (now_monotonic_ns - monotonic_ns);
}

static uint64_t slot_calls(const struct ebpf_kernel *kernel, uint32_t slot)
{
	uint64_t calls = 0;

	for (unsigned cpu = 0; cpu < kernel->cpus; cpu++)
		calls += __atomic_load_n(&kernel->counts[cpu].calls[slot], __ATOMIC_RELAXED);
	return calls;
}

static struct rec_call *slot_entry(struct ebpf_reader *reader, uint32_t slot)
{
	return recording_call(
		reader->rec, abi_by_name(EBPF_ABI_NAMES[slot / EBPF_NRS]), slot % EBPF_NRS);
}

static void facts_read(struct rec_call *call, const struct ebpf_fact *fact)
{
	if (!call->first_ns && fact->first_ns)
		call->first_ns = epoch_ns(fact->first_ns);
	call->denied = fact->denied;
	call->enosys = fact->enosys;
}

static void slot_sync(struct ebpf_reader *reader, uint32_t slot)
{
	uint64_t calls = slot_calls(reader->kernel, slot);
	struct rec_call *call;

	if (!calls)
		return;
	call = slot_entry(reader, slot);
	if (!call)
		return;
	if (calls != reader->calls[slot])
		call->last_ns = now_ns();
	reader->calls[slot] = calls;
	call->count = calls;
	facts_read(call, &reader->kernel->facts[slot]);
	if (call->first_ns > call->last_ns)
		call->last_ns = call->first_ns;
}

static void program_add(struct ebpf_reader *reader, struct rec_call *call, size_t program)
{
	if (call && reader->names[program] != SIZE_MAX &&
		bits_add(&call->programs, reader->names[program]))
		reader->rec->loss[LOSS_NO_MEMORY]++;
}

static void program_sync(struct ebpf_reader *reader, size_t program)
{
	const struct ebpf_program *seen = &reader->kernel->programs[program];

	for (uint32_t word = 0; word < EBPF_WORDS; word++) {
		uint64_t bits = __atomic_load_n(&seen->seen[word], __ATOMIC_RELAXED);

		for (; bits; bits &= bits - 1) {
			uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);

			/* The bit may be ahead of the count. */
			if (reader->calls[slot])
				program_add(reader, slot_entry(reader, slot), program);
		}
	}
}

/* Odd numbers of several programs add up: their entries start from zero at each reading. */
static void odd_reset(struct recording *rec)
{
	for (size_t i = 0; i < rec->n_calls; i++) {
		struct rec_call *call = &rec->calls[i];

		if (call->nr >= EBPF_NRS)
			call->count = call->denied = call->enosys = 0;
	}
}

static const struct abi *odd_abi(const struct ebpf_odd_key *key)
{
	return abi_of_call(key->entry == EBPF_I386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64, key->nr);
}

static void odd_read(void *ctx, const struct ebpf_odd_key *key, const struct ebpf_odd *odd)
{
	struct ebpf_reader *reader = ctx;
	struct rec_call *call = recording_call(reader->rec, odd_abi(key), key->nr);
	char name[SYSCALL_NAME_MAX];
	uint64_t first_ns = epoch_ns(odd->fact.first_ns);

	if (!call)
		return;
	call->count += odd->calls;
	call->denied += odd->fact.denied;
	if (!syscall_name(call->abi, call->nr, name))
		call->enosys += odd->fact.enosys;
	if (!call->first_ns || first_ns < call->first_ns)
		call->first_ns = first_ns;
	call->last_ns = now_ns();
	if (key->program < EBPF_PROGRAMS)
		program_add(reader, call, key->program);
}

int ebpf_reader_sync(struct ebpf_reader *reader, struct err *e)
{
	const struct ebpf_state *state = reader->kernel->state;
	size_t programs = __atomic_load_n(&state->programs, __ATOMIC_RELAXED) + 1u;

	for (uint32_t slot = 0; slot < EBPF_SLOTS; slot++)
		slot_sync(reader, slot);
	for (size_t program = 1; program < programs && program < EBPF_PROGRAMS; program++)
		program_sync(reader, program);
	if (!__atomic_load_n(&state->odds, __ATOMIC_RELAXED))
		return 0;
	odd_reset(reader->rec);
	return ebpf_kernel_each_odd(reader->kernel, odd_read, reader, e);
}
