#include "memory.h"

#include <errno.h>
#include <sys/uio.h>

typedef ssize_t (*copy_fn)(pid_t pid, const struct iovec *local, unsigned long n_local,
	const struct iovec *remote, unsigned long n_remote, unsigned long flags);

static bool copy(copy_fn how, pid_t tid, uint64_t address, void *bytes, size_t size)
{
	struct iovec here = {.iov_base = bytes, .iov_len = size};
	struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
	ssize_t copied = how(tid, &here, 1, &there, 1, 0);

	if (copied >= 0 && copied != (ssize_t)size)
		errno = EFAULT; /* a part is not mapped: process_vm_readv(2) */
	return copied == (ssize_t)size;
}

bool memory_read(pid_t tid, uint64_t address, void *bytes, size_t size)
{
	return copy(process_vm_readv, tid, address, bytes, size);
}

bool memory_write(pid_t tid, uint64_t address, const void *bytes, size_t size)
{
	return copy(process_vm_writev, tid, address, (void *)(uintptr_t)bytes, size);
}
