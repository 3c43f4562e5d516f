#include "record_subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "proc.h"
#include "scope.h"

static int note_process(struct recording *rec, pid_t pid, struct err *e)
{
	scoped_free char **argv = proc_command(pid);
	char cwd[PROC_PATH_MAX];

	if (!argv)
		return err_nomem(e);
	proc_cwd(pid, cwd);
	return recording_set_running(rec, argv, cwd, e);
}

/* What an earlier recorder left there. */
static int read_before(struct subject *subject, struct err *e)
{
	if (access(subject->file, F_OK))
		return 0;
	return recording_read(subject->file, &subject->before, e);
}

int subject_init(struct subject *out, pid_t pid, const char *file, bool continues, struct err *e)
{
	out->file = strdup(file);
	if (!out->file)
		return err_nomem(e);
	out->stream = cli_is_stream(file);
	if (recording_init(&out->rec, "ebpf", e) || note_process(&out->rec, pid, e))
		return -e->code;
	return continues && !out->stream ? read_before(out, e) : 0;
}

void subject_done(struct subject *subject)
{
	recording_done(&subject->rec);
	recording_done(&subject->before);
	free(subject->file);
	*subject = (struct subject){0};
}

static int write_joined(struct subject *subject, struct err *e)
{
	scoped(recording_done) struct recording joined = {0};

	/* As recording_write() does for a recording that is joined with none. */
	subject->rec.seq = ++subject->rec.sources[0].seq;
	if (recording_merge(&joined, &subject->before, e) ||
		recording_merge(&joined, &subject->rec, e))
		return err_prefix(e, "%s: ", subject->file);
	return recording_write(&joined, subject->file, e);
}

int subject_write(struct subject *subject, struct err *e)
{
	subject->written_ns = now_ns();
	subject->written_calls = subject_calls(subject);
	if (subject->before.n_sources > 0)
		return write_joined(subject, e);
	return recording_write(&subject->rec, subject->file, e);
}

uint64_t subject_calls(const struct subject *subject)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < subject->rec.n_calls; i++)
		calls += subject->rec.calls[i].count;
	return calls;
}
