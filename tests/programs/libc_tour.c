/*
 * libc_tour: what C libraries do each by system calls of their own: threads, processes, signals,
 * sockets, files, timers, memory.  A line for each, and status 7 when all went well.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, TIMES = 100, CHILD = 5, ALL_WELL = 7, LARGE = 1 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int total;
static volatile sig_atomic_t caught;

static void *add(void *arg)
{
	for (int i = 0; i < TIMES; i++) {
		pthread_mutex_lock(&lock);
		total++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static int tour_threads(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, add, NULL))
			return -1;
	}
	pthread_mutex_lock(&lock);
	while (total < THREADS * TIMES)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return total;
}

static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int tour_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(CHILD);
	return status_of(pid);
}

/* This program again, with an argument, its output to a pipe. */
static int tour_spawn(void)
{
	char *argv[] = {"libc_tour", "spawned", NULL}, text[16] = "";
	posix_spawn_file_actions_t actions;
	int fds[2], status;
	pid_t pid = -1;

	if (pipe(fds) || posix_spawn_file_actions_init(&actions))
		return -1;
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	if (posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, NULL))
		return -1;
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	status = status_of(pid);
	if (read(fds[0], text, sizeof(text) - 1) < 0 || strcmp(text, "spawned\n"))
		status = -1;
	close(fds[0]);
	return status;
}

static void handle(int signo)
{
	(void)signo;
	caught++;
}

static int tour_signals(void)
{
	struct sigaction act = {.sa_handler = handle, .sa_flags = SA_RESTART};
	struct itimerval soon = {.it_value.tv_usec = 10000};
	sigset_t alarm, before;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	if (sigaction(SIGUSR1, &act, NULL) || sigaction(SIGALRM, &act, NULL) || raise(SIGUSR1) ||
		kill(getpid(), SIGUSR1) || sigprocmask(SIG_BLOCK, &alarm, &before) ||
		setitimer(ITIMER_REAL, &soon, NULL))
		return -1;
	while (caught < 3)
		(void)sigsuspend(&before);
	return caught;
}

/* A server and its client in one process, by a name that is in no file system. */
static int tour_sockets(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sysclamp-test-tour"};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), accepted;
	struct pollfd ready = {.fd = server, .events = POLLIN};
	char text[16] = "";
	fd_set fds;

	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 1) ||
		connect(client, (struct sockaddr *)&address, sizeof(address)) ||
		poll(&ready, 1, -1) != 1)
		return -1;
	accepted = accept(server, NULL, NULL);
	FD_ZERO(&fds);
	FD_SET(accepted, &fds);
	if (send(client, "hello", 5, 0) != 5 || select(accepted + 1, &fds, NULL, NULL, NULL) != 1 ||
		recv(accepted, text, sizeof(text), 0) != 5 || shutdown(accepted, SHUT_RDWR))
		return -1;
	close(server);
	close(client);
	close(accepted);
	return (int)strlen(text);
}

static int tour_files(void)
{
	struct stat by_path, by_fd;
	DIR *directory = opendir("/proc/self/fd");
	int count = 0, fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char link[64];

	while (directory && readdir(directory))
		count++;
	if (!directory || closedir(directory) || fd < 0 || fstat(fd, &by_fd) ||
		stat("/proc/self/status", &by_path) || access("/proc/self/status", R_OK) ||
		faccessat(AT_FDCWD, "/proc/self/status", R_OK, AT_EACCESS) ||
		readlink("/proc/self/exe", link, sizeof(link)) < 0 || lseek(fd, 1, SEEK_SET) != 1 ||
		dup2(fd, fd + 1) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK))
		return -1;
	close(fd + 1);
	close(fd);
	return count >= 5 && by_path.st_mode == by_fd.st_mode;
}

static int tour_time(void)
{
	struct timespec short_time = {.tv_nsec = 1000000}, before, after;

	if (clock_gettime(CLOCK_MONOTONIC, &before) || nanosleep(&short_time, NULL) ||
		usleep(1000) || clock_gettime(CLOCK_MONOTONIC, &after) || time(NULL) < 0)
		return -1;
	return after.tv_sec - before.tv_sec + (after.tv_nsec > before.tv_nsec) >= 1;
}

static int tour_memory(void)
{
	char *block = malloc(LARGE);
	char *larger = block ? realloc(block, 8UL * LARGE) : NULL;

	if (!larger)
		return -1;
	memset(larger, 1, 8UL * LARGE);
	free(larger);
	return 1;
}

static const struct {
	const char *name;
	int (*tour)(void);
	int want;
} TOURS[] = {
	{"threads", tour_threads, THREADS *TIMES},
	{"fork", tour_fork, CHILD},
	{"spawn", tour_spawn, 0},
	{"signals", tour_signals, 3},
	{"sockets", tour_sockets, 5},
	{"files", tour_files, 1},
	{"time", tour_time, 1},
	{"memory", tour_memory, 1},
};

int main(int argc, char **argv)
{
	int status = ALL_WELL;

	if (argc > 1)
		return puts(argv[1]) < 0;
	for (size_t i = 0; i < sizeof(TOURS) / sizeof(TOURS[0]); i++) {
		int got = TOURS[i].tour();

		printf("%s: %d%s%s\n", TOURS[i].name, got, got == TOURS[i].want ? "" : ": ",
			got == TOURS[i].want ? "" : strerror(errno));
		fflush(stdout);
		if (got != TOURS[i].want)
			status = 1;
	}
	return status;
}
