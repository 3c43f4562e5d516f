/* marks.h: recorders in processes of their own, told by this one. */
#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "scope.h"
#include "tap.h"

enum { DEADLINE_MS = 60000, BEGIN_US = 30000, SOON_S = 4 };

/* A recorder; those that are not stopped die with the test. */
struct recorder {
	const char *label;
	const char *refuses; /* what begin() answers; NULL: it begins */
	pid_t pid;
	int control[2]; /* we write to [1] to end it */
	struct board {
		atomic_int begun;
		char name[80]; /* of the last phase */
	} * board; /* shared */
};

static char place[] = "/tmp/sysclamp-test.XXXXXX";

static const char *in_place(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

static const char *socket_of(const struct recorder *recorder)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "run/%d.sock", recorder->pid);
	return in_place(name);
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static int on_begin(void *ctx, const char *name, struct err *e)
{
	struct recorder *recorder = ctx;

	if (recorder->refuses)
		return err_set(e, EINVAL, "%s", recorder->refuses);
	(void)usleep(BEGIN_US); /* an acknowledgement that comes too early is seen */
	(void)snprintf(recorder->board->name, sizeof(recorder->board->name), "%s", name);
	atomic_fetch_add(&recorder->board->begun, 1);
	return 0;
}

_Noreturn static void be_recorder(struct recorder *recorder, int ready_fd)
{
	struct marks marks;
	struct pollfd fds[2];
	struct err e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (marks_open(&marks, recorder->label, &e)) {
		fprintf(stderr, "# %s\n", e.text);
		_exit(1);
	}
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	fds[0] = (struct pollfd){.fd = marks_fd(&marks), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = recorder->control[0], .events = POLLIN};
	while (poll(fds, 2, DEADLINE_MS) > 0 && !fds[1].revents)
		marks_serve(&marks, on_begin, recorder);
	marks_close(&marks);
	_exit(0);
}

static void start(struct recorder *recorder)
{
	int ready[2];
	char byte;

	recorder->board = mmap(NULL, sizeof(*recorder->board), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pipe(ready) || pipe(recorder->control))
		exit(1);
	recorder->pid = fork();
	if (recorder->pid == 0) {
		(void)close(ready[0]);
		be_recorder(recorder, ready[1]);
	}
	(void)close(ready[1]);
	ok(read(ready[0], &byte, 1) == 1, "a recorder listens");
	(void)close(ready[0]);
}

static void stop(struct recorder *recorder)
{
	int status = -1;

	if (write(recorder->control[1], "", 1) == 1)
		waitpid(recorder->pid, &status, 0);
	ok(status == 0 && !exists(socket_of(recorder)), "its socket is removed when it ends");
}

static void kill_it(struct recorder *recorder)
{
	kill(recorder->pid, SIGKILL);
	waitpid(recorder->pid, NULL, 0);
}

static int begun(const struct recorder *recorder)
{
	return atomic_load(&recorder->board->begun);
}

/* marks_send() to all; @e->text is "" when that succeeds. */
static size_t mark(const char *name, struct err *e)
{
	size_t reached = 99;

	*e = (struct err){0};
	(void)marks_send(name, 0, NULL, &reached, e);
	return reached;
}

static void hear(void *ctx, const char *text)
{
	(void)snprintf(ctx, ERR_TEXT_MAX, "%s", text);
}

static void test_one(void)
{
	struct recorder recorder = {.label = "a\nb.rec.json"};
	char heard[ERR_TEXT_MAX] = "", want[ERR_TEXT_MAX];
	const struct notice notice = {hear, heard};
	size_t reached = 0;
	struct err e = {0};

	start(&recorder);
	ok(!marks_send("re.lo:ad/@-_9", 0, &notice, &reached, &e) && reached == 1, "it is told");
	ok(begun(&recorder) == 1, "the phase has begun when marks_send() returns");
	is_text(recorder.board->name, "re.lo:ad/@-_9", "under its name");
	(void)snprintf(want, sizeof(want), "re.lo:ad/@-_9 begins in a?b.rec.json (recorder %d)",
		recorder.pid);
	is_text(heard, want, "the recording is named");
	ok(marks_send("exec", 0, NULL, &reached, &e) == -EINVAL && begun(&recorder) == 1,
		"a reserved name is not sent");
	stop(&recorder);
	mark("late", &e);
	is_text(e.text, "no recorder of yours is running; start one with sysclamp record",
		"without a recorder");
}

static void test_two(void)
{
	struct recorder one = {.label = "one"}, two = {.label = "two"};
	char want[ERR_TEXT_MAX];
	size_t reached;
	struct err e = {0};

	start(&one);
	start(&two);
	ok(mark("both", &e) == 2 && begun(&one) == 1 && begun(&two) == 1, "both are told");
	ok(!marks_send("one", two.pid, NULL, &reached, &e) && reached == 1, "one is told");
	ok(begun(&one) == 1 && begun(&two) == 2, "the one that was meant");
	stop(&two);
	ok(marks_send("gone", two.pid, NULL, &reached, &e) == -ENOENT && reached == 0,
		"one that has ended is no recorder");
	(void)snprintf(want, sizeof(want),
		"process %d is no running recorder of yours; leave -p out to tell all", two.pid);
	is_text(e.text, want, "and named");
	stop(&one);
}

static void test_refusals(void)
{
	struct recorder one = {.label = "one", .refuses = "31 phases are enough"},
			two = {.label = "two"}, three = {.label = "three", .refuses = "no"};
	char want[ERR_TEXT_MAX];
	struct err e;

	start(&one);
	start(&two);
	(void)snprintf(want, sizeof(want), "recorder %d (one): 31 phases are enough", one.pid);
	ok(mark("x", &e) == 1 && begun(&two) == 1, "a refusal keeps no other from being told");
	is_text(e.text, want, "the error of begin() comes back");
	start(&three);
	ok(mark("x", &e) == 1 && begun(&two) == 2, "nor do two");
	ok(strstr(e.text, "; and 1 more failed"), "the others are counted");
	stop(&one);
	stop(&two);
	stop(&three);
}

static void test_stale(void)
{
	struct recorder killed = {.label = "killed"}, next = {.label = "next"};
	struct err e;

	start(&killed);
	kill_it(&killed);
	ok(exists(socket_of(&killed)), "a recorder that is killed leaves its socket");
	ok(mark("x", &e) == 0 && e.code == ENOENT, "it is no recorder any more");
	ok(!exists(socket_of(&killed)), "its socket is removed by a client");
	start(&killed);
	kill_it(&killed);
	start(&next);
	ok(!exists(socket_of(&killed)), "and by the next recorder");
	stop(&next);
}

/* A plain connection. */
static int connect_to(const struct recorder *recorder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/run/%d.sock", place, recorder->pid);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		ok(false, "connect: %m");
	return fd;
}

static bool is_quick(const char *name)
{
	struct timespec from, to;
	struct err e;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (mark(name, &e) != 1)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &to);
	return to.tv_sec - from.tv_sec < SOON_S;
}

static void test_silent(void)
{
	struct recorder recorder = {.label = "silent"};
	struct pollfd fds[MARKS_CLIENTS_MAX + 1];
	char answer[ERR_TEXT_MAX];

	start(&recorder);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = (struct pollfd){.fd = connect_to(&recorder), .events = POLLIN};
		ok(is_quick("x"), "%zu silent clients keep nobody waiting", i + 1);
	}
	ok(poll(fds, ARRAY_LEN(fds), 0) >= 1 && fds[0].revents && !fds[ARRAY_LEN(fds) - 1].revents,
		"of those that are too many the oldest is dropped, the newest is not");
	ok(send(fds[ARRAY_LEN(fds) - 1].fd, "late", 4, 0) == 4 &&
			recv(fds[ARRAY_LEN(fds) - 1].fd, answer, sizeof(answer), 0) > 0 &&
			!memcmp(answer, "ok\n", 3) && !strcmp(recorder.board->name, "late"),
		"and answered when it speaks at last");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i].fd);
	ok(is_quick("x"), "after they have left");
	stop(&recorder);
}

static void test_bad_requests(void)
{
	static const struct {
		const char *claim, *bytes;
		size_t size;
	} BAD[] = {
		{"a blank", "a b", 3},
		{"a NUL", "ab\0c", 4},
		{"a line end", "ab\n", 3},
		{"a reserved name", "start", 5},
		{"65 bytes", "12345678901234567890123456789012345678901234567890123456789012345",
			65},
		{"70 bytes",
			"1234567890123456789012345678901234567890123456789012345678901234567890",
			70},
	};
	struct recorder recorder = {.label = "bad"};

	start(&recorder);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		scoped_fd int fd = connect_to(&recorder);
		char answer[ERR_TEXT_MAX] = "";

		ok(send(fd, BAD[i].bytes, BAD[i].size, 0) > 0 &&
				recv(fd, answer, sizeof(answer) - 1, 0) > 0 &&
				!strncmp(answer, "no\nbad\n", 7),
			"a request with %s is refused", BAD[i].claim);
	}
	ok(begun(&recorder) == 0, "none of them begins a phase");
	ok(is_quick("x"), "nor harms the next");
	stop(&recorder);
}

static void send_in_child(void *arg)
{
	struct err e;

	(void)arg;
	_exit(mark("same", &e) == 1 ? 0 : 1);
}

static void test_many_clients(void)
{
	enum { CLIENTS = MARKS_CLIENTS_MAX + 1 };
	struct recorder recorder = {.label = "many"};
	pid_t pids[CLIENTS];
	int good = 0, status;

	start(&recorder);
	for (size_t i = 0; i < CLIENTS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			send_in_child(NULL);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		waitpid(pids[i], &status, 0);
		good += status == 0;
	}
	ok(good == CLIENTS && begun(&recorder) == CLIENTS, "%d clients at the same time", CLIENTS);
	stop(&recorder);
}

static void test_stopped(void)
{
	struct recorder recorder = {.label = "stopped"};
	char want[ERR_TEXT_MAX];
	struct err e;

	start(&recorder);
	kill(recorder.pid, SIGSTOP);
	ok(mark("lost", &e) == 0 && e.code == ETIMEDOUT, "a stopped recorder is not waited for");
	(void)snprintf(want, sizeof(want), "recorder %d does not answer within 5 s; is it stopped?",
		recorder.pid);
	is_text(e.text, want, "but named");
	kill(recorder.pid, SIGCONT);
	ok(is_quick("x") && begun(&recorder) == 1, "what nobody waits for does not begin later");
	stop(&recorder);
}

int main(void)
{
	if (!mkdtemp(place) || setenv("SYSCLAMP_RUNTIME_DIR", in_place("run"), 1))
		return 1;
	test_one();
	test_two();
	test_refusals();
	test_stale();
	test_silent();
	test_bad_requests();
	test_many_clients();
	test_stopped();
	(void)rmdir(in_place("run"));
	ok(!rmdir(place), "nothing is left behind");
	return tap_done();
}
