/*
 * num.h: numbers from text, whole strings only.
 */
#ifndef SYSCLAMP_NUM_H
#define SYSCLAMP_NUM_H

#include <stdint.h>
#include <sys/types.h>

/**
 * Read @text as an unsigned decimal number.  Nothing may stand before or behind the digits: no
 * sign, no white space, no "0x".
 *
 * @max: the largest value accepted.
 * Returns 0, -EINVAL when @text is no such number, -ERANGE when it is larger than @max.
 */
int num_parse(const char *text, uint64_t max, uint64_t *out_value);

/**
 * Read "0x" and 1 to 16 lower-case hex digits, without leading zeros: as "0x%" PRIx64 prints.
 * Returns 0 or -EINVAL.
 */
int num_parse_hex(const char *text, uint64_t *out_value);

/** Read a process ID, 1...4194304 (PID_MAX_LIMIT, linux/threads.h).  Returns 0 or -EINVAL. */
int num_parse_pid(const char *text, pid_t *out_pid);

/**
 * Read a duration: a number and its unit, ms, s, m, h or d; without one, seconds.
 *
 * @out_ns: in nanoseconds; what it holds after an error is not said.
 * Returns 0, -EINVAL, or -ERANGE past UINT64_MAX nanoseconds.
 */
int num_parse_duration(const char *text, uint64_t *out_ns);

/**
 * Read an errno by name ("EPERM", any case) or number (1...4095, the range that the kernel's
 * SECCOMP_RET_ERRNO passes on: MAX_ERRNO in include/linux/err.h).
 *
 * Returns 0 or -EINVAL.
 */
int num_parse_errno(const char *text, uint16_t *out_errno);

#endif
