/*
 * proc.h: what /proc says about one task.
 */
#ifndef SYSCLAMP_PROC_H
#define SYSCLAMP_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_PATH_MAX = 4096 };

/** The path of the program that task @tid executes, to @path (PROC_PATH_MAX bytes); false if
 * unknown. */
bool proc_program(pid_t tid, char *path);

/** The path of the file that its descriptor @fd refers to; false if it is none with a path. */
bool proc_file(pid_t tid, int fd, char *path);

/** Call @each with the path of every file that the process has mapped as code; some twice. */
void proc_each_mapped(pid_t pid, void (*each)(void *ctx, const char *path), void *ctx);

/** The process that thread @tid belongs to; 0 if unknown. */
pid_t proc_process(pid_t tid);

/** The process that traces the task (ptrace(2)); 0 if none does, or unknown. */
pid_t proc_tracer(pid_t tid);

/** How many seccomp filters the task carries (proc(5): Seccomp_filters, Linux 5.9); 0 if unknown.
 */
unsigned proc_filters(pid_t tid);

/** The mode that the task is held in (proc(5): Seccomp): 1 strict, 2 filter; 0 if none, or unknown.
 */
unsigned proc_seccomp(pid_t tid);

/** How many threads the process has that thread @tid belongs to; 0 if unknown. */
unsigned proc_threads(pid_t tid);

/** The signals that the process ignores: bit N - 1 for signal N. */
uint64_t proc_ignored_signals(pid_t tid);

/** The signals that wait for thread @tid or any thread of its process, blocked ones too: bit N - 1
 * for signal N. */
uint64_t proc_pending_signals(pid_t tid);

/**
 * Which mount namespace the task is in; 0 if unknown, and errno says why.
 *
 * From Linux 6.11 on it is the namespace's id, which no other one ever gets (NS_GET_MNTNS_ID of
 * ioctl_nsfs(2)); before that its inode number, which the next one gets as soon as it is gone.
 */
uint64_t proc_mount_space(pid_t tid);

/** Whether mount namespaces go by ids here, and not by inode numbers. */
bool proc_mount_spaces_are_ids(void);

/**
 * The command line of the process: NULL-terminated, heap as one block, to be released with free();
 * NULL without memory.  It has one word, the name in brackets as ps(1) shows it, where there is
 * none; one, the title, where the process has written that over it; and none once it has ended.
 */
char **proc_command(pid_t pid);

/** Its working directory, to @path (PROC_PATH_MAX bytes); "" if unknown. */
void proc_cwd(pid_t pid, char *path);

/** Call @each for every thread of the process that thread @tid belongs to. */
void proc_each_thread(pid_t tid, void (*each)(void *ctx, pid_t tid), void *ctx);

/**
 * Call @each for every child process that is thread @tid's own, ended ones that nobody has waited
 * for included; all are sure to be met as long as none ends.
 *
 * Returns false if they cannot be told: there is no such thread, or no CONFIG_PROC_CHILDREN.
 */
bool proc_each_child(pid_t tid, void (*each)(void *ctx, pid_t pid), void *ctx);

#endif
