/*
 * ebpf_types.bpf.h: structures of the kernel, with what is used of them; libbpf finds the offsets
 * in the running kernel's types (CO-RE).
 */
#ifndef SYSCLAMP_EBPF_TYPES_BPF_H
#define SYSCLAMP_EBPF_TYPES_BPF_H

#include "ebpf_shared.h"

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
} KERNEL;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL;

struct file {
	struct path f_path;
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

struct task_struct {
	struct thread_info thread_info;
	struct task_struct *group_leader;
	void *bpf_storage;
	struct seccomp seccomp;
} KERNEL;

struct pt_regs {
	unsigned long orig_ax;
	unsigned long di, si, bx, cx, dx;
} KERNEL;

#endif
