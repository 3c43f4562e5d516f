#include "ebpf_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <ebpf.skel.h>
#include "ebpf_needs.h"
#include "scope.h"
#include "syscalls.h"

enum { BATCH = 256, MS = 1000000 };

const struct ebpf_limits EBPF_LIMITS = {
	.programs = EBPF_PROGRAMS,
	.odds = EBPF_ODDS,
	.ring_bytes = EBPF_RING_BYTES,
	.hold_ns = 20 * MS, /* attaching takes about half a millisecond where a CPU is free */
};

const char *const EBPF_ABI_NAMES[EBPF_ENTRIES] = {"x86_64", "i386"};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* No call has the number UINT32_MAX, where an ABI should lack one. */
static uint32_t number_of(const struct abi *abi, const char *name)
{
	uint32_t nr;

	return syscall_number(abi, name, &nr) ? UINT32_MAX : nr;
}

static void setup_fill(struct ebpf_setup *setup, const struct ebpf_limits *limits)
{
	char name[SYSCALL_NAME_MAX];

	setup->hold_ns = limits->hold_ns;
	setup->programs = limits->programs;
	setup->execve_nr = number_of(abi_by_name(EBPF_ABI_NAMES[EBPF_X86_64]), "execve");
	for (unsigned entry = 0; entry < EBPF_ENTRIES; entry++) {
		const struct abi *abi = abi_by_name(EBPF_ABI_NAMES[entry]);

		setup->seccomp_nr[entry] = number_of(abi, "seccomp");
		setup->prctl_nr[entry] = number_of(abi, "prctl");
		for (uint32_t nr = 0; nr < EBPF_NRS; nr++) {
			uint32_t slot = entry * EBPF_NRS + nr;

			if (!syscall_name(abi, nr, name))
				setup->unnamed[slot / 64] |= 1ull << slot % 64;
		}
	}
}

static int configure(struct ebpf_kernel *kernel, const struct ebpf_limits *limits)
{
	struct ebpf_programs *skeleton = kernel->skeleton;
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	kernel->cpus = (unsigned)cpus;
	setup_fill(&skeleton->rodata->setup, limits);
	bpf_program__set_autoload(skeleton->progs.on_vsyscall, ebpf_has_vsyscall_event());
	if (bpf_map__set_max_entries(skeleton->maps.counts, kernel->cpus) ||
		bpf_map__set_max_entries(skeleton->maps.programs, limits->programs) ||
		bpf_map__set_max_entries(skeleton->maps.program_indexes, limits->programs) ||
		bpf_map__set_max_entries(skeleton->maps.odds, limits->odds) ||
		bpf_map__set_max_entries(skeleton->maps.ring, limits->ring_bytes))
		return -errno;
	return ebpf_programs__load(skeleton);
}

static size_t map_size(const struct bpf_map *map)
{
	return (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
}

static const void *map_view(const struct bpf_map *map)
{
	void *view = mmap(NULL, map_size(map), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	return view == MAP_FAILED ? NULL : view;
}

static void map_unview(const struct bpf_map *map, const void *view)
{
	if (view)
		(void)munmap((void *)(uintptr_t)view, map_size(map));
}

static bool view_all(struct ebpf_kernel *kernel)
{
	kernel->counts = map_view(kernel->skeleton->maps.counts);
	kernel->facts = map_view(kernel->skeleton->maps.facts);
	kernel->programs = map_view(kernel->skeleton->maps.programs);
	kernel->state = &kernel->skeleton->bss->state;
	return kernel->counts && kernel->facts && kernel->programs;
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
	code = configure(kernel, limits);
	if (code)
		return ebpf_needs_explain(-code, e);
	if (!view_all(kernel))
		return err_sys(e, errno, "ebpf: cannot map the counters");
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
		map_unview(kernel->skeleton->maps.facts, kernel->facts);
		map_unview(kernel->skeleton->maps.programs, kernel->programs);
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

/* bpf_program__attach() of all that is needed from the start; sys_enter comes last. */
static int attach_all(struct ebpf_programs *skeleton)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} order[] = {
		{skeleton->progs.on_exit, &skeleton->links.on_exit},
		{skeleton->progs.on_fork, &skeleton->links.on_fork},
		{skeleton->progs.on_exec, &skeleton->links.on_exec},
		{skeleton->progs.on_vsyscall, &skeleton->links.on_vsyscall},
		{skeleton->progs.on_enter, &skeleton->links.on_enter},
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (!bpf_program__autoload(order[i].program))
			continue;
		*order[i].link = bpf_program__attach(order[i].program);
		if (!*order[i].link)
			return -errno;
	}
	return 0;
}

int ebpf_kernel_watch(struct ebpf_kernel *kernel, pid_t pid, struct err *e)
{
	const struct ebpf_task first = {.starting = 1, .entered = EBPF_ANY_RETURN};
	scoped_fd int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int code;

	if (pid_fd < 0)
		return err_sys(e, errno, "ebpf: process %d", pid);
	kernel->state->live = 1;
	if (bpf_map_update_elem(
		    bpf_map__fd(kernel->skeleton->maps.tasks), &pid_fd, &first, BPF_NOEXIST))
		return err_sys(e, errno, "ebpf: cannot mark process %d", pid);
	code = attach_all(kernel->skeleton);
	return code ? err_sys(e, -code, "ebpf: cannot attach to the tracepoints") : 0;
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
	ebpf_programs__detach(kernel->skeleton);
}

uint64_t ebpf_missed(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) ? 0 : info.recursion_misses;
}

void ebpf_kernel_losses(const struct ebpf_kernel *kernel, struct recording *rec)
{
	const struct ebpf_state *state = kernel->state;
	struct bpf_program *program;

	rec->loss[LOSS_INHERIT_FAILURES] = state->inherit_failures;
	rec->loss[LOSS_MAP_FULL] = state->map_full;
	rec->loss[LOSS_OUT_OF_RANGE] = state->out_of_range;
	rec->loss[LOSS_RING_FULL] = state->ring_full;
	rec->loss[LOSS_LATE_RETURNS] = state->late_returns;
	rec->loss[LOSS_MISSED_RECURSION] = 0;
	bpf_object__for_each_program(program, kernel->skeleton->obj)
	{
		if (bpf_program__autoload(program))
			rec->loss[LOSS_MISSED_RECURSION] += ebpf_missed(bpf_program__fd(program));
	}
}

int ebpf_kernel_each_odd(const struct ebpf_kernel *kernel,
	void (*each)(void *ctx, const struct ebpf_odd_key *key, const struct ebpf_odd *odd),
	void *ctx, struct err *e)
{
	struct ebpf_odd_key keys[BATCH];
	struct ebpf_odd odds[BATCH];
	uint64_t cursor;
	bool first = true;

	for (;;) {
		uint32_t n = BATCH;
		int code = bpf_map_lookup_batch(bpf_map__fd(kernel->skeleton->maps.odds),
			first ? NULL : &cursor, &cursor, keys, odds, &n, NULL);

		if (code && errno != ENOENT)
			return err_sys(e, errno, "ebpf: cannot read the odd numbers");
		for (uint32_t i = 0; i < n; i++)
			each(ctx, &keys[i], &odds[i]);
		if (code)
			return 0;
		first = false;
	}
}
