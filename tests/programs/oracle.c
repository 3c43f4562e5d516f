/*
 * oracle OUT COMMAND [ARGUMENT...]: run a recorder (COMMAND) with its workload in pid and mount
 * namespaces of their own, and count in the kernel what the workload calls: all that enters in that
 * namespace, from the first execve below the recorder on, but for the recorder itself.  Writes JSON
 * to OUT: {"lost": 0, "calls": [[abi, number, count], ...]}.  Ends as COMMAND does (128+n for
 * signal n); 125 without a result.  Needs root.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"
#include <programs/oracle.skel.h>

enum { OWN_FAILURE = 125, CPUS_MAX = 1024, X32_BIT = 0x40000000 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(OWN_FAILURE);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Pid 1 there: start the recorder, which is pid 2, and reap everybody. */
static _Noreturn void init(int go_fd, char **argv)
{
	int status, recorder_status = 0;
	pid_t recorder, pid;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(go_fd, &byte, 1) != 1)
		_exit(OWN_FAILURE);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		die("/proc");
	recorder = fork();
	if (recorder == 0) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		if (pid == recorder) {
			recorder_status = status;
			break;
		}
	}
	_exit(exit_status(recorder_status));
}

/* How many pid namespaces are above this one: the numbers after "NSpid:", less one. */
static unsigned own_level(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096];
	unsigned n = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		for (char *at = strtok(line + 6, " \t\n"); at; at = strtok(NULL, " \t\n"))
			n++;
	}
	if (!n)
		die("/proc/self/status");
	fclose(file);
	return n - 1;
}

static unsigned pid_namespace_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	if (stat(path, &st))
		die(path);
	return (unsigned)st.st_ino;
}

static const char *abi_of(const struct oracle_key *key)
{
	if (key->compat)
		return "i386";
	return key->nr != UINT32_MAX && key->nr & X32_BIT ? "x32" : "x86_64";
}

static void write_calls(FILE *out, int map_fd, int cpus)
{
	static uint64_t counts[CPUS_MAX];
	struct oracle_key key, *at = NULL;
	const char *comma = "";

	for (; !bpf_map_get_next_key(map_fd, at, &key); at = &key) {
		uint64_t sum = 0;

		if (bpf_map_lookup_elem(map_fd, &key, counts))
			die("the counts");
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += counts[cpu];
		fprintf(out, "%s\n[\"%s\", %u, %ju]", comma, abi_of(&key), key.nr, (uintmax_t)sum);
		comma = ",";
	}
}

static uint64_t misses(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		die("the misses");
	return info.recursion_misses;
}

static void report(const char *path, struct oracle_programs *skeleton)
{
	FILE *out = fopen(path, "we");
	int cpus = libbpf_num_possible_cpus();

	if (!out || cpus < 0 || cpus > CPUS_MAX)
		die(path);
	fprintf(out, "{\"lost\": %ju, \"calls\": [",
		(uintmax_t)(skeleton->bss->state.lost + misses(skeleton->progs.on_call)));
	write_calls(out, bpf_map__fd(skeleton->maps.calls), cpus);
	fprintf(out, "\n]}\n");
	if (fclose(out))
		die(path);
}

int main(int argc, char **argv)
{
	struct oracle_programs *skeleton;
	int go[2], status;
	pid_t pid;

	if (argc < 3)
		return 2;
	skeleton = oracle_programs__open_and_load();
	if (!skeleton || pipe(go) || unshare(CLONE_NEWPID | CLONE_NEWNS))
		die("cannot start");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		init(go[0], argv + 2);
	}
	skeleton->bss->state.level = own_level() + 1;
	skeleton->bss->state.inum = pid_namespace_of(pid);
	if (oracle_programs__attach(skeleton) || write(go[1], "g", 1) != 1)
		die("cannot start");
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	oracle_programs__detach(skeleton);
	report(argv[1], skeleton);
	oracle_programs__destroy(skeleton);
	return exit_status(status);
}
