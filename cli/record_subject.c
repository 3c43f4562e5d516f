#include "record_subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
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

/* What others have put there: an empty file, as mktemp(1) makes, is nothing yet. */
static int read_again(struct subject *subject, struct err *e)
{
	scoped(recording_done) struct recording there = {0};

	if (file_holds_something(subject->file) && recording_read(subject->file, &there, e))
		return -e->code;
	recording_done(&subject->before);
	/* What is there may be ours alone. */
	if (there.n_sources == 1 && !strcmp(there.sources[0].id, subject->rec.sources[0].id))
		return 0;
	subject->before = there;
	there = (struct recording){0};
	return 0;
}

int subject_share(struct subject *subject, struct err *e)
{
	subject->shared = !subject->stream;
	return subject->shared ? read_again(subject, e) : 0;
}

void subject_done(struct subject *subject)
{
	recording_done(&subject->rec);
	recording_done(&subject->before);
	free(subject->file);
	*subject = (struct subject){0};
}

/* The disk is waited for at the end only: there may be hundreds of files at a time. */
static int write_file(const struct subject *subject, struct recording *rec, struct err *e)
{
	return subject->finished ? recording_write(rec, subject->file, e)
				 : recording_write_unsynced(rec, subject->file, e);
}

static int write_joined(struct subject *subject, struct err *e)
{
	scoped(recording_done) struct recording joined = {0};

	/* As recording_write() does for a recording that is joined with none. */
	subject->rec.seq = ++subject->rec.sources[0].seq;
	if (recording_merge(&joined, &subject->before, e) ||
		recording_merge(&joined, &subject->rec, e))
		return err_prefix(e, "%s: ", subject->file);
	return write_file(subject, &joined, e);
}

int subject_write(struct subject *subject, struct err *e)
{
	scoped_fd int turn = subject->shared ? file_turn(subject->file) : -1;
	int code;

	subject->written_ns = steady_ns();
	if (subject->shared && read_again(subject, e))
		return -e->code;
	code = subject->before.n_sources > 0 ? write_joined(subject, e)
					     : write_file(subject, &subject->rec, e);
	if (!code)
		subject->written_calls = subject_calls(subject);
	return code;
}

/* What is in the other file goes into ours, which then takes its place. */
static int move_onto(struct subject *subject, char **file, struct err *e)
{
	scoped(recording_done) struct recording other = {0};
	char *old = subject->file;
	int code;

	if (recording_read(*file, &other, e) || recording_merge(&subject->before, &other, e))
		return -e->code;
	subject->file = *file;
	code = subject_write(subject, e);
	*file = code ? steal_ptr(subject->file) : old;
	if (code)
		subject->file = old;
	else
		(void)unlink(old);
	return code;
}

int subject_move(struct subject *subject, const char *file, struct err *e)
{
	scoped_free char *copy = strdup(file);
	char *old = subject->file;

	if (!copy)
		return err_nomem(e);
	if (!access(file, F_OK))
		return move_onto(subject, &copy, e);
	if (rename(subject->file, file) && errno != ENOENT)
		return err_sys(e, errno, "%s: cannot be renamed", subject->file);
	subject->file = steal_ptr(copy);
	copy = old;
	return 0;
}

uint64_t subject_calls(const struct subject *subject)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < subject->rec.n_calls; i++)
		calls += subject->rec.calls[i].count;
	return calls;
}
