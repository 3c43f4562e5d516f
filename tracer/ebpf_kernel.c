#include "ebpf_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ebpf.skel.h>
#include "ebpf_needs.h"
#include "phase.h"
#include "proc.h"
#include "scope.h"
#include "syscalls.h"

enum { BATCH = 256, TUPLES_PER_CALL = 4, MS = 1000000 };

const struct ebpf_limits EBPF_LIMITS = {
	.targets = 2,
	.lanes = EBPF_LANES_MAX,
	.programs = 2048,
	.mapped = 4096,
	.odds = 16384,
	.tuples = 8192,
	.threads = 4096,
	.ring_bytes = 256 * 1024,
	.hold_ns = 20 * MS, /* attaching takes about half a millisecond where a CPU is free */
};

const struct ebpf_limits EBPF_LIMITS_SEVERAL = {
	.targets = 65, /* RECORD_TARGETS_MAX of cli/record_attach.h */
	.lanes = EBPF_LANES_MAX,
	.programs = 4096,
	.mapped = 8192,
	.odds = 16384,
	.tuples = 32768,
	.threads = 8192,
	.ring_bytes = 512 * 1024,
	.hold_ns = 20 * MS,
};

/*
 * 500 containers, and what else has mounts of its own.  32 MiB in all, with what the recordings
 * take, on however many CPUs: so they share the counts, and no arguments are recorded.
 */
const struct ebpf_limits EBPF_LIMITS_NODE = {
	.targets = 577,
	.lanes = 1,
	.programs = 8192,
	.mapped = 16384,
	.odds = 4096,
	.threads = 1024,
	.ring_bytes = 1024 * 1024,
	.hold_ns = 20 * MS,
};

const char *const EBPF_ABI_NAMES[EBPF_ENTRIES] = {"x86_64", "i386"};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Opening the C library and its tables takes tens of milliseconds, once. */
#define STACK_HOLD_NS (50ull * MS)

_Static_assert((int)EBPF_ARGS == ARGS_PER_CALL_MAX, "what is recorded of a call is one thing");
_Static_assert((int)EBPF_TUPLES_MAX == ARG_TUPLES_MAX + 1, "what makes many is kept");

/* No call has the number UINT32_MAX, where an ABI should lack one. */
static uint32_t number_of(const struct abi *abi, const char *name)
{
	uint32_t nr;

	return syscall_number(abi, name, &nr) ? UINT32_MAX : nr;
}

static void set_add(uint64_t set[EBPF_WORDS], uint32_t slot)
{
	set[slot / 64] |= 1ull << slot % 64;
}

static void setup_args(struct ebpf_arg_spec *spec, const struct abi *abi, const char *name)
{
	const struct arg_row *rows;

	spec->n = (ebpf_u8)args_of_call(abi, name, &rows);
	for (size_t i = 0; i < spec->n; i++) {
		spec->index[i] = rows[i].index;
		spec->masks[rows[i].index] = rows[i].bits == 64 ? UINT64_MAX : UINT32_MAX;
		spec->far |= rows[i].index >= EBPF_CALL_NEAR;
	}
}

static void setup_slot(
	struct ebpf_setup *setup, const struct abi *abi, uint32_t slot, bool arguments)
{
	/* Loading a filter, mapping code. */
	static const char *const LOOKS[] = {"seccomp", "prctl", "mmap", "mmap2"};
	char name[SYSCALL_NAME_MAX];

	if (!syscall_name(abi, slot % EBPF_NRS, name)) {
		set_add(setup->unnamed, slot);
		return;
	}
	if (arguments)
		setup_args(&setup->args[slot], abi, name);
	for (size_t i = 0; i < ARRAY_LEN(LOOKS); i++) {
		if (strcmp(name, LOOKS[i]) != 0)
			continue;
		set_add(setup->looks, slot);
		setup->args[slot].far = true;
	}
	if (phase_role(name) == PHASE_ROLE_LISTEN)
		set_add(setup->listens, slot);
	else if (phase_role(name) == PHASE_ROLE_WAIT)
		set_add(setup->waits, slot);
}

static void setup_fill(struct ebpf_setup *setup, const struct ebpf_kernel *kernel)
{
	const struct ebpf_limits *limits = &kernel->limits;

	setup->hold_ns = limits->hold_ns;
	setup->stack_hold_ns = STACK_HOLD_NS;
	setup->programs = limits->programs;
	setup->lanes = kernel->lanes;
	setup->lanes_shared = kernel->cpus > kernel->lanes;
	setup->cpus = kernel->cpus;
	setup->calls = limits->threads;
	setup->discovers = limits->discovers;
	setup->origins = limits->origins;
	setup->ring_bytes = limits->ring_bytes;
	setup->mount_space_ids = proc_mount_spaces_are_ids();
	setup->mount_spaces[0] = proc_mount_space(1);
	setup->mount_spaces[1] = proc_mount_space(getpid());
	setup->execve_nr = number_of(abi_by_name(EBPF_ABI_NAMES[EBPF_X86_64]), "execve");
	for (unsigned entry = 0; entry < EBPF_ENTRIES; entry++) {
		const struct abi *abi = abi_by_name(EBPF_ABI_NAMES[entry]);

		setup->seccomp_nr[entry] = number_of(abi, "seccomp");
		setup->prctl_nr[entry] = number_of(abi, "prctl");
		for (uint32_t nr = 0; nr < EBPF_NRS; nr++)
			setup_slot(setup, abi, entry * EBPF_NRS + nr, limits->tuples > 0);
	}
}

/* The room of each map; what a map has is set where that does not depend on the limits. */
static int make_room(struct ebpf_kernel *kernel)
{
	const struct ebpf_limits *limits = &kernel->limits;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} rooms[] = {
		{kernel->skeleton->maps.targets, limits->targets},
		{kernel->skeleton->maps.counts, limits->targets * kernel->lanes},
		{kernel->skeleton->maps.spare_targets, limits->targets},
		{kernel->skeleton->maps.by_mount_space, limits->targets},
		{kernel->skeleton->maps.by_cgroup, limits->targets},
		{kernel->skeleton->maps.programs, limits->programs},
		{kernel->skeleton->maps.program_indexes, limits->programs},
		{kernel->skeleton->maps.spare_programs, limits->programs},
		{kernel->skeleton->maps.mapped, limits->mapped},
		{kernel->skeleton->maps.odds, limits->odds},
		{kernel->skeleton->maps.tuples, limits->tuples},
		/* A call has several, as a rule; where it has not, it is this that is full first.
		 */
		{kernel->skeleton->maps.tuple_counts, limits->tuples / TUPLES_PER_CALL},
		{kernel->skeleton->maps.recents,
			limits->tuples ? limits->targets * kernel->lanes : 0},
		{kernel->skeleton->maps.known, kernel->cpus * EBPF_KNOWN},
		{kernel->skeleton->maps.calls, limits->threads},
		{kernel->skeleton->maps.spare_calls, limits->threads},
		{kernel->skeleton->maps.ring, limits->ring_bytes},
	};

	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		/* No map has no room. */
		if (bpf_map__set_max_entries(rooms[i].map, rooms[i].entries ? rooms[i].entries : 1))
			return -errno;
	}
	return 0;
}

/* A lane for each CPU, as far as there are; a power of two. */
static unsigned lanes_for(unsigned cpus, unsigned max)
{
	unsigned lanes = 1;

	while (lanes < cpus && lanes < max)
		lanes *= 2;
	return lanes;
}

/* To verify a program takes the kernel longer than all else that is done before recording. */
static void autoload_set(struct ebpf_kernel *kernel)
{
	struct ebpf_programs *skeleton = kernel->skeleton;
	bool attaches = kernel->limits.attaches;

	bpf_program__set_autoload(skeleton->progs.on_vsyscall, ebpf_has_vsyscall_event());
	bpf_program__set_autoload(skeleton->progs.on_attach, attaches);
	bpf_program__set_autoload(skeleton->progs.mark_all, attaches);
	bpf_program__set_autoload(skeleton->progs.look_at_maps, attaches);
}

static int configure(struct ebpf_kernel *kernel)
{
	struct ebpf_programs *skeleton = kernel->skeleton;
	int cpus = libbpf_num_possible_cpus(), code;

	if (cpus < 0)
		return cpus;
	kernel->cpus = (unsigned)cpus;
	kernel->lanes = lanes_for(kernel->cpus, kernel->limits.lanes);
	setup_fill(&skeleton->rodata->setup, kernel);
	autoload_set(kernel);
	code = make_room(kernel);
	return code ? code : ebpf_programs__load(skeleton);
}

/* No epoch is 0. */
static void begin_epochs(struct ebpf_kernel *kernel)
{
	for (uint32_t index = 0; index < kernel->limits.targets; index++)
		kernel->targets[index].epoch = kernel->targets[index].begun = 1;
}

/* All targets are free, but for entry 0. */
static int fill_spares(struct ebpf_kernel *kernel)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.spare_targets);

	for (uint32_t index = 1; index < kernel->limits.targets; index++) {
		if (bpf_map_update_elem(fd, NULL, &index, BPF_ANY))
			return -errno;
	}
	return 0;
}

static size_t map_size(const struct bpf_map *map)
{
	return (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
}

static void *map_view(const struct bpf_map *map, int protection)
{
	void *view = mmap(NULL, map_size(map), protection, MAP_SHARED, bpf_map__fd(map), 0);

	return view == MAP_FAILED ? NULL : view;
}

static void map_unview(const struct bpf_map *map, const void *view)
{
	if (view)
		(void)munmap((void *)(uintptr_t)view, map_size(map));
}

static bool view_all(struct ebpf_kernel *kernel)
{
	kernel->counts = map_view(kernel->skeleton->maps.counts, PROT_READ);
	kernel->programs = map_view(kernel->skeleton->maps.programs, PROT_READ);
	kernel->targets = map_view(kernel->skeleton->maps.targets, PROT_READ | PROT_WRITE);
	kernel->state = &kernel->skeleton->bss->state;
	return kernel->counts && kernel->programs && kernel->targets;
}

static void scope_kernel(struct ebpf_kernel **kernel)
{
	ebpf_kernel_free(*kernel);
}

int ebpf_kernel_new(const struct ebpf_limits *limits, struct ebpf_kernel **out, struct err *e)
{
	scoped(scope_kernel) struct ebpf_kernel *kernel = NULL;
	int code;

	if (ebpf_needs_check(e))
		return -e->code;
	(void)libbpf_set_print(silent);
	kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return err_nomem(e);
	kernel->skeleton = ebpf_programs__open();
	if (!kernel->skeleton)
		return err_sys(e, errno, "ebpf: the programs cannot be read");
	kernel->limits = *limits;
	code = configure(kernel);
	if (!code)
		code = fill_spares(kernel);
	if (code)
		return ebpf_needs_explain(-code, e);
	if (!view_all(kernel))
		return err_sys(e, errno, "ebpf: cannot map the counters");
	begin_epochs(kernel);
	*out = steal_ptr(kernel);
	return 0;
}

void ebpf_kernel_free(struct ebpf_kernel *kernel)
{
	if (!kernel)
		return;
	ring_buffer__free(kernel->ring);
	if (kernel->skeleton) {
		map_unview(kernel->skeleton->maps.counts, kernel->counts);
		map_unview(kernel->skeleton->maps.programs, kernel->programs);
		map_unview(kernel->skeleton->maps.targets, kernel->targets);
		ebpf_programs__destroy(kernel->skeleton);
	}
	free(kernel);
}

int ebpf_kernel_listen(struct ebpf_kernel *kernel, ebpf_on_event *each, void *ctx, struct err *e)
{
	kernel->ring = ring_buffer__new(bpf_map__fd(kernel->skeleton->maps.ring), each, ctx, NULL);
	return kernel->ring ? 0 : err_sys(e, errno, "ebpf: cannot read the ring of events");
}

int ebpf_kernel_fd(const struct ebpf_kernel *kernel)
{
	return ring_buffer__epoll_fd(kernel->ring);
}

int ebpf_kernel_alarm_fd(const struct ebpf_kernel *kernel)
{
	return bpf_map__fd(kernel->skeleton->maps.alarm);
}

void ebpf_kernel_poll(struct ebpf_kernel *kernel)
{
	(void)ring_buffer__consume(kernel->ring);
}

int ebpf_kernel_attach(struct ebpf_kernel *kernel, struct err *e)
{
	struct ebpf_programs *skeleton = kernel->skeleton;
	/* Who belongs to whom comes before what they call. */
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} order[] = {
		{skeleton->progs.on_exit, &skeleton->links.on_exit},
		{skeleton->progs.on_fork, &skeleton->links.on_fork},
		{skeleton->progs.on_attach, &skeleton->links.on_attach},
		{skeleton->progs.on_exec, &skeleton->links.on_exec},
		{skeleton->progs.on_vsyscall, &skeleton->links.on_vsyscall},
		{skeleton->progs.on_enter, &skeleton->links.on_enter},
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (!bpf_program__autoload(order[i].program))
			continue;
		*order[i].link = bpf_program__attach(order[i].program);
		if (!*order[i].link)
			return err_sys(e, errno, "ebpf: cannot attach to the tracepoints");
	}
	return 0;
}

int ebpf_kernel_watch_returns(struct ebpf_kernel *kernel, struct err *e)
{
	struct ebpf_programs *skeleton = kernel->skeleton;

	if (skeleton->links.on_return)
		return 0;
	skeleton->links.on_return = bpf_program__attach(skeleton->progs.on_return);
	if (!skeleton->links.on_return)
		return err_sys(e, errno, "ebpf: cannot attach to the returns of calls");
	__atomic_store_n(&kernel->state->returns_watched, 1, __ATOMIC_RELEASE);
	return 0;
}

void ebpf_kernel_stop(struct ebpf_kernel *kernel)
{
	struct ebpf_programs *skeleton = kernel->skeleton;

	/*
	 * Returns first: one without an entry would pass for a denied call.  Then calls: a thread
	 * whose end is not seen any more leaves its stack to others.
	 */
	(void)bpf_link__destroy(skeleton->links.on_return);
	(void)bpf_link__destroy(skeleton->links.on_enter);
	skeleton->links.on_return = skeleton->links.on_enter = NULL;
	ebpf_programs__detach(skeleton);
}

uint64_t ebpf_missed(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) ? 0 : info.recursion_misses;
}

void ebpf_kernel_losses(const struct ebpf_kernel *kernel, uint64_t out[LOSS_WAYS])
{
	const struct ebpf_state *state = kernel->state;
	struct bpf_program *program;

	memset(out, 0, LOSS_WAYS * sizeof(*out));
	out[LOSS_INHERIT_FAILURES] = state->inherit_failures;
	out[LOSS_MAP_FULL] = state->map_full;
	out[LOSS_OUT_OF_RANGE] = state->out_of_range;
	out[LOSS_RING_FULL] = state->ring_full;
	out[LOSS_LATE_RETURNS] = state->late_returns;
	bpf_object__for_each_program(program, kernel->skeleton->obj)
	{
		if (bpf_program__autoload(program))
			out[LOSS_MISSED_RECURSION] += ebpf_missed(bpf_program__fd(program));
	}
}

int ebpf_map_each(const struct bpf_map *map, ebpf_on_entry *each, void *ctx, struct err *e)
{
	unsigned char keys[BATCH][EBPF_ENTRY_MAX], values[BATCH][EBPF_ENTRY_MAX];
	size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	uint64_t cursor;
	bool first = true;

	for (;;) {
		uint32_t n = BATCH;
		int code = bpf_map_lookup_batch(
			bpf_map__fd(map), first ? NULL : &cursor, &cursor, keys, values, &n, NULL);

		if (code && errno != ENOENT)
			return err_sys(e, errno, "ebpf: cannot read %s", bpf_map__name(map));
		for (uint32_t i = 0; i < n; i++)
			each(ctx, (unsigned char *)keys + i * key_size,
				(unsigned char *)values + i * value_size);
		if (code)
			return 0;
		first = false;
	}
}

int ebpf_kernel_each_odd(
	const struct ebpf_kernel *kernel, ebpf_on_entry *each, void *ctx, struct err *e)
{
	return ebpf_map_each(kernel->skeleton->maps.odds, each, ctx, e);
}

int ebpf_kernel_each_tuple(
	const struct ebpf_kernel *kernel, ebpf_on_entry *each, void *ctx, struct err *e)
{
	return ebpf_map_each(kernel->skeleton->maps.tuples, each, ctx, e);
}

size_t ebpf_kernel_args(
	const struct ebpf_kernel *kernel, uint32_t slot, struct arg_row out_rows[ARGS_PER_CALL_MAX])
{
	const struct ebpf_arg_spec *spec = &kernel->skeleton->rodata->setup.args[slot];

	for (size_t i = 0; i < spec->n; i++)
		out_rows[i] = (struct arg_row){.index = spec->index[i],
			.bits = spec->masks[spec->index[i]] > UINT32_MAX ? 64 : 32};
	return spec->n;
}
