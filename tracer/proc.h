/*
 * proc.h: what /proc says about one task.
 */
#ifndef SYSCLAMP_PROC_H
#define SYSCLAMP_PROC_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROC_PATH_MAX = 4096 };

/** The path of the program that task @tid executes, to @path (PROC_PATH_MAX bytes); false if
 * unknown. */
bool proc_program(pid_t tid, char *path);

/** How many seccomp filters the task carries (proc(5): Seccomp_filters, Linux 5.9); 0 if unknown.
 */
unsigned proc_filters(pid_t tid);

/** Call @each for every thread of the process that thread @tid belongs to. */
void proc_each_thread(pid_t tid, void (*each)(void *ctx, pid_t tid), void *ctx);

#endif
