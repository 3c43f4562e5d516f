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

/* The bytes lie in one word. */
static bool read_in_word(pid_t tid, uint64_t address, char *bytes, size_t size)
{
	long word;

	if (!peek(tid, address, &word))
		return false;
	memcpy(bytes, (char *)&word + address % sizeof(word), size);
	return true;
}

static bool write_in_word(pid_t tid, uint64_t address, char *bytes, size_t size)
{
	long word;

	if (!peek(tid, address, &word))
		return false;
	memcpy((char *)&word + address % sizeof(word), bytes, size);
	return poke(tid, address, word);
}

static bool by_words(bool (*copy_part)(pid_t tid, uint64_t address, char *bytes, size_t size),
	pid_t tid, uint64_t address, void *bytes, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		size_t left = sizeof(long) - (address + done) % sizeof(long);

		part = size - done < left ? size - done : left;
		if (!copy_part(tid, address + done, (char *)bytes + done, part))
			return false;
	}
	return true;
}

bool memory_read_code(pid_t tid, uint64_t address, void *bytes, size_t size)
{
	return by_words(read_in_word, tid, address, bytes, size);
}

bool memory_write_code(pid_t tid, uint64_t address, const void *bytes, size_t size)
{
	return by_words(write_in_word, tid, address, (void *)(uintptr_t)bytes, size);
}
