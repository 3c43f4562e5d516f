/*
 * ebpf_types.bpf.h: structures of the kernel, with what is used of them; libbpf finds the offsets
 * in the running kernel's types (CO-RE).
 */
#ifndef SYSCLAMP_EBPF_TYPES_BPF_H
#define SYSCLAMP_EBPF_TYPES_BPF_H

#include "ebpf_shared.h"

/*
 * What a function that is not inlined returns to callers which return it.  The compiler drops a
 * constant, and what is left in the register instead may be a pointer, which the verifier refuses.
 */
#define RETURN_0()                                                                                 \
	do {                                                                                       \
		int zero;                                                                          \
		asm volatile("%0 = 0" : "=r"(zero));                                               \
		return zero;                                                                       \
	} while (0)

/*
 * Where in an array of @n things, a power of two, @index is.  The compiler must not see a mask that
 * changes nothing, as after a comparison: it leaves that out, and kernels before 6.4 have forgotten
 * the comparison where the index was on the stack meanwhile.
 */
static inline __attribute__((always_inline)) ebpf_u64 within(ebpf_u64 index, ebpf_u64 n)
{
	asm("%0 &= %1" : "+r"(index) : "i"(n - 1));
	return index;
}

#define KERNEL __attribute__((preserve_access_index))

struct qstr {
	ebpf_u64 hash_len;
	const unsigned char *name;
} KERNEL;

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
} KERNEL;

struct inode {
	unsigned long i_ino;
} KERNEL;

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} KERNEL;

struct vfsmount {
	struct dentry *mnt_root;
} KERNEL;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
} KERNEL;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL;

struct file {
	struct path f_path;
} KERNEL;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL;

struct files_struct {
	struct fdtable *fdt;
} KERNEL;

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
} KERNEL;

struct mm_struct {
	struct file *exe_file;
} KERNEL;

struct linux_binprm {
	struct file *file;
} KERNEL;

struct thread_info {
	unsigned int status;
} KERNEL;

struct seccomp {
	int mode;
} KERNEL;

struct ns_common {
	unsigned int inum;
	ebpf_u64 ns_id; /* since Linux 6.18 */
} KERNEL;

struct mnt_namespace {
	struct ns_common ns;
	ebpf_u64 seq; /* its id before that */
} KERNEL;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} KERNEL;

struct kernfs_node {
	const char *name;
	ebpf_u64 id;
} KERNEL;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} KERNEL;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
} KERNEL;

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* by enum cgroup_subsys_id */
	struct cgroup *dfl_cgrp; /* of version 2 */
} KERNEL;

enum cgroup_subsys_id { devices_cgrp_id = 1, pids_cgrp_id };

struct signal_struct {
	int nr_threads;
} KERNEL;

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid, tgid;
	struct mm_struct *mm;
	struct task_struct *real_parent, *group_leader;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct signal_struct *signal;
	struct files_struct *files;
	void *bpf_storage;
	struct seccomp seccomp;
} KERNEL;

struct pt_regs {
	unsigned long orig_ax;
	unsigned long di, si, bx, cx, dx, bp, ax;
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15;
	unsigned long ip, cs, sp;
} KERNEL;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL;

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
} KERNEL;

#endif
