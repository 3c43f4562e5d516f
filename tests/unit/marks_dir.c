/* marks.h: where the sockets may be, and whom both sides trust. */
#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "scope.h"
#include "tap.h"

enum { NOBODY = 65534 };

static char place[] = "/tmp/sysclamp-test.XXXXXX";

static bool use(const char *dir)
{
	return !setenv("SYSCLAMP_RUNTIME_DIR", dir, 1);
}

/* What marks_open() says of @dir; "" if it takes it. */
static const char *open_error(const char *dir)
{
	static struct err e;
	struct marks marks;

	e = (struct err){0};
	if (use(dir) && !marks_open(&marks, "x", &e))
		marks_close(&marks);
	return e.text;
}

/* Neither side takes it, for this reason. */
static void refused(const char *dir, const char *want, const char *claim)
{
	size_t reached;
	struct err e = {0};

	is_text(open_error(dir), want, "%s: no recorder listens there", claim);
	ok(marks_send("x", 0, NULL, &reached, &e) && !strcmp(e.text, want), "and no client looks");
}

static void test_refused(void)
{
	mkdir("real", 0700);
	mkdir("open", 0700);
	(void)chmod("open", 0770);
	(void)close(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ok(!symlink("real", "link"), "there is a link");
	refused("link",
		"link: no directory or a symbolic link; set SYSCLAMP_RUNTIME_DIR to a directory of "
		"yours",
		"a symbolic link");
	refused("link//",
		"link: no directory or a symbolic link; set SYSCLAMP_RUNTIME_DIR to a directory of "
		"yours",
		"one with slashes behind it");
	refused("file",
		"file: no directory or a symbolic link; set SYSCLAMP_RUNTIME_DIR to a directory of "
		"yours",
		"a file");
	refused("open", "open: others can write there; chmod it to 0700",
		"a directory that others can write");
	is_text(open_error("no/such"),
		"no/such: cannot be made; set SYSCLAMP_RUNTIME_DIR to a directory of yours: No "
		"such file or directory",
		"no parent");
	ok(!remove("link") && !rmdir("real") && !rmdir("open") && !remove("file"),
		"nothing is left there");
}

static void test_foreign(void)
{
	static const char want[] =
		"theirs: belongs to user 65534; set SYSCLAMP_RUNTIME_DIR to a directory of yours";

	if (geteuid() != 0) {
		refused("/usr",
			"/usr: belongs to user 0; set SYSCLAMP_RUNTIME_DIR to a directory of yours",
			"root's directory");
		return;
	}
	mkdir("theirs", 0700);
	if (chown("theirs", NOBODY, NOBODY))
		tap_skip("root", "another user's directory", "cannot make one");
	else
		refused("theirs", want, "another user's directory");
	ok(!rmdir("theirs"), "nothing is left there");
}

static void test_made(void)
{
	char deep[400];
	struct stat st;
	struct marks marks;
	size_t reached;
	struct err e = {0};
	mode_t mask = umask(0);

	(void)snprintf(deep, sizeof(deep), "%s/%0200d", place, 7);
	ok(use(deep) && marks_send("x", 0, NULL, &reached, &e) == -ENOENT && access(deep, F_OK),
		"a client makes no directory");
	ok(!marks_open(&marks, "x", &e), "a recorder does, however long the path is");
	ok(!stat(deep, &st) && (st.st_mode & 07777) == 0700, "nobody else can enter it");
	marks_close(&marks);
	ok(!rmdir(deep), "it is empty again at the end");
	umask(mask);
}

static int never(void *ctx, const char *name, struct err *e)
{
	(void)name;
	*(bool *)ctx = true;
	return err_set(e, EINVAL, "called");
}

static void test_closed(void)
{
	struct marks marks = {0};
	bool called = false;
	struct err e;

	ok(use("no/such") && marks_open(&marks, "x", &e) == -ENOENT, "it cannot be opened");
	marks_serve(&marks, never, &called);
	ok(marks_fd(&marks) == -1 && !called, "one that is closed has nothing to poll or serve");
	marks_close(&marks);
	marks_close(&marks);
}

static void test_twice(void)
{
	struct marks one, two;
	struct err e = {0};

	ok(use("twice") && !marks_open(&one, "x", &e), "a recorder listens");
	ok(marks_open(&two, "x", &e) == -EEXIST, "another one of its number takes nothing away");
	marks_close(&one);
	ok(!rmdir("twice"), "nothing is left there");
}

/* As an ordinary user: $XDG_RUNTIME_DIR. */
static void as_user(void *arg)
{
	struct marks marks;
	struct err e = {0};

	(void)arg;
	if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
		_exit(2);
	if (unsetenv("SYSCLAMP_RUNTIME_DIR") || setenv("XDG_RUNTIME_DIR", place, 1) ||
		marks_open(&marks, "x", &e) || access("sysclamp", X_OK))
		_exit(3);
	marks_close(&marks);
	/* It was the only one. */
	_exit(access("sysclamp", F_OK) ? 0 : 4);
}

static void test_xdg(void)
{
	(void)chmod(place, 0777);
	ok(tap_child(as_user, NULL) == 0, "the directory of the user's session is used");
	(void)chmod(place, 0755);
}

static struct sockaddr_un address_of(pid_t pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/trust/%d.sock", place, pid);
	return address;
}

/* Asks the parent's recorder as another user: must get no answer. */
static void ask_as_nobody(void *arg)
{
	struct sockaddr_un address = address_of(getppid());
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd marks = {.fd = marks_fd(arg), .events = POLLIN};
	bool called = false;
	char answer[80];

	if (seteuid(NOBODY) || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		send(fd, "x", 1, 0) != 1 || seteuid(0))
		_exit(2);
	if (poll(&marks, 1, 0) != 1)
		_exit(3);
	marks_serve(arg, never, &called);
	_exit(called || recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0 ? 4 : 0);
}

static void test_foreign_client(void)
{
	struct marks marks;
	struct err e = {0};

	ok(use("trust") && !marks_open(&marks, "x", &e), "a recorder listens");
	(void)chmod("trust", 0711);
	(void)chmod(address_of(getpid()).sun_path, 0777);
	ok(tap_child(ask_as_nobody, &marks) == 0, "another user's request is not heard");
	marks_close(&marks);
}

static void test_foreign_recorder(void)
{
	struct sockaddr_un address = address_of(getpid());
	scoped_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t reached;
	struct err e = {0};

	ok(!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !seteuid(NOBODY) &&
			!listen(fd, 1) && !seteuid(0),
		"another user listens");
	ok(marks_send("x", 0, NULL, &reached, &e) == -EPERM && reached == 0 &&
			strstr(e.text, "belongs to another user"),
		"another user's recorder is not told");
	(void)remove(address.sun_path);
}

static void test_trust(void)
{
	if (geteuid() != 0) {
		tap_skip("root", "peers of other users", "not root");
		return;
	}
	test_foreign_client();
	test_foreign_recorder();
	ok(!rmdir("trust"), "nothing is left there");
}

int main(void)
{
	if (!mkdtemp(place) || chmod(place, 0755) || chdir(place))
		return 1;
	test_refused();
	test_foreign();
	test_made();
	test_closed();
	test_twice();
	test_xdg();
	test_trust();
	ok(!rmdir(place), "nothing is left behind");
	return tap_done();
}
