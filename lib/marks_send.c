#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "marks.h"
#include "marks_parts.h"
#include "phase.h"
#include "scope.h"

enum { RETRY_US = 2000, RETRIES_MAX = 2500 };

struct mark {
	const struct marks_dir *dir;
	const char *name;
	const struct notice *begun;
};

/* One connection to recorder @pid: @answer becomes its text.  Returns 0 or -errno. */
static int ask(const struct mark *mark, pid_t pid, char answer[MARKS_ANSWER_MAX])
{
	scoped_fd int fd = -1;
	int code = marks_dir_connect(mark->dir, pid, MARKS_TIMEOUT_S, &fd);
	ssize_t size;

	if (code)
		return code;
	if (!marks_peer_is_trusted(fd))
		return -EPERM;
	if (send(fd, mark->name, strlen(mark->name), MSG_NOSIGNAL) < 0)
		return -errno;
	/* signal(7): with a timeout, EINTR after a stop and SIGCONT even without handlers. */
	size = TEMP_FAILURE_RETRY(recv(fd, answer, MARKS_ANSWER_MAX - 1, 0));
	if (size <= 0)
		return size ? -errno : -ECONNRESET;
	answer[size] = '\0';
	return 0;
}

/* A recorder with too many silent clients has dropped us, or it has ended: then nobody listens. */
static int ask_again(const struct mark *mark, pid_t pid, char answer[MARKS_ANSWER_MAX])
{
	int code = ask(mark, pid, answer);

	for (int i = 0; i < RETRIES_MAX && (code == -ECONNRESET || code == -EPIPE); i++) {
		(void)usleep(RETRY_US);
		code = ask(mark, pid, answer);
	}
	return code;
}

static int explain(int code, pid_t pid, struct err *e)
{
	if (code == -EAGAIN)
		return err_set(e, ETIMEDOUT,
			"recorder %d does not answer within %d s; is it stopped?", pid,
			MARKS_TIMEOUT_S);
	if (code == -EPERM)
		return err_set(e, EPERM, "recorder %d belongs to another user", pid);
	return err_sys(e, -code, "recorder %d", pid);
}

/* Tell one recorder.  -ESRCH without a text: there is none any more. */
static int reach(const struct mark *mark, pid_t pid, struct err *e)
{
	char answer[MARKS_ANSWER_MAX];
	char *rest = answer;
	const char *verdict, *label, *text;
	int code = ask_again(mark, pid, answer);

	if (code == -ENOENT)
		return -ESRCH;
	if (code)
		return explain(code, pid, e);
	verdict = strsep(&rest, "\n");
	label = strsep(&rest, "\n");
	text = rest;
	if (label && !strcmp(verdict, "ok")) {
		notice_tell(mark->begun, "%s begins in %s (recorder %d)", mark->name, label, pid);
		return 0;
	}
	if (label && text && !strcmp(verdict, "no"))
		return err_set(e, EPERM, "recorder %d (%s): %s", pid, label, text);
	return err_set(e, EPROTO,
		"recorder %d: an answer that makes no sense; is it of another version?", pid);
}

static int no_recorder(pid_t only, struct err *e)
{
	if (only)
		return err_set(e, ENOENT,
			"process %d is no running recorder of yours; leave -p out to tell all",
			only);
	return err_set(
		e, ENOENT, "no recorder of yours is running; start one with sysclamp record");
}

/* The first failure is the error, the others are counted. */
static int reach_all(
	const struct mark *mark, const pid_t *pids, size_t len, size_t *out_reached, struct err *e)
{
	struct err one, first = {0};
	size_t reached = 0, failed = 0;

	for (size_t i = 0; i < len; i++) {
		int code = reach(mark, pids[i], &one);

		if (!code)
			reached++;
		else if (code != -ESRCH && failed++ == 0)
			first = one;
	}
	*out_reached = reached;
	if (failed == 0)
		return reached ? 0 : -ESRCH;
	if (failed > 1)
		return err_set(e, first.code, "%s; and %zu more failed", first.text, failed - 1);
	*e = first;
	return -e->code;
}

int marks_send(const char *name, pid_t only, const struct notice *begun, size_t *out_reached,
	struct err *e)
{
	scoped(marks_dir_done) struct marks_dir dir = {0};
	const struct mark mark = {&dir, name, begun};
	scoped_free pid_t *pids = NULL;
	size_t len = 0;
	int code;

	*out_reached = 0;
	if (phase_check_name(name, e))
		return -e->code;
	code = marks_dir_open(&dir, false, e);
	if (code == -ENOENT)
		return no_recorder(only, e);
	if (code)
		return code;
	if (only) {
		code = reach_all(&mark, &only, 1, out_reached, e);
	} else {
		if (marks_dir_list(&dir, &pids, &len, e))
			return -e->code;
		code = reach_all(&mark, pids, len, out_reached, e);
	}
	return code == -ESRCH ? no_recorder(only, e) : code;
}
