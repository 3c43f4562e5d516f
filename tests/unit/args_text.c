/* Arguments for people: names of C headers, what is left over, and numbers. */
#include "args_text.h"

#include "args.h"
#include "scope.h"
#include "tap.h"

/* The numbers are those of x86, as strace(1) shows them. */
static const struct {
	const char *abi, *call;
	unsigned index;
	uint64_t value;
	const char *text;
} WANTED[] = {
	{"x86_64", "socket", 0, 1, "AF_UNIX"},
	{"x86_64", "socket", 0, 99, "99"},
	{"x86_64", "socket", 0, UINT64_C(0xdead00000000000a), "AF_INET6"},
	{"x86_64", "socket", 1, 0x80001, "SOCK_STREAM|SOCK_CLOEXEC"},
	{"x86_64", "socketpair", 1, 0x80802, "SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK"},
	{"x86_64", "socket", 1, 9, "9"},
	{"x86_64", "socket", 1, 0x80009, "SOCK_CLOEXEC|0x9"},
	{"x86_64", "accept4", 3, 0x800, "SOCK_NONBLOCK"},
	{"x86_64", "accept4", 3, 0, "0"},
	{"x86_64", "open", 1, 0, "O_RDONLY"},
	{"x86_64", "openat", 2, 0x80000, "O_RDONLY|O_CLOEXEC"},
	{"x86_64", "openat", 2, 0x88000, "O_RDONLY|O_LARGEFILE|O_CLOEXEC"},
	{"x86_64", "openat", 2, 0x241, "O_WRONLY|O_CREAT|O_TRUNC"},
	{"x86_64", "openat", 2, 0x410002, "O_RDWR|O_TMPFILE"},
	{"x86_64", "openat", 2, 0x101002, "O_RDWR|O_SYNC"},
	{"x86_64", "openat", 2, 0x1002, "O_RDWR|O_DSYNC"},
	{"x86_64", "openat", 2, 0x20000001, "O_WRONLY|0x20000000"},
	{"x86_64", "openat", 0, 0xffffff9c, "AT_FDCWD"},
	{"x86_64", "openat", 0, UINT64_C(0xffffffffffffff9c), "AT_FDCWD"},
	{"x86_64", "openat", 0, 7, "7"},
	{"x86_64", "mmap", 2, 0, "PROT_NONE"},
	{"x86_64", "mmap", 2, 5, "PROT_READ|PROT_EXEC"},
	{"x86_64", "mprotect", 2, 1, "PROT_READ"},
	{"x86_64", "mmap", 3, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS"},
	{"x86_64", "mmap", 3, UINT64_C(0x100000002), "MAP_PRIVATE|0x100000000"},
	{"x86_64", "mmap", 4, 0xffffffff, "-1"},
	{"x86_64", "mmap", 4, UINT64_MAX, "-1"},
	{"x86_64", "mmap", 0, UINT64_C(0x7f00deadb000), "0x7f00deadb000"},
	{"x86_64", "futex", 1, 128, "FUTEX_WAIT|FUTEX_PRIVATE_FLAG"},
	{"x86_64", "futex", 1, 0x189, "FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME"},
	{"x86_64", "futex", 1, 77, "77"},
	{"x86_64", "fcntl", 1, 1030, "F_DUPFD_CLOEXEC"},
	{"x86_64", "ioctl", 1, 0x5413, "TIOCGWINSZ"},
	{"x86_64", "ioctl", 1, UINT64_C(0xffffffff80045430), "TIOCGPTN"},
	{"x86_64", "ioctl", 1, 0xc0de, "0xc0de"},
	{"x86_64", "prctl", 0, 38, "PR_SET_NO_NEW_PRIVS"},
	{"x86_64", "arch_prctl", 0, 0x1002, "ARCH_SET_FS"},
	{"x86_64", "epoll_ctl", 1, 1, "EPOLL_CTL_ADD"},
	{"x86_64", "clone", 0, 0x1200011, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD"},
	{"x86_64", "clone", 0, 0x100, "CLONE_VM"},
	{"x86_64", "clone", 0, 0x163, "CLONE_VM|0x63"},
	{"x86_64", "clone", 0, 17, "SIGCHLD"},
	{"x86_64", "unshare", 0, 0x10020000, "CLONE_NEWNS|CLONE_NEWUSER"},
	{"x86_64", "setns", 1, 0x40000000, "CLONE_NEWNET"},
	{"x86_64", "madvise", 2, 4, "MADV_DONTNEED"},
	{"x86_64", "lseek", 2, 2, "SEEK_END"},
	{"x86_64", "setsockopt", 1, 1, "SOL_SOCKET"},
	{"x86_64", "prlimit64", 1, 7, "RLIMIT_NOFILE"},
	{"x86_64", "clock_nanosleep", 0, 1, "CLOCK_MONOTONIC"},
	{"x86_64", "clock_nanosleep", 1, 1, "TIMER_ABSTIME"},
	{"x86_64", "wait4", 2, 0x40000001, "WNOHANG|__WALL"},
	{"x86_64", "waitid", 0, 3, "P_PIDFD"},
	{"x86_64", "rt_sigprocmask", 0, 2, "SIG_SETMASK"},
	{"x86_64", "pipe2", 1, 0x80000, "O_CLOEXEC"},
	{"x86_64", "eventfd2", 1, 0x80800, "EFD_CLOEXEC|EFD_NONBLOCK"},
	{"x86_64", "epoll_create1", 0, 0x80000, "EPOLL_CLOEXEC"},
	{"x86_64", "dup3", 2, 0x80000, "O_CLOEXEC"},
	{"x86_64", "getrandom", 2, 1, "GRND_NONBLOCK"},
	{"x86_64", "seccomp", 0, 1, "SECCOMP_SET_MODE_FILTER"},
	{"x86_64", "bpf", 0, 5, "BPF_PROG_LOAD"},
	{"x86_64", "access", 1, 0, "F_OK"},
	{"x86_64", "faccessat", 2, 6, "R_OK|W_OK"},
	{"x86_64", "newfstatat", 3, 0x1000, "AT_EMPTY_PATH"},
	{"x86_64", "memfd_create", 1, 3, "MFD_CLOEXEC|MFD_ALLOW_SEALING"},
	{"x86_64", "sendmsg", 2, 0x4000, "MSG_NOSIGNAL"},
	{"x86_64", "recvmsg", 2, 0x40000040, "MSG_DONTWAIT|MSG_CMSG_CLOEXEC"},
	{"x86_64", "shutdown", 1, 2, "SHUT_RDWR"},
	{"x86_64", "flock", 1, 6, "LOCK_EX|LOCK_NB"},
	{"x86_64", "kcmp", 2, 0, "KCMP_FILE"},
	{"x86_64", "kill", 1, 15, "SIGTERM"},
	{"x86_64", "mount", 3, 0x1001, "MS_RDONLY|MS_BIND"},
	{"x86_64", "read", 2, 4095, "4095"},
	{"x86_64", "read", 2, 4096, "0x1000"},
	{"x86_64", "read", 0, UINT64_C(0xfffffffffffff000), "0xfffffffffffff000"},
	{"i386", "socket", 0, UINT64_C(0xffffffff00000002), "AF_INET"},
	{"i386", "read", 1, UINT64_C(0xffffffff00000002), "2"},
	{"x32", "futex", 1, 129, "FUTEX_WAKE|FUTEX_PRIVATE_FLAG"},
	/* O_DIRECTORY is another bit there: no name rather than a wrong one. */
	{"aarch64", "openat", 2, 0x10000, "0x10000"},
	{"mips", "socket", 1, 2, "2"},
};

static void test_values(void)
{
	char text[ARG_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
		const struct abi *abi = abi_by_name(WANTED[i].abi);

		args_text(
			abi, WANTED[i].call, WANTED[i].index, WANTED[i].value, text, sizeof(text));
		is_text(text, WANTED[i].text, "%s %s %u: %s", WANTED[i].abi, WANTED[i].call,
			WANTED[i].index, WANTED[i].text);
	}
}

static const struct {
	const char *abi, *call;
	uint64_t values[SYSCALL_ARGS];
	const char *text;
} CALLS[] = {
	{"x86_64", "socket", {1, 0x80001, 0, 7, 8, 9},
		"socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)"},
	{"x86_64", "socket", {16, 3, 9}, "socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)"},
	{"x86_64", "socket", {2, 1, 6}, "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)"},
	{"x86_64", "setsockopt", {3, 1, 9, 0x7ffe0010ab00, 4, 5},
		"setsockopt(3, SOL_SOCKET, SO_KEEPALIVE, 0x7ffe0010ab00, 4)"},
	{"x86_64", "setsockopt", {3, 6, 9, 0x7ffe0010ab00, 4, 5},
		"setsockopt(3, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0x7ffe0010ab00, 4)"},
	{"x86_64", "setsockopt", {3, 77, 9}, "setsockopt(3, 77, 9, 0, 0)"},
	{"x86_64", "seccomp", {1, 1, 0x5000},
		"seccomp(SECCOMP_SET_MODE_FILTER, "
		"SECCOMP_FILTER_FLAG_TSYNC, 0x5000)"},
	{"x86_64", "getpid", {1, 2, 3}, "getpid()"},
	{"x86_64", "openat", {0xffffff9c, 0x7f0012345678, 0x80000, 0, 1},
		"openat(AT_FDCWD, 0x7f0012345678, O_RDONLY|O_CLOEXEC, 0)"},
	/* How many a call of 32-bit programs has is not known: up to the last that has names. */
	{"i386", "socket", {2, 2, 17, 4, 5, 6}, "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, ...)"},
	{"i386", "read", {3, 4, 5}, "read(...)"},
	{"aarch64", "socket", {1, 1, 0, 4}, "socket(1, 1, 0)"},
	{"x86_64", "#999", {1, 2, 3}, "#999(...)"},
};

static void test_calls(void)
{
	char text[CALL_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++) {
		args_text_call(abi_by_name(CALLS[i].abi), CALLS[i].call, CALLS[i].values, text,
			sizeof(text));
		is_text(text, CALLS[i].text, "%s: %s", CALLS[i].abi, CALLS[i].text);
	}
}

/* An option is named only where its level is known. */
static void test_known(void)
{
	const struct abi *abi = abi_by_name("x86_64");
	uint64_t values[SYSCALL_ARGS] = {3, 1, 9};
	char text[ARG_TEXT_MAX];

	is_text(args_text(abi, "setsockopt", 2, 9, text, sizeof(text)), "9",
		"an option alone is a number");
	is_text(args_text_among(abi, "setsockopt", 2, values, 1 << 2, text, sizeof(text)), "9",
		"and where the level is not known");
	is_text(args_text_among(abi, "setsockopt", 2, values, 1 << 1 | 1 << 2, text, sizeof(text)),
		"SO_KEEPALIVE", "with its level it is named");
}

static void test_room(void)
{
	const struct abi *abi = abi_by_name("x86_64");
	size_t len, longest = 0;
	const struct arg_row *rows = args_table(&len);
	char text[ARG_TEXT_MAX], small[8];

	is_text(args_text(abi, "socket", 1, 0x80001, small, sizeof(small)), "SOCK_ST",
		"a text that is too long is cut");
	is_text(args_text_call(abi, "socket", (uint64_t[SYSCALL_ARGS]){1}, small, sizeof(small)),
		"socket(", "and so is a call");
	for (size_t i = 0; i < len; i++) {
		size_t n;

		/* All bits that have names: the longest there can be. */
		args_text(abi, rows[i].call, rows[i].index, UINT64_C(0xfffffffffffeffff), text,
			sizeof(text));
		n = strlen(text);
		longest = n > longest ? n : longest;
	}
	ok(longest > 200 && longest < ARG_TEXT_MAX - 1, "the longest text, of %zu bytes, fits",
		longest);
}

/* The counts of arguments: each call exists, and stands there once. */
static void test_counts(void)
{
	const struct abi *abi = abi_by_name("x86_64");
	uint64_t values[SYSCALL_ARGS] = {0};
	char name[SYSCALL_NAME_MAX], text[CALL_TEXT_MAX];
	size_t unknown = 0, known = 0;

	for (uint32_t nr = 0; nr < 512; nr++) {
		const struct arg_row *rows;
		size_t n, shown = 0;

		if (!syscall_name(abi, nr, name))
			continue;
		args_text_call(abi, name, values, text, sizeof(text));
		for (const char *at = text; *at; at++)
			shown += *at == ',' || (*at == '(' && at[1] != ')' && at[1] != '.');
		n = args_of_call(abi, name, &rows);
		if (n > 0 && shown <= rows[n - 1].index)
			ok(false, "%s has the arguments that are recorded", text);
		unknown += shown == 0;
		known += shown > 0;
	}
	ok(known > 300 && unknown < 50,
		"%zu calls have arguments, %zu have none, or it is not known", known, unknown);
}

int main(void)
{
	test_values();
	test_calls();
	test_known();
	test_room();
	test_counts();
	return tap_done();
}
