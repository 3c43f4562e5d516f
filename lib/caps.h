/*
 * caps.h: the capabilities of this process: capabilities(7).
 *
 * In a user namespace below the first one a process may hold all of them, and they count for what
 * belongs to that namespace only: host_in_user_namespace().
 */
#ifndef SYSCLAMP_CAPS_H
#define SYSCLAMP_CAPS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF	    39
#endif

/** "CAP_SYS_ADMIN" of a number (CAP_*); NULL for one that has no name here. */
const char *cap_name(unsigned cap);

/** The bit, 1 << CAP_*, of a capability's exact name; 0 for another text. */
uint64_t cap_by_name(const char *name);

/** Whether capability @cap (CAP_*, 0...63) is in the effective set. */
bool cap_is_effective(unsigned cap);

/** Whether @cap is in the bounding set: if not, no program started from here can have it. */
bool cap_is_reachable(unsigned cap);

#endif
