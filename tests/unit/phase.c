/* phase.h: names, calls that begin `serve`, listening sockets. */
#include "phase.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "scope.h"
#include "tap.h"

static void test_names(void)
{
	static const struct {
		const char *name;
		bool good;
	} NAMES[] = {
		{"reload", true},
		{"serve", true},
		{"a", true},
		{"AZaz09_.:@/-", true},
		{"1234567890123456789012345678901234567890123456789012345678901234", true},
		{"12345678901234567890123456789012345678901234567890123456789012345", false},
		{"", false},
		{"start", false},
		{"exec", false},
		{"Start", true},
		{"executed", true},
		{"a b", false},
		{"a\n", false},
		{"a,b", false},
		{"\xc3\xa4", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		struct err e = {0};
		int code = phase_check_name(NAMES[i].name, &e);

		ok(code == (NAMES[i].good ? 0 : -EINVAL) && (e.code == 0) == NAMES[i].good,
			"name %zu is %s", i, NAMES[i].good ? "good" : "refused");
	}
}

static void test_standard(void)
{
	is_text(phase_name(PHASE_START), "start", "index 0");
	is_text(phase_name(PHASE_SERVE), "serve", "index 1");
	is_text(phase_name(PHASE_EXEC), "exec", "index 2");
	ok(!phase_name(PHASE_MARKS) && !phase_name(PHASES_MAX), "marks have no name of ours");
}

static void test_roles(void)
{
	static const struct {
		const char *name;
		enum phase_role role;
	} CALLS[] = {
		{"listen", PHASE_ROLE_LISTEN},
		{"accept", PHASE_ROLE_WAIT},
		{"accept4", PHASE_ROLE_WAIT},
		{"epoll_wait", PHASE_ROLE_WAIT},
		{"epoll_wait_old", PHASE_ROLE_WAIT},
		{"epoll_pwait", PHASE_ROLE_WAIT},
		{"epoll_pwait2", PHASE_ROLE_WAIT},
		{"poll", PHASE_ROLE_WAIT},
		{"ppoll", PHASE_ROLE_WAIT},
		{"ppoll_time64", PHASE_ROLE_WAIT},
		{"select", PHASE_ROLE_WAIT},
		{"_newselect", PHASE_ROLE_WAIT},
		{"pselect6", PHASE_ROLE_WAIT},
		{"pselect6_time64", PHASE_ROLE_WAIT},
		{"epoll_ctl", PHASE_ROLE_NONE},
		{"socketcall", PHASE_ROLE_NONE},
		{"accept5", PHASE_ROLE_NONE},
		{"", PHASE_ROLE_NONE},
	};

	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++)
		ok(phase_role(CALLS[i].name) == CALLS[i].role, "role of \"%s\"", CALLS[i].name);
}

/* A process that holds @fd (or nothing) until it is killed. */
static bool child_has_listener(int fd)
{
	bool answer;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (fd >= 0)
		(void)close(fd); /* ours: the answer must be about the child */
	answer = phase_has_listener(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return answer;
}

static int make_listener(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1))
		ok(false, "a listening socket can be made: %m");
	return fd;
}

static void test_listeners(void)
{
	int pair[2], fd;

	ok(!phase_has_listener(0) && !child_has_listener(-1), "without sockets");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		ok(false, "a pair of sockets can be made");
	ok(!phase_has_listener(0) && !child_has_listener(-1), "connected ones do not listen");
	fd = make_listener();
	ok(phase_has_listener(0), "this process listens");
	ok(phase_has_listener(getpid()), "asked for by its number, too");
	ok(child_has_listener(fd), "a child that has inherited it listens");
	ok(!phase_has_listener(0), "this one no more, once it is closed");
	ok(!phase_has_listener(4194304), "a process that is not there does not");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int main(void)
{
	test_names();
	test_standard();
	test_roles();
	test_listeners();
	return tap_done();
}
