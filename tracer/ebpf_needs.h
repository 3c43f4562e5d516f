/*
 * ebpf_needs.h: what the eBPF back end needs of the host, and what to do where that lacks.
 */
#ifndef SYSCLAMP_EBPF_NEEDS_H
#define SYSCLAMP_EBPF_NEEDS_H

#include <stdbool.h>

#include "err.h"

#define EBPF_BTF_FILE "/sys/kernel/btf/vmlinux" /* the types of the running kernel */

/** 0 if nothing is known to lack; otherwise -errno with what lacks and how to get it. */
int ebpf_needs_check(struct err *e);

/** The kernel refused the programs with errno @code although nothing seemed to lack. */
int ebpf_needs_explain(int code, struct err *e);

/** Whether this kernel tells of calls through the vsyscall page (CONFIG_X86_VSYSCALL_EMULATION). */
bool ebpf_has_vsyscall_event(void);

#endif
