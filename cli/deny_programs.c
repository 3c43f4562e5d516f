#include "deny_programs.h"

#define HOLD_NS (PROGRAMS_HOLD_MS * 1000000ull)

bool deny_programs_find(
	const struct deny_programs *programs, pid_t tid, uint64_t now_ns, size_t *out)
{
	size_t at = (size_t)tid % PROGRAMS_THREADS;

	if (programs->threads[at].tid != tid || programs->threads[at].until_ns <= now_ns ||
		programs->doubt_until_ns > now_ns)
		return false;
	*out = programs->threads[at].program;
	return true;
}

void deny_programs_note(struct deny_programs *programs, pid_t tid, uint64_t now_ns, size_t program)
{
	size_t at = (size_t)tid % PROGRAMS_THREADS;

	programs->threads[at].tid = tid;
	programs->threads[at].program = program;
	programs->threads[at].until_ns = now_ns + HOLD_NS;
}

void deny_programs_forget(struct deny_programs *programs, pid_t tid, pid_t process, uint64_t now_ns)
{
	programs->threads[(size_t)tid % PROGRAMS_THREADS].tid = 0;
	if (process != tid)
		programs->doubt_until_ns = now_ns + HOLD_NS;
}
