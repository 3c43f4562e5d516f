/*
 * ebpf_path.bpf.h: which program a thread executes: an index for each, and the path of a new one;
 * and which files it maps as code.
 *
 * bpf_d_path() is refused in tracepoints, and /proc is too late for programs that end at once: so
 * the path is walked here, as d_path() of fs/d_path.c does, up to the root of the mount namespace.
 */
#ifndef SYSCLAMP_EBPF_PATH_BPF_H
#define SYSCLAMP_EBPF_PATH_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ebpf_maps.bpf.h"
#include "ebpf_types.bpf.h"

enum { PATH_DEPTH_MAX = 64 };

/* On the way from a file to the root of its mounts. */
struct path_walk {
	struct event_buffer *buffer;
	struct dentry *dentry;
	struct mount *mount;
	ebpf_u32 size;
	bool arrived;
};

/* One name, or one mount, up; returns whether to stop. */
static long path_step(ebpf_u32 step, struct path_walk *walk)
{
	/* Locals: what BPF_CORE_READ is given has to be of the kernel from its first step. */
	struct dentry *dentry = walk->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct mount *mount = walk->mount, *above = BPF_CORE_READ(mount, mnt_parent);
	long len;

	/* A mount of a single file is its root itself. */
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		walk->arrived = above == mount;
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		return walk->arrived;
	}
	/* Moved out of what is mounted; the root of a file system has no name. */
	if (step > 0 && dentry == parent) {
		walk->arrived = true;
		return true;
	}
	len = bpf_probe_read_kernel_str(&walk->buffer->path[walk->size % EBPF_PATH_MAX],
		NAME_MAX + 1, BPF_CORE_READ(dentry, d_name.name));
	if (len <= 0 || walk->size + len > EBPF_PATH_MAX)
		return true;
	walk->size += len;
	walk->dentry = parent;
	walk->arrived = parent == dentry;
	return walk->arrived;
}

/* d_unlinked() of the kernel, and files that never had a directory (memfd_create(2)). */
static bool path_is_gone(const struct dentry *dentry)
{
	return !BPF_CORE_READ(dentry, d_hash.pprev) || dentry == BPF_CORE_READ(dentry, d_parent);
}

/*
 * A file, by the numbers of its struct path: global functions take nothing else, and these are
 * global so that the kernel verifies them once, and not for each of their callers.
 */
struct place {
	struct vfsmount *mount;
	struct dentry *dentry;
};

/* The names from the file up, to @buffer. */
static void path_read(struct event_buffer *buffer, const struct place *place)
{
	struct dentry *dentry = place->dentry;
	struct path_walk walk = {
		.buffer = buffer,
		.dentry = dentry,
		.mount = (void *)place->mount - bpf_core_field_offset(struct mount, mnt),
	};

	if (path_is_gone(dentry))
		buffer->event.path_flags |= EBPF_PATH_GONE;
	bpf_loop(PATH_DEPTH_MAX, path_step, &walk, 0);
	if (!walk.arrived)
		buffer->event.path_flags |= EBPF_PATH_CUT;
	buffer->event.path_size = walk.size;
}

static void file_tell(ebpf_u32 kind, ebpf_u32 target, ebpf_u32 index, const struct place *place)
{
	ebpf_u32 zero = 0, size;
	struct event_buffer *buffer = bpf_map_lookup_elem(&buffers, &zero);

	if (!buffer)
		return;
	buffer->event = (struct ebpf_event){.kind = kind, .target = target, .program = index};
	path_read(buffer, place);
	size = buffer->event.path_size;
	if (size > EBPF_PATH_MAX)
		return;
	if (bpf_ringbuf_output(&ring, buffer, sizeof(buffer->event) + size, 0))
		__sync_fetch_and_add(&state.ring_full, 1);
}

static void file_key(const struct place *place, ebpf_u32 target, struct ebpf_file_key *out)
{
	struct dentry *dentry = place->dentry;

	out->dentry = (ebpf_u64)dentry;
	out->mount = (ebpf_u64)place->mount;
	out->inode = BPF_CORE_READ(dentry, d_inode, i_ino);
	/* Unlinked, it goes by another name. */
	out->name_hash = path_is_gone(dentry) ? 0 : BPF_CORE_READ(dentry, d_name.hash_len);
	out->target = target;
}

/* An index that was given back, or else a new one. */
static ebpf_u32 program_index(void)
{
	ebpf_u32 index;

	if (!bpf_map_pop_elem(&spare_programs, &index))
		return index;
	return __sync_fetch_and_add(&state.programs, 1) + 1;
}

/* The index of a program in a target, given away if need be; 0 if there is no more room. */
__noinline ebpf_u32 program_at(ebpf_u64 mount, ebpf_u64 dentry, ebpf_u32 target)
{
	const struct place place = {(struct vfsmount *)mount, (struct dentry *)dentry};
	struct ebpf_file_key key;
	ebpf_u32 *known, index;

	file_key(&place, target, &key);
	known = bpf_map_lookup_elem(&program_indexes, &key);
	if (known)
		return *known;
	index = program_index();
	if (index < setup.programs &&
		!bpf_map_update_elem(&program_indexes, &key, &index, BPF_NOEXIST)) {
		file_tell(EBPF_EVENT_PROGRAM, target, index, &place);
		return index;
	}
	/* No room; or another CPU was faster, and an index stays unused. */
	known = bpf_map_lookup_elem(&program_indexes, &key);
	if (known)
		return *known;
	__sync_fetch_and_add(&state.map_full, 1);
	return 0;
}

/* A target maps a file as code. */
__noinline int mapped_at(ebpf_u64 mount, ebpf_u64 dentry, ebpf_u32 target)
{
	const struct place place = {(struct vfsmount *)mount, (struct dentry *)dentry};
	struct ebpf_file_key key;
	ebpf_u32 one = 1;

	file_key(&place, target, &key);
	if (bpf_map_lookup_elem(&mapped, &key))
		return 0;
	if (!bpf_map_update_elem(&mapped, &key, &one, BPF_NOEXIST))
		file_tell(EBPF_EVENT_MAPPED, target, 0, &place);
	else if (!bpf_map_lookup_elem(&mapped, &key))
		__sync_fetch_and_add(&state.map_full, 1);
	return 0;
}

static ebpf_u32 program_of(const struct file *file, ebpf_u32 target)
{
	return program_at((ebpf_u64)BPF_CORE_READ(file, f_path.mnt),
		(ebpf_u64)BPF_CORE_READ(file, f_path.dentry), target);
}

static void file_mapped(const struct file *file, ebpf_u32 target)
{
	mapped_at((ebpf_u64)BPF_CORE_READ(file, f_path.mnt),
		(ebpf_u64)BPF_CORE_READ(file, f_path.dentry), target);
}

#endif
