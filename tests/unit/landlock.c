/* Landlock's names, and what becomes of rules under kernels that know less than ours. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "filter.h"
#include "scope.h"
#include "tap.h"

static char told[ERR_TEXT_MAX];

static void remember(void *ctx, const char *text)
{
	(void)ctx;
	snprintf(told, sizeof(told), "%s", text);
}

static const struct notice NOTICE = {.tell = remember};

/* What the names of the kernel's header mean, as far as this host's header has them. */
static void test_names(void)
{
	static const struct {
		enum landlock_kind kind;
		const char *names;
		uint64_t rights;
	} KNOWN[] = {
		{LANDLOCK_PATHS, "execute", LANDLOCK_ACCESS_FS_EXECUTE},
		{LANDLOCK_PATHS, "write-file", LANDLOCK_ACCESS_FS_WRITE_FILE},
		{LANDLOCK_PATHS, "read-file", LANDLOCK_ACCESS_FS_READ_FILE},
		{LANDLOCK_PATHS, "read-dir", LANDLOCK_ACCESS_FS_READ_DIR},
		{LANDLOCK_PATHS, "remove-dir", LANDLOCK_ACCESS_FS_REMOVE_DIR},
		{LANDLOCK_PATHS, "remove-file", LANDLOCK_ACCESS_FS_REMOVE_FILE},
		{LANDLOCK_PATHS, "make-char", LANDLOCK_ACCESS_FS_MAKE_CHAR},
		{LANDLOCK_PATHS, "make-dir", LANDLOCK_ACCESS_FS_MAKE_DIR},
		{LANDLOCK_PATHS, "make-reg", LANDLOCK_ACCESS_FS_MAKE_REG},
		{LANDLOCK_PATHS, "make-sock", LANDLOCK_ACCESS_FS_MAKE_SOCK},
		{LANDLOCK_PATHS, "make-fifo", LANDLOCK_ACCESS_FS_MAKE_FIFO},
		{LANDLOCK_PATHS, "make-block", LANDLOCK_ACCESS_FS_MAKE_BLOCK},
		{LANDLOCK_PATHS, "make-sym", LANDLOCK_ACCESS_FS_MAKE_SYM},
		{LANDLOCK_PATHS, "refer", LANDLOCK_ACCESS_FS_REFER},
		/* linux/landlock.h of 6.2, 6.10, 6.7, 6.12 */
		{LANDLOCK_PATHS, "truncate", 1 << 14},
		{LANDLOCK_PATHS, "ioctl-dev", 1 << 15},
		{LANDLOCK_PORTS, "bind", 1 << 0},
		{LANDLOCK_PORTS, "connect", 1 << 1},
		{LANDLOCK_SCOPES, "abstract-unix-socket", 1 << 0},
		{LANDLOCK_SCOPES, "signal", 1 << 1},
		{LANDLOCK_PATHS, "ro", 0x000c},
		{LANDLOCK_PATHS, "rx", 0x000d},
		{LANDLOCK_PATHS, "rw", 0x77be},
		{LANDLOCK_PATHS, "rwx", 0x77bf},
		{LANDLOCK_PATHS, "all", 0xffff},
		{LANDLOCK_PATHS, "ro,execute,truncate", 0x400d},
	};

	for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
		char names[64];
		uint64_t rights = 0;
		struct err e;

		snprintf(names, sizeof(names), "%s", KNOWN[i].names);
		ok(!landlock_by_name(KNOWN[i].kind, names, &rights, &e) &&
				rights == KNOWN[i].rights,
			"%s: %#llx", KNOWN[i].names, (unsigned long long)rights);
	}
}

static void test_print(void)
{
	char text[256];

	is_text(landlock_print(LANDLOCK_PATHS, 0x400d, text, sizeof(text)),
		"execute,read-file,read-dir,truncate", "printed as they are read");
	is_text(landlock_print(LANDLOCK_PORTS, 0, text, sizeof(text)), "none", "none");
	is_text(landlock_print(LANDLOCK_PATHS, 0x0c, text, 12), "read-file,r",
		"cut to the room there is");
}

/* Rules, an ABI, and what is said of them: an error where nothing at all is held. */
static const struct {
	int abi;
	bool paths, ports;
	uint64_t scoped;
	const char *told, *wrong; /* strict: what was told is wrong */
} LACKS[] = {
	{7, true, true, 3, NULL, NULL},
	{99, true, true, 3, NULL, NULL},
	{6, true, true, 3, NULL, NULL},
	{5, true, true, 0, NULL, NULL},
	{5, false, false, 2, NULL, "rules for scopes"},
	{4, true, false, 0, "ABI 4 has not, and denies nowhere: ioctl-dev", NULL},
	{4, false, true, 0, NULL, NULL},
	{3, true, false, 0, "denies nowhere: ioctl-dev", NULL},
	{3, false, true, 0, NULL, "rules for TCP ports"},
	{3, true, true, 0, NULL, "rules for TCP ports"},
	{2, true, false, 0, "denies nowhere: truncate,ioctl-dev", NULL},
	{1, true, false, 0, "denies nowhere: truncate,ioctl-dev", NULL},
	{0, true, false, 0, NULL, "rules for paths"},
	{0, false, false, 1, NULL, "rules for scopes"},
	{0, false, false, 0, NULL, NULL},
};

static void test_lacks(void)
{
	for (size_t i = 0; i < ARRAY_LEN(LACKS); i++) {
		struct cage_landlock rules = {
			.restrict_paths = LACKS[i].paths,
			.restrict_ports = LACKS[i].ports,
			.scoped = LACKS[i].scoped,
		};
		const char *wrong = LACKS[i].wrong;
		struct err e = {0};
		int code;

		told[0] = '\0';
		code = landlock_check_abi(&rules, LACKS[i].abi, &NOTICE, &e);
		if (wrong)
			ok(code == -EOPNOTSUPP && strstr(e.text, wrong), "ABI %d: %s", LACKS[i].abi,
				e.text);
		else
			ok(!code && (LACKS[i].told ? strstr(told, LACKS[i].told) != NULL : !*told),
				"ABI %d: told \"%s\"", LACKS[i].abi, told);
		rules.strict = true;
		told[0] = '\0';
		code = landlock_check_abi(&rules, LACKS[i].abi, &NOTICE, &e);
		ok(!*told && code == (wrong || LACKS[i].told ? -EOPNOTSUPP : 0),
			"ABI %d, strict: an error instead", LACKS[i].abi);
	}
}

/* A kernel of an older ABI: who asks for it is told that one, by a supervisor. */
struct older {
	int listener, abi;
};

static void *answer(void *arg)
{
	const struct older *older = arg;
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp answered = {0};

	while (!ioctl(older->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) {
		answered = (struct seccomp_notif_resp){.id = asked.id, .val = older->abi};
		(void)ioctl(older->listener, SECCOMP_IOCTL_NOTIF_SEND, &answered);
		memset(&asked, 0, sizeof(asked));
	}
	return NULL;
}

static bool pretend(int abi)
{
	static struct older older;
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LANDLOCK_CREATE_RULESET_VERSION, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {ARRAY_LEN(insns), (struct sock_filter *)insns};
	pthread_t thread;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		return false;
	older.abi = abi;
	older.listener = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return older.listener >= 0 && !pthread_create(&thread, NULL, answer, &older);
}

/* What a process under "nothing but reading" can do with a file of ours. */
enum { CAN_READ = 1, CAN_OPEN = 2, CAN_TRUNCATE = 4, FAILED = 64 };

struct attempt {
	const char *path;
	int abi; /* 0: the kernel's own */
};

static int try_held(const struct attempt *attempt)
{
	struct cage_path_rule rule = {"the file", attempt->path, 1 << 2 /* read-file */};
	const struct cage_landlock rules = {.paths = &rule, .n_paths = 1, .restrict_paths = true};
	struct err e = {0};
	int can = 0;

	if ((attempt->abi && !pretend(attempt->abi)) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) || landlock_enter(&rules, &NOTICE, &e))
		return FAILED;
	can |= open(attempt->path, O_RDONLY | O_CLOEXEC) >= 0 ? CAN_READ : 0;
	can |= open(attempt->path, O_WRONLY | O_CLOEXEC) >= 0 ? CAN_OPEN : 0;
	can |= !truncate(attempt->path, 0) ? CAN_TRUNCATE : 0;
	return can;
}

static void attempt_body(void *arg)
{
	_exit(try_held(arg));
}

static void test_enter(void)
{
	char path[] = "/tmp/sysclamp-landlock.XXXXXX";
	struct attempt attempt = {.path = path};
	scoped_fd int fd = -1;
	struct err e = {0};
	int status;

	if (landlock_abi() < 3) {
		tap_skip("landlock", "entering", "this kernel's Landlock is older than ABI 3");
		return;
	}
	fd = mkstemp(path);
	status = tap_child(attempt_body, &attempt);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == CAN_READ, "reading alone is left (%#x)",
		status);
	attempt.abi = 2;
	status = tap_child(attempt_body, &attempt);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == (CAN_READ | CAN_TRUNCATE),
		"under ABI 2 truncating is denied nowhere (%#x)", status);
	attempt.abi = 7;
	attempt.path = "/none/such";
	status = tap_child(attempt_body, &attempt);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == FAILED,
		"a path that is missing is an error");
	unlink(path);
	ok(!landlock_enter(&(struct cage_landlock){0}, NULL, &e), "no rules: nothing is done");
}

/* Without either, the kernel refuses: landlock(7). */
static void unprivileged_body(void *arg)
{
	const struct cage_landlock rules = {.restrict_paths = true};
	struct err e = {0};

	(void)arg;
	if (!geteuid() && setresuid(65534, 65534, 65534))
		_exit(2);
	_exit(landlock_enter(&rules, NULL, &e) == -EPERM ? 0 : 1);
}

int main(void)
{
	test_names();
	test_print();
	test_lacks();
	test_enter();
	ok(!landlock_abi() || tap_child(unprivileged_body, NULL) == 0,
		"neither no_new_privs nor CAP_SYS_ADMIN: -EPERM");
	return tap_done();
}
