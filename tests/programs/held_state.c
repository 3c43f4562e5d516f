/* build: -static */
/*
 * held_state: what a command finds when it begins, a "NAME: VALUE" line for each thing, by system
 * calls wherever there is one, so that it needs no /proc.  The profile of the tests answers
 * sched_yield with errno 95.  With "all", what /proc and /dev have as well; with "reach" behind it,
 * its namespaces, its clocks, and what it can get at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 1024, CAPS = 64, KERNEL_SIGNALS = 64, GROUPS_MAX = 64 };

extern char **environ;

static void ids(void)
{
	gid_t groups[GROUPS_MAX];
	uid_t r, e, s;
	int n = getgroups(GROUPS_MAX, groups);

	getresuid(&r, &e, &s);
	printf("uid: %d %d %d\n", (int)r, (int)e, (int)s);
	getresgid(&r, &e, &s);
	printf("gid: %d %d %d\n", (int)r, (int)e, (int)s);
	printf("groups:");
	for (int i = 0; i < n; i++)
		printf(" %d", (int)groups[i]);
	printf("\n");
}

static void caps(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t bounding = 0, ambient = 0;

	syscall(SYS_capget, &header, data);
	for (unsigned long cap = 0; cap < CAPS; cap++) {
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) << cap;
		ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			   << cap;
	}
	printf("permitted: %08x%08x\n", data[1].permitted, data[0].permitted);
	printf("effective: %08x%08x\n", data[1].effective, data[0].effective);
	printf("inheritable: %08x%08x\n", data[1].inheritable, data[0].inheritable);
	printf("bounding: %016lx\n", bounding);
	printf("ambient: %016lx\n", ambient);
	printf("securebits: %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void attributes(void)
{
	mode_t mask = umask(0);
	int sig = -1;

	prctl(PR_GET_PDEATHSIG, &sig);
	printf("no_new_privs: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("seccomp: %d\n", prctl(PR_GET_SECCOMP));
	errno = 0;
	(void)!syscall(SYS_sched_yield);
	printf("sched_yield: %d\n", errno);
	printf("keepcaps: %d\n", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	printf("pdeathsig: %d\n", sig);
	printf("dumpable: %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("personality: %x\n", (unsigned)personality(0xffffffff));
	printf("umask: %04o\n", (unsigned)mask);
	printf("nice: %d\n", getpriority(PRIO_PROCESS, 0));
	printf("process: %s\n", getpid() == 1 ? "1" : "other");
	printf("session: %s\n", getsid(0) == getpid() ? "own" : "another's");
	printf("group: %s\n", getpgrp() == getpid() ? "own" : "another's");
}

static void limits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		getrlimit((__rlimit_resource_t)i, &limit);
		printf("limit %d: %ld %ld\n", i, (long)limit.rlim_cur, (long)limit.rlim_max);
	}
}

static void signals(void)
{
	uint64_t blocked = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	printf("blocked: %016lx\nignored:", blocked);
	for (int sig = 1; sig <= KERNEL_SIGNALS; sig++) {
		struct {
			void *handler;
			unsigned long rest[3];
		} now = {0};

		syscall(SYS_rt_sigaction, sig, NULL, &now, sizeof(uint64_t));
		if (now.handler)
			printf(" %d", sig);
	}
	printf("\n");
}

static void files(void)
{
	char path[4096];

	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor: %d\n", fd);
	}
	printf("cwd: %s\n", getcwd(path, sizeof(path)) ? path : strerror(errno));
	printf("terminal: %s\n", open("/dev/tty", O_RDWR | O_NOCTTY) < 0 ? "none" : "controlling");
}

static void names(void)
{
	struct utsname host;

	uname(&host);
	printf("hostname: %s\ndomainname: %s\n", host.nodename, host.domainname);
	for (char **variable = environ; *variable; variable++)
		printf("environment: %s\n", *variable);
}

/* Of mountinfo, what does not hang on numbers given anew each time. */
static void mount_line(char *line)
{
	char *at = NULL, *fields[5] = {NULL}, *rest;

	rest = strstr(line, " - ");
	if (!rest)
		return;
	*rest = '\0';
	for (int i = 0; i < 5; i++) /* number, parent, device, root, point */
		fields[i] = strtok_r(i ? NULL : line, " ", &at);
	printf("mount: %s %s %s\n", fields[4], strtok_r(NULL, "\n", &at), rest + 3);
}

static void of_proc(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re"),
	     *oom = fopen("/proc/self/oom_score_adj", "re");
	char line[4096];

	while (mounts && fgets(line, sizeof(line), mounts)) {
		line[strcspn(line, "\n")] = '\0';
		mount_line(line);
	}
	if (oom && fgets(line, sizeof(line), oom))
		printf("oom_score_adj: %s", line);
}

/* Devices and what is in a directory of them. */
static void devices(void)
{
	DIR *dir = opendir("/dev");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] != '.' &&
			!fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			printf("device: %s %06o %lx %d:%d\n", entry->d_name, st.st_mode,
				(unsigned long)st.st_rdev, (int)st.st_uid, (int)st.st_gid);
	}
}

static void spaces(void)
{
	static const char *const KINDS[] = {
		"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
	char path[64], link[64];

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		ssize_t size;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", KINDS[i]);
		size = readlink(path, link, sizeof(link) - 1);
		link[size > 0 ? size : 0] = '\0';
		printf("namespace: %s %s\n", KINDS[i], size > 0 ? link : "not to be seen");
	}
}

static void clocks(void)
{
	struct timespec monotonic, boottime;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	printf("clock: monotonic %ld\nclock: boottime %ld\n", (long)monotonic.tv_sec,
		(long)boottime.tv_sec);
}

static const char *after(long result)
{
	return result < 0 ? strerrorname_np(errno) : "done";
}

/* Of port 1, where nobody listens, and of a port to listen on. */
static void network(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct ifreq lo = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	FILE *ttl = fopen("/proc/sys/net/ipv4/ip_default_ttl", "re");
	int hops = 0;

	ioctl(fd, SIOCGIFFLAGS, &lo);
	printf("loopback: %s\n", lo.ifr_flags & IFF_UP ? "up" : "down");
	printf("bind: %s\n", after(bind(fd, (void *)&to, sizeof(to))));
	to.sin_port = htons(1);
	printf("connect: %s\n", after(connect(fd, (void *)&to, sizeof(to))));
	printf("ip_default_ttl: %d\n", ttl && fscanf(ttl, "%d", &hops) == 1 ? hops : -1);
}

static void reach(void)
{
	char text[8];

	spaces();
	clocks();
	network();
	printf("signal to the parent: %s\n", after(kill(getppid(), 0)));
	printf("open for writing here: %s\n", after(open(".", O_TMPFILE | O_RDWR, 0600)));
	printf("open for reading /etc/passwd: %s\n", after(open("/etc/passwd", O_RDONLY)));
	printf("read of /etc/passwd: %s\n",
		read(open("/etc/passwd", O_RDONLY), text, 8) > 0 ? "text" : "nothing");
}

/* Of each of the paths. */
static void modes(char **paths)
{
	struct stat st;

	for (; *paths; paths++)
		printf("mode: %04o %s\n", stat(*paths, &st) ? 0 : st.st_mode & 07777, *paths);
}

int main(int argc, char **argv)
{
	bool is_file_system_shown = argc > 1 && !strcmp(argv[1], "all");

	files();
	ids();
	caps();
	attributes();
	limits();
	signals();
	names();
	if (is_file_system_shown) {
		of_proc();
		devices();
	}
	if (argc > 2 && !strcmp(argv[2], "reach"))
		reach();
	else
		modes(argv + (argc > 2 ? 2 : argc));
	return fflush(stdout) ? 1 : 0;
}
