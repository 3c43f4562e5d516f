/*
 * libc_calls [NAME...]: do with the C library what NAME says, in the working directory, which
 * should be empty; without a name, all of it.  For the question which calls another library makes
 * for the same (profiles/portable.tsv): this file is built with glibc and with musl.
 *
 * Everything works for an ordinary user; what a library or a kernel lacks may fail.  Prints the
 * names that failed otherwise, and ends with 1 then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static int done_by(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void touch(const char *name)
{
	FILE *file = fopen(name, "w");

	if (file)
		fclose(file);
}

static int do_nothing(void)
{
	return 1;
}

static int do_print(void)
{
	return printf("%s\n", "a line") > 0 && !fflush(stdout) && fputs("", stderr) >= 0;
}

static int do_stdio(void)
{
	char line[64];
	FILE *file = fopen("stdio", "w+");
	int good = file && fprintf(file, "one\ntwo\n") > 0 && !fseek(file, 0, SEEK_SET) &&
		   fgets(line, sizeof(line), file) && ftell(file) == 4 && !fflush(file);

	return good && !fclose(file);
}

static int do_stdio_large(void)
{
	static char block[100000];
	FILE *file = fopen("large", "w+");
	int good = file && fwrite(block, sizeof(block), 1, file) == 1 &&
		   !fseeko(file, 0, SEEK_SET) && fread(block, sizeof(block), 1, file) == 1 &&
		   fgetc(file) == EOF;

	return good && !fclose(file);
}

static int do_tmpfile(void)
{
	FILE *file = tmpfile();
	char name[] = "nameXXXXXX", dir[] = "dirXXXXXX";
	int fd = mkstemp(name);

	return file && !fclose(file) && fd >= 0 && !close(fd) && !unlink(name) && mkdtemp(dir) &&
	       !rmdir(dir);
}

static int do_popen(void)
{
	char line[64] = "";
	FILE *pipe = popen("echo line", "r");
	int good = pipe && fgets(line, sizeof(line), pipe) && !strcmp(line, "line\n");

	return pclose(pipe) == 0 && good;
}

static int do_open(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), other = creat("other", 0600);

	return fd >= 0 && other >= 0 && fcntl(fd, F_GETFL) >= 0 &&
	       !fcntl(fd, F_SETFD, FD_CLOEXEC) && !ftruncate(fd, 100) && !fsync(fd) &&
	       lseek(fd, 5, SEEK_SET) == 5 && pwrite(fd, "x", 1, 3) == 1 && !close(fd) &&
	       !close(other) && !truncate("other", 7);
}

static int do_stat(void)
{
	struct stat st;

	return !stat(".", &st) && !lstat(".", &st) && !fstat(0, &st) &&
	       !fstatat(AT_FDCWD, ".", &st, 0) && !fstatat(AT_FDCWD, ".", &st, AT_SYMLINK_NOFOLLOW);
}

static int do_access(void)
{
	return !access(".", R_OK) && !faccessat(AT_FDCWD, ".", R_OK, 0) &&
	       !faccessat(AT_FDCWD, ".", R_OK, AT_EACCESS);
}

static int do_directory(void)
{
	DIR *dir = opendir(".");
	char path[4096];
	int good = dir && readdir(dir) && dirfd(dir) >= 0;

	if (dir)
		rewinddir(dir), closedir(dir);
	return good && !mkdir("made", 0700) && !chdir("made") && !chdir("..") && !rmdir("made") &&
	       getcwd(path, sizeof(path));
}

static int do_links(void)
{
	char target[64];

	touch("linked");
	return !link("linked", "hard") && !symlink("linked", "soft") &&
	       readlink("soft", target, sizeof(target)) == 6 && !rename("hard", "harder") &&
	       !remove("harder") && !unlink("soft");
}

static int do_realpath(void)
{
	char *path;

	touch("real");
	if (symlink("real", "path"))
		return 0;
	path = realpath("path", NULL);
	free(path);
	return path && !unlink("path");
}

static int do_modes(void)
{
	struct timespec times[2] = {{1, 0}, {2, 0}};
	struct timeval values[2] = {{1, 0}, {2, 0}};
	struct utimbuf both = {1, 2};

	touch("mode");
	umask(077);
	return !chmod("mode", 0640) && !chown("mode", (uid_t)-1, (gid_t)-1) &&
	       !lchown("mode", (uid_t)-1, (gid_t)-1) && !utimensat(AT_FDCWD, "mode", times, 0) &&
	       !utimes("mode", values) && !utime("mode", &both) && !mkfifo("fifo", 0600) &&
	       !unlink("fifo");
}

static int do_pipe(void)
{
	int fds[2], more[2];

	return !pipe(fds) && !pipe2(more, O_CLOEXEC) && dup(fds[0]) >= 0 &&
	       dup2(fds[0], more[0]) >= 0 && dup3(fds[0], more[1], O_CLOEXEC) >= 0;
}

static int do_wait_for_fds(void)
{
	struct timeval soon = {0, 1000};
	struct timespec sooner = {0, 1000000};
	struct pollfd none = {.fd = -1};

	return !poll(&none, 1, 1) && !ppoll(&none, 1, &sooner, NULL) &&
	       !select(0, NULL, NULL, NULL, &soon) && !pselect(0, NULL, NULL, NULL, &sooner, NULL);
}

static int do_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create(1), other = epoll_create1(EPOLL_CLOEXEC), counter = eventfd(0, 0);

	return fd >= 0 && other >= 0 && !epoll_ctl(fd, EPOLL_CTL_ADD, counter, &event) &&
	       !epoll_wait(fd, &event, 1, 1) && !epoll_pwait(fd, &event, 1, 1, NULL);
}

static int do_special_fds(void)
{
	sigset_t none;

	sigemptyset(&none);
	return eventfd(0, EFD_CLOEXEC) >= 0 && inotify_init() >= 0 &&
	       inotify_init1(IN_CLOEXEC) >= 0 && signalfd(-1, &none, 0) >= 0;
}

static int do_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return done_by(child);
}

static int do_vfork(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(0);
	return done_by(child);
}

static int do_spawn(void)
{
	static char *const argv[] = {"true", NULL}, *const env[] = {NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawn_file_actions_addclose(&actions, 0);
	return !posix_spawn(&child, "/bin/true", &actions, NULL, argv, env) && done_by(child);
}

static int do_system(void)
{
	return system("exit 0") == 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready;

static void *tell(void *arg)
{
	free(malloc(1000));
	pthread_mutex_lock(&mutex);
	ready = 1;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&mutex);
	return arg;
}

static int do_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, tell, NULL))
		return 0;
	pthread_mutex_lock(&mutex);
	while (!ready)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return !pthread_join(thread, NULL);
}

/* Cancelled while it does not allow that: where the signal hits is no matter of chance then. */
static void *be_cancelled(void *arg)
{
	const int *fds = arg;
	char byte;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (read(fds[0], &byte, 1) == 1)
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	return NULL;
}

static int do_cancel(void)
{
	pthread_t thread;
	int fds[2];
	void *end;

	return !pipe2(fds, O_CLOEXEC) && !pthread_create(&thread, NULL, be_cancelled, fds) &&
	       !pthread_cancel(thread) && write(fds[1], "x", 1) == 1 &&
	       !pthread_join(thread, &end) && end == PTHREAD_CANCELED;
}

static int do_memory(void)
{
	char *small = malloc(100), *large = malloc(1000000), *more = calloc(1000, 1000);
	void *aligned = NULL,
	     *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	large = realloc(large, 5000000);
	small = realloc(small, 200000);
	if (posix_memalign(&aligned, 4096, 300000) || map == MAP_FAILED)
		return 0;
	free(small), free(large), free(more), free(aligned);
	return !mprotect(map, 4096, PROT_NONE) && !madvise(map, 4096, MADV_DONTNEED) &&
	       !munmap(map, 4096);
}

static void ignore(int signum)
{
	(void)signum;
}

static int do_signals(void)
{
	struct sigaction action = {.sa_handler = ignore};
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return !sigaction(SIGUSR1, &action, NULL) && signal(SIGUSR2, ignore) != SIG_ERR &&
	       !raise(SIGUSR1) && !kill(getpid(), SIGUSR1) &&
	       !pthread_kill(pthread_self(), SIGUSR1) && !sigprocmask(SIG_BLOCK, &set, &old) &&
	       !pthread_sigmask(SIG_SETMASK, &old, NULL) && !sigpending(&set);
}

static int do_abort(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		abort();
	return waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGABRT;
}

static int do_timers(void)
{
	struct itimerval never = {0};
	struct timespec soon = {0, 1000};

	return alarm(0) == 0 && !setitimer(ITIMER_REAL, &never, NULL) && !nanosleep(&soon, NULL) &&
	       !usleep(1) && sleep(0) == 0 && !clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL);
}

static int do_clocks(void)
{
	struct timespec now;
	struct timeval value;
	struct tms ticks;

	return !clock_gettime(CLOCK_REALTIME, &now) && !gettimeofday(&value, NULL) &&
	       time(NULL) > 0 && !clock_getres(CLOCK_REALTIME, &now) && clock() >= 0 &&
	       times(&ticks) != (clock_t)-1 && localtime(&now.tv_sec);
}

static int do_ids(void)
{
	gid_t groups[64];

	return (long)getuid() + geteuid() + getgid() + getegid() >= 0 && getpid() > 0 &&
	       getppid() >= 0 && getpgrp() >= 0 && getpgid(0) >= 0 && getsid(0) >= 0 &&
	       getgroups(64, groups) >= 0 && !setuid(getuid()) && !setgid(getgid());
}

static int do_limits(void)
{
	struct rlimit limit;
	struct rusage usage;

	return !getrlimit(RLIMIT_NOFILE, &limit) && !setrlimit(RLIMIT_NOFILE, &limit) &&
	       !getrusage(RUSAGE_SELF, &usage) && getpriority(PRIO_PROCESS, 0) >= -20 &&
	       nice(0) >= -20;
}

static int do_host(void)
{
	struct utsname name;
	char host[256];

	return !uname(&name) && !gethostname(host, sizeof(host)) &&
	       sysconf(_SC_NPROCESSORS_ONLN) > 0 && sysconf(_SC_OPEN_MAX) != 0 &&
	       sysconf(_SC_PHYS_PAGES) != 0;
}

static int do_random(void)
{
	char bytes[16];

	return getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes) &&
	       !getentropy(bytes, sizeof(bytes));
}

static int do_terminal(void)
{
	struct termios settings;

	return isatty(0) + tcgetattr(0, &settings) >= -1 && ttyname(0) != (char *)-1;
}

static int do_sockets(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	char byte = 'x';

	if (bind(server, (void *)&name, sizeof(name)) || listen(server, 1) ||
		connect(client, (void *)&name, sizeof(name)))
		return 0;
	fd = accept(server, NULL, NULL);
	return send(client, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1 &&
	       !shutdown(fd, SHUT_RDWR);
}

static int do_names(void)
{
	struct addrinfo *list = NULL;

	(void)getaddrinfo("localhost", "80", NULL, &list);
	if (list)
		freeaddrinfo(list);
	(void)getpwnam("root"), (void)getgrnam("root");
	return 1;
}

static int do_vectors(void)
{
	char one[2], two[2];
	struct iovec parts[] = {{one, sizeof(one)}, {two, sizeof(two)}};
	int fd = open("vectors", O_RDWR | O_CREAT, 0600),
	    other = open("copy", O_RDWR | O_CREAT, 0600);

	return writev(fd, parts, 2) == 4 && !lseek(fd, 0, SEEK_SET) && readv(fd, parts, 2) == 4 &&
	       preadv(fd, parts, 2, 0) == 4 && pwritev(fd, parts, 2, 0) == 4 &&
	       !lseek(fd, 0, SEEK_SET) && sendfile(other, fd, NULL, 4) == 4;
}

static int do_locks(void)
{
	struct flock lock = {.l_type = F_WRLCK};
	int fd = open("lock", O_RDWR | O_CREAT, 0600);

	return !flock(fd, LOCK_EX) && !fcntl(fd, F_SETLK, &lock) && !lockf(fd, F_ULOCK, 0) &&
	       !posix_fallocate(fd, 0, 100) && !posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
}

/* clang-format off */
#define ALL(DEED) \
	DEED(nothing) DEED(print) DEED(stdio) DEED(stdio_large) DEED(tmpfile) DEED(popen) \
	DEED(open) DEED(stat) DEED(access) DEED(directory) DEED(links) \
	DEED(realpath) DEED(modes) DEED(pipe) DEED(wait_for_fds) DEED(epoll) DEED(special_fds) \
	DEED(fork) DEED(vfork) DEED(spawn) DEED(system) DEED(thread) DEED(cancel) \
	DEED(memory) DEED(signals) DEED(abort) DEED(timers) \
	DEED(clocks) DEED(ids) DEED(limits) DEED(host) DEED(random) \
	DEED(terminal) DEED(sockets) DEED(names) DEED(vectors) DEED(locks)
/* clang-format on */
#define DEED(name) {#name, do_##name},

static const struct {
	const char *name;
	int (*run)(void);
} DEEDS[] = {ALL(DEED)};
enum { N_DEEDS = sizeof(DEEDS) / sizeof(DEEDS[0]) };

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return 1;
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 0; i < N_DEEDS; i++) {
		if (wanted(DEEDS[i].name, argc, argv) && !DEEDS[i].run()) {
			failed = 1;
			fprintf(stderr, "%s failed: %s\n", DEEDS[i].name, strerror(errno));
		}
	}
	return failed;
}
