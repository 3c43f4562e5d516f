#include "rseq.h"

#include <linux/rseq.h>
#include <stddef.h>
#include <sys/ptrace.h>

#include "memory.h"

/* The address of the sequence that the thread has begun last; 0: none that we could tell. */
static uint64_t find_sequence(pid_t tid)
{
	struct __ptrace_rseq_configuration area = {0};
	uint64_t at = 0;

	/* Since Linux 5.13; without CONFIG_RSEQ there is nothing to be told. */
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(area), &area) <= 0 ||
		!area.rseq_abi_pointer ||
		!memory_read(tid, area.rseq_abi_pointer + offsetof(struct rseq, rseq_cs), &at,
			sizeof(at)))
		return 0;
	return at;
}

uint64_t rseq_resume_at(pid_t tid, uint64_t ip)
{
	uint64_t at = find_sequence(tid);
	struct rseq_cs sequence;

	if (!at || !memory_read(tid, at, &sequence, sizeof(sequence)))
		return ip;
	return ip - sequence.start_ip < sequence.post_commit_offset ? sequence.abort_ip : ip;
}
