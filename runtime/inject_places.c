#include "inject_places.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "scope.h"

enum {
	SYSCALL_SIZE = 2, /* bytes of the instruction */
	VDSO_MAX = 64 << 10, /* bytes */
};

int places_find(pid_t tid, uint64_t sp, struct places *out, struct err *e)
{
	scoped_file FILE *maps = NULL;
	char path[32], line[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	maps = fopen(path, "re");
	if (!maps)
		return err_sys(e, errno, "process %d: reading its mappings", tid);
	/* A path may be longer than the line: its rest is read as lines that match nothing. */
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) != 2)
			continue;
		if (strstr(line, " [vdso]\n")) {
			out->vdso = start;
			out->vdso_end = end;
		} else if (strstr(line, " [stack]\n") && sp >= start && sp < end) {
			out->stack = start;
		}
	}
	return 0;
}

/*
 * Any address will do at which these two bytes lie, even within another instruction.  The vDSO has
 * some for clocks that it cannot read by itself, and nobody writes to it.
 */
int places_syscall(pid_t tid, const struct places *places, uint64_t *out, struct err *e)
{
	static const char SYSCALL[SYSCALL_SIZE] = {'\x0f', '\x05'};
	size_t size = places->vdso_end - places->vdso;
	scoped_free char *bytes = NULL;
	const char *found;

	if (!size || size > VDSO_MAX)
		return err_set(
			e, ENOSYS, "process %d has no vDSO, through which calls are made", tid);
	bytes = malloc(size);
	if (!bytes)
		return err_nomem(e);
	if (!memory_read(tid, places->vdso, bytes, size))
		return err_sys(e, errno, "process %d: reading its vDSO", tid);
	found = memmem(bytes, size, SYSCALL, sizeof(SYSCALL));
	if (!found)
		return err_set(e, ENOSYS, "process %d: its vDSO makes no system call", tid);
	*out = places->vdso + (size_t)(found - bytes);
	return 0;
}
