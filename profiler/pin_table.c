#include <string.h>

#include "pin.h"
#include "scope.h"

/*
 * Arguments that say what a call is: a socket's family, the request of an ioctl.  A program asks
 * for the same ones on every run, and another libc does not change them.  (The protocol of a
 * socket is not among them: 0 and IPPROTO_TCP are the same to a program, and libraries choose.)
 */
static const struct {
	const char *call;
	uint8_t index;
} SAFE[] = {
	{"bpf", 0},
	{"clone", 0},
	{"ioctl", 1},
	{"keyctl", 0},
	{"personality", 0},
	{"prctl", 0},
	{"setns", 1},
	{"socket", 0},
	{"socket", 1},
	{"unshare", 0},
};

/*
 * Calls on the way of all that a program does.  One with conditions is not in the bitmap of calls
 * that the kernel allows without running the filter (kernel/seccomp.c: seccomp_cache_check_allow(),
 * since 5.11).
 */
static const char *const HOT[] = {
	"_llseek",
	"clock_gettime",
	"clock_gettime64",
	"futex",
	"futex_time64",
	"futex_waitv",
	"io_uring_enter",
	"lseek",
	"madvise",
	"mmap",
	"mmap2",
	"preadv2",
	"pwritev2",
	"recvfrom",
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"rt_sigprocmask",
	"sendmmsg",
	"sendmsg",
	"sendto",
};

/*
 * Calls that carry others.  libseccomp has rules of its own for them, one for each rule of what
 * they carry, and makes of both together filters that let more through (2.5.4: socketcall pinned to
 * 0xfc00, and socket to two combinations of type and protocol, allow socketcall(1, 2)).
 */
static const char *const CARRIERS[] = {"ipc", "socketcall"};

/*
 * Calls that a C library makes by itself, and another one with other arguments: to learn whether
 * stdout is a terminal (TCGETS by glibc, TIOCGWINSZ by musl), to ask name servers, to name threads.
 */
static const char *const OF_LIBRARIES[] = {"getsockopt", "ioctl", "prctl", "setsockopt", "socket"};

/* Calls that do the same with arguments in memory; mmap is hot. */
static const struct {
	const char *call, *bypass;
} BYPASSES[] = {
	{"clone", "clone3"},
	{"getsockopt", "socketcall"},
	{"mprotect", "mmap"},
	{"open", "openat2"},
	{"openat", "openat2"},
	{"setsockopt", "socketcall"},
	{"socket", "socketcall"},
	{"socketpair", "socketcall"},
};

static const struct {
	const char *name, *text;
} WHYS[OPEN_WHYS] = {
	[OPEN_COMBINATIONS] = {"combinations", "more combinations were seen than are written down"},
	[OPEN_MANY] = {"many", "more values were seen than a recording keeps"},
	[OPEN_UNRECORDED] = {"unrecorded", "no recorder looked at them"},
	[OPEN_ELSEWHERE] = {"elsewhere", "another architecture has them elsewhere"},
	[OPEN_ABSENT] = {"absent", "other architectures were recorded"},
	[OPEN_CARRIED] = {"carried", "libseccomp cannot tell them in socketcall and ipc"},
	[OPEN_SHARED] = {"shared", "the call may be needed for more than was recorded"},
};

const char *pin_mode_name(enum pin_mode mode)
{
	static const char *const names[] = {
		[PIN_NONE] = "none", [PIN_SAFE] = "safe", [PIN_FULL] = "full"};

	return names[mode];
}

const char *pin_why_name(enum pin_why why)
{
	return WHYS[why].name;
}

const char *pin_why_text(enum pin_why why)
{
	return WHYS[why].text;
}

const char *pin_bypass(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(BYPASSES); i++) {
		if (!strcmp(BYPASSES[i].call, name))
			return BYPASSES[i].bypass;
	}
	return NULL;
}

static bool is_safe(const char *name, unsigned index)
{
	for (size_t i = 0; i < ARRAY_LEN(SAFE); i++) {
		if (!strcmp(SAFE[i].call, name) && SAFE[i].index == index)
			return true;
	}
	return false;
}

static bool is_among(const char *name, const char *const *names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

bool pin_is_of_libraries(const char *name)
{
	return is_among(name, OF_LIBRARIES, ARRAY_LEN(OF_LIBRARIES));
}

bool pin_wants(enum pin_mode mode, const struct arg_row *row)
{
	if (mode == PIN_SAFE)
		return is_safe(row->call, row->index);
	return mode == PIN_FULL && !is_among(row->call, HOT, ARRAY_LEN(HOT)) &&
	       !is_among(row->call, CARRIERS, ARRAY_LEN(CARRIERS));
}
