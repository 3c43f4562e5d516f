#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "file_test.h"
#include "tap.h"

enum { NOBODY = 65534 };

static void test_replace(const char *dir)
{
	const char *path = in(dir, "new");
	int before = entries(dir);
	struct err e = {.code = 0};

	umask(027);
	ok(file_replace(path, "one", 3, 0666, &e) == 0 && holds(path, "one"), "a new file is made");
	ok(mode_of(path) == 0640, "the umask applies to its mode");
	chmod(path, 0604);
	ok(file_replace(path, "two!", 4, 0666, &e) == 0 && holds(path, "two!"),
		"a file that exists is replaced");
	ok(mode_of(path) == 0604, "and keeps its mode");
	umask(022);
	ok(file_replace(path, "", 0, 0666, &e) == 0, "nothing can be written");
	put(in(dir, ".new.tmp"), "of a killed writer", 18);
	ok(file_replace(path, "three", 5, 0666, &e) == 0 && holds(path, "three"),
		"what a killed writer left is no obstacle");
	ok(entries(dir) == before + 1, "no temporary file is left");
}

/* Have the kernel answer as where files need a name from the beginning (NFS). */
static void lack_nameless(void)
{
	const uint32_t flag = O_TMPFILE & ~O_DIRECTORY;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ||
		open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) >= 0 || errno != EOPNOTSUPP)
		_exit(9);
}

enum { WRITERS = 6, WRITES = 40, LETTERS = 3000 };

/* All of one letter. */
static bool is_whole(const char *path)
{
	char bytes[LETTERS + 1];
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	for (ssize_t i = 1; i < n; i++) {
		if (bytes[i] != bytes[0])
			return false;
	}
	return fd < 0 || n == LETTERS;
}

static void write_often(const char *path, char letter, bool named)
{
	char bytes[LETTERS];
	int failed = 0;
	struct err e;

	if (named)
		lack_nameless();
	memset(bytes, letter, sizeof(bytes));
	for (int i = 0; i < WRITES; i++)
		failed |= file_replace_unsynced(path, bytes, sizeof(bytes), 0644, &e) ||
			  !is_whole(path);
	_exit(failed);
}

/* @named: where files need a name from the beginning, or else for every other writer. */
static void test_writers(const char *dir, bool named)
{
	const char *path = in(dir, named ? "busy-named" : "busy");
	int before = entries(dir), failed = 0, status;

	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0)
			write_often(path, (char)('a' + i), named || i % 2);
	}
	for (int i = 0; i < WRITERS; i++) {
		(void)wait(&status);
		failed += status != 0;
	}
	ok(!failed && is_whole(path),
		"several writers at a time%s: none fails, and whoever reads sees one file (%d)",
		named ? ", all with a name" : "", failed);
	ok(entries(dir) == before + 1, "and no temporary file is left");
}

static void test_replace_links(const char *dir)
{
	struct err e;

	put(in(dir, "target"), "old", 3);
	if (symlink("target", in(dir, "link")) || symlink("nowhere", in(dir, "dangling")))
		return;
	ok(file_replace(in(dir, "link"), "new", 3, 0644, &e) == 0 &&
			holds(in(dir, "target"), "new"),
		"behind a symbolic link the file is replaced");
	ok(mode_of(in(dir, "link")) == 0777, "and the link stays a link");
	ok(file_replace(in(dir, "dangling"), "new", 3, 0644, &e) == 0 &&
			holds(in(dir, "dangling"), "new") && access(in(dir, "nowhere"), F_OK),
		"a link to nothing is itself replaced");
	if (symlink("target", in(dir, ".target.tmp")))
		return;
	ok(file_replace(in(dir, "target"), "newer", 5, 0644, &e) == 0 &&
			mode_of(in(dir, "target")) == 0644,
		"a link in the place of the temporary file is not followed");
}

static void test_replace_errors(const char *dir)
{
	struct err e;

	ok(file_replace(dir, "x", 1, 0644, &e) == -EISDIR && strstr(e.text, "is a directory"),
		"a directory is not replaced");
	ok(file_replace(in(dir, "no/such"), "x", 1, 0644, &e) == -ENOENT &&
			strstr(e.text, "no/such: cannot open its directory: No such file"),
		"a directory that is missing is named");
	ok(file_replace("", "x", 1, 0644, &e) == -ENOENT &&
			!strcmp(e.text, "\"\": no file has such a name; name one"),
		"no name is an error that can be seen");
	ok(file_replace(in(dir, "nodir/"), "x", 1, 0644, &e) < 0,
		"a name that ends in a slash is an error");
	ok(file_replace("/dev/null", "x", 1, 0644, &e) == 0, "/dev/null is written to");
	ok(mode_of("/dev/null") == 0666, "and stays what it is");
	ok(file_replace("/dev/full", "x", 1, 0644, &e) == -ENOSPC &&
			!strcmp(e.text, "/dev/full: No space left on device"),
		"a device that takes nothing is an error");
}

static void test_fifo(const char *dir)
{
	const char *path = in(dir, "fifo");
	scoped_fd int reader = -1;
	char got[8] = "";
	struct err e;

	if (mkfifo(path, 0600))
		return;
	ok(file_replace(path, "piped", 5, 0644, &e) == -ENXIO && strstr(e.text, "nobody reads it"),
		"a named pipe that nobody reads is not waited for");
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ok(file_replace(path, "piped", 5, 0644, &e) == 0 && read(reader, got, 7) == 5 &&
			!strcmp(got, "piped"),
		"a named pipe is written to, not replaced");
}

static void write_stdout(void *arg)
{
	struct err e;
	int fd = open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	dup2(fd, STDOUT_FILENO);
	_exit(file_replace("-", "to stdout", 9, 0644, &e) != 0);
}

/* In the child: is replacing @arg/kept refused with EACCES and the old file left? */
static void replace_denied(void *arg)
{
	struct err e = {.text = ""};

	if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
		_exit(2);
	if (file_replace(in(arg, "kept"), "new", 3, 0644, &e) != -EACCES)
		_exit(3);
	_exit(strstr(e.text, "kept: cannot write the new file: Permission denied") ? 0 : 4);
}

/* SIGXFSZ, which such a write brings, would end the process. */
static void replace_past_limit(void *arg)
{
	static const char big[64 * 1024];
	struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
	struct err e = {.text = ""};
	sigset_t pending, held;

	setrlimit(RLIMIT_FSIZE, &limit);
	if (file_replace(in(arg, "kept"), big, sizeof(big), 0644, &e) != -EFBIG)
		_exit(3);
	sigpending(&pending);
	sigprocmask(SIG_SETMASK, NULL, &held);
	if (!sigisemptyset(&pending) || !sigisemptyset(&held))
		_exit(5);
	_exit(strstr(e.text, "kept: cannot write the new file: File too large") ? 0 : 4);
}

static void replace_past_limit_named(void *arg)
{
	lack_nameless();
	replace_past_limit(arg);
}

/* Write @text to @path, a file of proc(5). */
static bool tell(const char *path, const char *text)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Mounts of our own; without root that takes a user namespace in which we are who we were. */
static bool own_mounts(void)
{
	char user[64], group[64];

	(void)snprintf(user, sizeof(user), "%u %u 1", geteuid(), geteuid());
	(void)snprintf(group, sizeof(group), "%u %u 1", getegid(), getegid());
	if (geteuid() == 0)
		return !unshare(CLONE_NEWNS);
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && tell("/proc/self/setgroups", "deny") &&
	       tell("/proc/self/uid_map", user) && tell("/proc/self/gid_map", group);
}

/* A disk of 64 KiB that nobody else sees, and that goes with the child. */
static void replace_on_full_disk(void *arg)
{
	static char big[256 * 1024];
	const char *path = in(arg, "kept");
	struct err e = {.text = ""};

	if (!own_mounts() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", arg, "tmpfs", 0, "size=64k"))
		_exit(77);
	memset(big, 'x', sizeof(big));
	if (file_replace(path, "old", 3, 0644, &e))
		_exit(2);
	if (file_replace(path, big, sizeof(big), 0644, &e) != -ENOSPC)
		_exit(3);
	if (!strstr(e.text, "kept: cannot write the new file: No space left on device"))
		_exit(4);
	_exit(holds(path, "old") && entries(arg) == 1 ? 0 : 5);
}

static void test_past_limit(const char *dir, void (*child)(void *arg), const char *where)
{
	int status = tap_child(child, (void *)(uintptr_t)dir);

	ok(status == 0, "a limit on the size of files is an error%s (%#x)", where,
		(unsigned)status);
	ok(holds(in(dir, "kept"), "old") && entries(dir) == 1, "and the old file is there, alone");
}

static void test_replace_fails(const char *dir)
{
	scoped_free char *closed = strdup(in(dir, "closed")), *disk = strdup(in(dir, "disk"));
	int status;

	ok(tap_child(write_stdout, (void *)in(dir, "out")) == 0 &&
			holds(in(dir, "out"), "to stdout"),
		"\"-\" writes standard output");
	mkdir(closed, 0755);
	mkdir(disk, 0755);
	put(in(closed, "kept"), "old", 3);
	chmod(closed, 0555);
	status = tap_child(replace_denied, closed);
	ok(status == 0, "a directory that takes no file is an error (%#x)", (unsigned)status);
	ok(holds(in(closed, "kept"), "old") && entries(closed) == 1, "and the old file is there");
	chmod(closed, 0755);
	test_past_limit(closed, replace_past_limit, "");
	test_past_limit(closed, replace_past_limit_named, ", where files need names");
	status = tap_child(replace_on_full_disk, disk);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("namespaces", "a full disk", "no mount namespace to be had");
	else
		ok(status == 0, "a full disk is an error, and the old file is there (%#x)",
			(unsigned)status);
}

static void test_replace_at(const char *dir)
{
	scoped_free char *sub = strdup(in(dir, "at"));
	scoped_fd int fd = -1;
	struct err e;

	mkdir(sub, 0755);
	fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umask(077);
	ok(file_replace_at(fd, "p.json", "one", 3, 0644, &e) == 0 &&
			holds(in(sub, "p.json"), "one"),
		"replace_at makes a file in a directory");
	ok(mode_of(in(sub, "p.json")) == 0644, "with exactly the mode asked for");
	umask(022);
	ok(file_replace_at(fd, "p.json", "two", 3, 0600, &e) == 0 &&
			holds(in(sub, "p.json"), "two") && mode_of(in(sub, "p.json")) == 0600,
		"and replaces it");
	if (symlink("p.json", in(sub, "link")) || mkdir(in(sub, "folder"), 0755))
		return;
	ok(file_replace_at(fd, "link", "x", 1, 0644, &e) == -EEXIST &&
			!strcmp(e.text, "link: exists and is no regular file; remove it first"),
		"a symbolic link is refused");
	ok(file_replace_at(fd, "folder", "x", 1, 0644, &e) == -EEXIST, "so is a directory");
	ok(holds(in(sub, "p.json"), "two") && entries(sub) == 3, "and nothing has changed");
}

static void test_replace_all(const char *dir)
{
	scoped_free char *pair = strdup(in(dir, "pair"));
	const char *first = in(pair, "first"), *second = in(pair, "second");
	const struct file_content files[] = {{first, "1", 1}, {second, "2", 1}};
	const struct file_content refused[] = {{first, "one", 3}, {in(pair, "no/such"), "2", 1}};
	const struct file_content full[] = {{first, "one", 3}, {"/dev/full", "2", 1}};
	struct err e;

	mkdir(pair, 0755);
	ok(file_replace_all(files, 2, 0644, &e) == 0 && holds(first, "1") && holds(second, "2"),
		"two files are made together");
	ok(file_replace_all(refused, 2, 0644, &e) == -ENOENT && strstr(e.text, "no/such: ") &&
			holds(first, "1"),
		"the first is as it was when the second cannot be made");
	ok(file_replace_all(full, 2, 0644, &e) == -ENOSPC && holds(first, "1"),
		"or when a stream takes nothing");
	ok(entries(pair) == 2, "and no other file is left");
}

static void test_long_name(const char *dir)
{
	char name[256];
	struct err e;

	memset(name, 'n', sizeof(name));
	name[250] = '\0';
	ok(file_replace(in(dir, name), "x", 1, 0644, &e) == 0 && holds(in(dir, name), "x"),
		"a name with room for that of the temporary file");
	name[250] = 'n';
	name[251] = '\0';
	ok(file_replace(in(dir, name), "x", 1, 0644, &e) == -ENAMETOOLONG, "one without");
}

int main(void)
{
	char dir[] = "/tmp/sysclamp-replace.XXXXXX", command[64];

	if (!mkdtemp(dir) || chmod(dir, 0755))
		return 1;
	test_replace(dir);
	test_writers(dir, false);
	test_writers(dir, true);
	test_replace_links(dir);
	test_replace_errors(dir);
	test_fifo(dir);
	test_replace_fails(dir);
	test_replace_at(dir);
	test_replace_all(dir);
	test_long_name(dir);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "and the folder is gone");
	return tap_done();
}
