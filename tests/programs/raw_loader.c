/* build: -static */
/*
 * raw_loader FD CMD...: start a command under the bare instructions of a filter that are in a file,
 * as minijail0 and bubblewrap take one: what any launcher with a filter costs that reads no profile
 * and proves nothing.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog program = {.filter = insns};
	int status;
	ssize_t size;
	pid_t pid;

	if (argc < 3)
		return 2;
	size = pread(atoi(argv[1]), insns, sizeof(insns), 0);
	if (size <= 0)
		return 125;
	program.len = (unsigned short)((size_t)size / sizeof(insns[0]));
	pid = vfork();
	if (pid == 0) {
		if (!prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) &&
			!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
			execv(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
