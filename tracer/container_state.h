/*
 * container_state.h: what the state file of an engine says about a container's first process, and
 * whether it is so.
 *
 * State files outlive their containers, numbers of processes are used again, and some are in
 * directories of ordinary users, who may write into them what they like.
 */
#ifndef SYSCLAMP_CONTAINER_STATE_H
#define SYSCLAMP_CONTAINER_STATE_H

#include <stdint.h>
#include <sys/types.h>

/** Field 22 of /proc/PID/stat, proc(5); 0 if the process is gone, or only waits to be reaped. */
uint64_t container_start_time(pid_t pid);

/**
 * The first process of container @id by the state file @path, if it is that still; 0 otherwise.
 *
 * @pid_key: of a JSON object; NULL: the file is the number of the process and nothing else.
 * @start_key: the key of its start time, which then has to be the same; NULL: without one.
 */
pid_t container_state_pid(
	const char *path, const char *id, const char *pid_key, const char *start_key);

#endif
