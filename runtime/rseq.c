#include "rseq.h"

#include <linux/rseq.h>
#include <stddef.h>
#include <sys/ptrace.h>

#include "proc.h"

uint64_t rseq_resume_at(pid_t tid, uint64_t address)
{
	struct __ptrace_rseq_configuration area;
	struct rseq_cs sequence;
	uint64_t at;

	/* Linux 5.13; before, and where the thread has registered none, there is nothing to know.
	 */
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(area), &area) < (long)sizeof(area) ||
		!area.rseq_abi_pointer ||
		!proc_read_memory(tid, area.rseq_abi_pointer + offsetof(struct rseq, rseq_cs), &at,
			sizeof(at)) ||
		!at || !proc_read_memory(tid, at, &sequence, sizeof(sequence)))
		return address;
	return address - sequence.start_ip < sequence.post_commit_offset ? sequence.abort_ip
									 : address;
}
