#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
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

/* The word that holds the byte at @address. */
static bool peek(pid_t tid, uint64_t address, long *out)
{
	errno = 0;
	*out = ptrace(PTRACE_PEEKTEXT, tid, address & -sizeof(*out), 0L);
	return !errno;
}

static bool poke(pid_t tid, uint64_t address, long word)
{
	return !ptrace(PTRACE_POKETEXT, tid, address & -sizeof(word), word);
}

/* How many of @size bytes at @address lie in the same word. */
static size_t in_word(uint64_t address, size_t size)
{
	size_t left = sizeof(long) - address % sizeof(long);

	return size < left ? size : left;
}

bool memory_read_code(pid_t tid, uint64_t address, void *bytes, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		uint64_t at = address + done;
		long word;

		part = in_word(at, size - done);
		if (!peek(tid, at, &word))
			return false;
		memcpy((char *)bytes + done, (char *)&word + at % sizeof(word), part);
	}
	return true;
}

bool memory_write_code(pid_t tid, uint64_t address, const void *bytes, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		uint64_t at = address + done;
		long word;

		part = in_word(at, size - done);
		if (!peek(tid, at, &word))
			return false;
		memcpy((char *)&word + at % sizeof(word), (const char *)bytes + done, part);
		if (!poke(tid, at, word))
			return false;
	}
	return true;
}
