/*
 * memory.h: the memory of a thread that is being traced.
 */
#ifndef SYSCLAMP_MEMORY_H
#define SYSCLAMP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Copy @size bytes; false, with errno, if that cannot be done in full. */
bool memory_read(pid_t tid, uint64_t address, void *bytes, size_t size);
bool memory_write(pid_t tid, uint64_t address, const void *bytes, size_t size);

/**
 * The same for memory that the thread itself may not read or write, as its code.
 *
 * @tid: stands in a ptrace stop.
 * Whole words are written, aligned ones: what shares one with the bytes is not to change meanwhile.
 */
bool memory_read_code(pid_t tid, uint64_t address, void *bytes, size_t size);
bool memory_write_code(pid_t tid, uint64_t address, const void *bytes, size_t size);

#endif
