#include "ebpf_target.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ebpf.skel.h>
#include "phase.h"
#include "scope.h"

/* More passes than it takes to find a tree, however fast it grows meanwhile. */
enum { PASSES_MAX = 64, TASKS_PER_READ = 4096 };

static int mark(struct ebpf_kernel *kernel, pid_t pid, const struct ebpf_task *first, struct err *e)
{
	scoped_fd int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pid_fd < 0)
		return err_sys(e, errno, "process %d", pid);
	if (bpf_map_update_elem(bpf_map__fd(kernel->skeleton->maps.tasks), &pid_fd, first, BPF_ANY))
		return err_sys(e, errno, "ebpf: cannot mark process %d", pid);
	/*
	 * It is no bystander any more.  What it was in another target before is not known on any
	 * CPU: its threads have left that by an epoch.
	 */
	(void)__atomic_add_fetch(&kernel->targets[0].epoch, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int key_add(const struct bpf_map *map, uint64_t key, uint32_t index, struct err *e)
{
	if (!key)
		return 0;
	if (!bpf_map_update_elem(bpf_map__fd(map), &key, &index, BPF_NOEXIST))
		return 0;
	return errno == EEXIST ? err_set(e, EEXIST, "it is being recorded already")
			       : err_sys(e, errno, "ebpf: cannot name a target");
}

int ebpf_target_name(
	struct ebpf_kernel *kernel, uint32_t index, pid_t pid, bool starting, struct err *e)
{
	const struct ebpf_task named = {
		.target = index,
		.epoch = kernel->targets[index].epoch,
		.idle = EBPF_IDLE_NAMED | (starting ? EBPF_IDLE_STARTING : 0),
	};

	return mark(kernel, pid, &named, e);
}

static int keys_add(struct ebpf_kernel *kernel, const struct ebpf_target_keys *keys, uint32_t index,
	struct err *e)
{
	if (key_add(kernel->skeleton->maps.by_mount_space, keys->mount_space, index, e) ||
		key_add(kernel->skeleton->maps.by_cgroup, keys->cgroup, index, e))
		return -e->code;
	if (!keys->process)
		return 0;
	return ebpf_target_name(kernel, index, keys->process, keys->starting, e);
}

int ebpf_target_new(struct ebpf_kernel *kernel, const struct ebpf_target_keys *keys,
	uint32_t *out_index, struct err *e)
{
	struct ebpf_target *target;
	uint32_t index;

	if (bpf_map_lookup_and_delete_elem(
		    bpf_map__fd(kernel->skeleton->maps.spare_targets), NULL, &index))
		return err_set(e, ENOSPC, "ebpf: no room for more than %u targets at a time",
			kernel->limits.targets - 1);
	target = &kernel->targets[index];
	target->mount_space = keys->mount_space;
	target->follows = !keys->cgroup;
	kernel->state->by_cgroup += !target->follows;
	target->verdict = EBPF_WANTED;
	target->leaves = keys->cgroup && !keys->process && !keys->mount_space;
	target->started = !keys->starting;
	target->listening = keys->listening;
	target->phase = keys->starting ? PHASE_START : PHASE_SERVE;
	__atomic_store_n(&target->state, EBPF_IN_USE, __ATOMIC_RELEASE);
	if (keys_add(kernel, keys, index, e)) {
		ebpf_target_free(kernel, index);
		return -e->code;
	}
	*out_index = index;
	return 0;
}

int ebpf_target_begin(struct ebpf_kernel *kernel, uint32_t index, pid_t pid, struct err *e)
{
	const struct ebpf_task first = {
		.target = index,
		.epoch = kernel->targets[index].epoch,
		.idle = EBPF_IDLE_STARTING,
		.counted = 1,
		.entered = EBPF_ANY_RETURN,
	};

	kernel->targets[index].live = 1;
	return mark(kernel, pid, &first, e);
}

/* Run the program over all tasks, or their maps. */
static int scan_once(const struct bpf_program *program, struct err *e)
{
	scoped_fd int link_fd = -1, fd = -1;
	char buffer[TASKS_PER_READ];
	ssize_t n;

	link_fd = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, NULL);
	if (link_fd >= 0)
		fd = bpf_iter_create(link_fd);
	if (fd < 0)
		return err_sys(e, errno, "ebpf: cannot look at all tasks");
	do {
		n = read(fd, buffer, sizeof(buffer));
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? err_sys(e, errno, "ebpf: cannot look at all tasks") : 0;
}

int ebpf_targets_scan(struct ebpf_kernel *kernel, struct err *e)
{
	uint32_t before;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		before = kernel->state->added;
		kernel->state->undecided = 0;
		if (scan_once(kernel->skeleton->progs.mark_all, e))
			return -e->code;
		/* Calls that such filters deny are returns only. */
		if (kernel->state->filtered && ebpf_kernel_watch_returns(kernel, e))
			return -e->code;
		if (kernel->state->added == before)
			return scan_once(kernel->skeleton->progs.look_at_maps, e);
	}
	return err_set(e, EAGAIN, "the processes multiply faster than they are found");
}

void ebpf_target_begin_phase(struct ebpf_kernel *kernel, uint32_t index, unsigned phase)
{
	struct ebpf_target *target = &kernel->targets[index];

	__atomic_store_n(&target->phase, phase, __ATOMIC_RELAXED);
	(void)__atomic_add_fetch(&target->epoch, 1, __ATOMIC_RELEASE);
}

/* The entries of a map that belong to a target. */
struct owned {
	const struct bpf_map *map;
	size_t target_at; /* byte of the key */
	uint32_t index;
	void (*give_back)(void *ctx, const void *value); /* what the value is for; may be NULL */
	void *ctx;
};

static void owned_delete(void *ctx, const void *key, const void *value)
{
	const struct owned *owned = ctx;
	uint32_t owner;

	memcpy(&owner, (const unsigned char *)key + owned->target_at, sizeof(owner));
	if (owner != owned->index)
		return;
	if (owned->give_back)
		owned->give_back(owned->ctx, value);
	(void)bpf_map_delete_elem(bpf_map__fd(owned->map), key);
}

static void keys_delete(const struct bpf_map *map, size_t target_at, uint32_t index)
{
	struct owned owned = {.map = map, .target_at = target_at, .index = index};
	struct err none;

	(void)ebpf_map_each(map, owned_delete, &owned, &none);
}

/* A program's index is to be given to another one. */
static void program_give_back(void *ctx, const void *value)
{
	static const struct ebpf_program NONE;
	const struct ebpf_programs *skeleton = ctx;

	(void)bpf_map_update_elem(bpf_map__fd(skeleton->maps.programs), value, &NONE, BPF_ANY);
	(void)bpf_map_update_elem(bpf_map__fd(skeleton->maps.spare_programs), NULL, value, BPF_ANY);
}

static void programs_delete(const struct ebpf_programs *skeleton, uint32_t index)
{
	struct owned owned = {
		.map = skeleton->maps.program_indexes,
		.target_at = offsetof(struct ebpf_file_key, target),
		.index = index,
		.give_back = program_give_back,
		.ctx = (void *)(uintptr_t)skeleton,
	};
	struct err none;

	(void)ebpf_map_each(owned.map, owned_delete, &owned, &none);
}

/* The value is the index of a target. */
static void by_delete(const struct bpf_map *map, uint32_t index)
{
	uint64_t key, next;
	uint32_t owner;
	bool more = !bpf_map_get_next_key(bpf_map__fd(map), NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(bpf_map__fd(map), &key, &next);
		if (!bpf_map_lookup_elem(bpf_map__fd(map), &key, &owner) && owner == index)
			(void)bpf_map_delete_elem(bpf_map__fd(map), &key);
	}
}

/* What is kept of the files that its threads execute, map, of their odd numbers and arguments. */
static void details_free(struct ebpf_kernel *kernel, uint32_t index)
{
	const struct ebpf_programs *skeleton = kernel->skeleton;
	const struct ebpf_target *target = &kernel->targets[index];

	programs_delete(skeleton, index);
	keys_delete(skeleton->maps.mapped, offsetof(struct ebpf_file_key, target), index);
	if (target->odds)
		keys_delete(skeleton->maps.odds, offsetof(struct ebpf_odd_key, target), index);
	if (target->tuples) {
		keys_delete(skeleton->maps.tuples, offsetof(struct ebpf_tuple_key, target), index);
		keys_delete(skeleton->maps.tuple_counts, offsetof(struct ebpf_tuples_key, target),
			index);
	}
}

void ebpf_target_judge(struct ebpf_kernel *kernel, uint32_t index, enum ebpf_verdict verdict)
{
	struct ebpf_target *target = &kernel->targets[index];

	__atomic_store_n(&target->verdict, verdict, __ATOMIC_RELEASE);
	if (verdict != EBPF_UNWANTED)
		return;
	/* At its next call each thread notices. */
	(void)__atomic_add_fetch(&target->epoch, 1, __ATOMIC_RELEASE);
	details_free(kernel, index);
}

void ebpf_target_free(struct ebpf_kernel *kernel, uint32_t index)
{
	static const struct ebpf_counts NONE;
	const struct ebpf_programs *skeleton = kernel->skeleton;
	struct ebpf_target *target = &kernel->targets[index];
	uint32_t epoch;

	/* From here its threads find that they are nobody's. */
	target->state = EBPF_FREE;
	kernel->state->by_cgroup -= !target->follows;
	epoch = __atomic_add_fetch(&target->epoch, 1, __ATOMIC_SEQ_CST);
	target->begun = epoch;
	by_delete(skeleton->maps.by_mount_space, index);
	by_delete(skeleton->maps.by_cgroup, index);
	details_free(kernel, index);
	for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
		uint32_t key = index * kernel->lanes + lane;

		(void)bpf_map_update_elem(bpf_map__fd(skeleton->maps.counts), &key, &NONE, BPF_ANY);
	}
	/* The epochs stay: for a moment without, its last threads would pass for the next one's. */
	memset(&target->phase, 0, sizeof(*target) - offsetof(struct ebpf_target, phase));
	(void)bpf_map_update_elem(bpf_map__fd(skeleton->maps.spare_targets), NULL, &index, BPF_ANY);
}
