/*
 * start_code.h: start-up code that is known by sight.
 */
#ifndef SYSCLAMP_START_CODE_H
#define SYSCLAMP_START_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Where main lies, if a program begins with glibc's start-up code, which hands its address to libc.
 *
 * @tid: a thread of a process that the caller traces.
 * @entry: the program's first instruction.
 * Returns false for any other code, be it an instruction more or less.
 */
bool start_code_main(pid_t tid, uint64_t entry, uint64_t *out_main);

#endif
