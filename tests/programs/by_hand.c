/*
 * by_hand [-f FLAGS] [ACTION...] -- COMMAND...: run a command behind seccomp filters that were
 * written by hand, one for each ACTION (SECCOMP_RET_*, a number) in this order: getppid gets the
 * action, everything else is allowed.  FLAGS are those of seccomp(2), for all of them.
 *
 * by_hand -b FILE WORD...: load the program in FILE, print the words, and return from main: 7.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define TOKEN AUDIT_ARCH_X86_64
#else
#define TOKEN AUDIT_ARCH_AARCH64
#endif

static int load(struct sock_filter *insns, size_t len, unsigned flags)
{
	struct sock_fprog prog = {.len = (unsigned short)len, .filter = insns};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) == 0)
		return 0;
	perror("by_hand: seccomp");
	return 1;
}

static int load_action(uint32_t action, unsigned flags)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TOKEN, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return load(insns, sizeof(insns) / sizeof(insns[0]), flags);
}

static int load_file(const char *path)
{
	static struct sock_filter insns[4096];
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(insns, sizeof(insns[0]), sizeof(insns) / sizeof(insns[0]), file)
			  : 0;

	return len == 0 || fclose(file) || load(insns, len, 0);
}

static int print_behind(char **words)
{
	if (load_file(*words++))
		return 2;
	while (*words)
		printf("%s\n", *words++);
	return 7;
}

int main(int argc, char **argv)
{
	unsigned flags = 0;
	char **word = argv + 1;

	if (argc < 3 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 2;
	if (!strcmp(*word, "-b"))
		return print_behind(word + 1);
	if (!strcmp(*word, "-f")) {
		flags = (unsigned)strtoul(word[1], NULL, 0);
		word += 2;
	}
	for (; *word && strcmp(*word, "--") != 0; word++) {
		if (load_action((uint32_t)strtoul(*word, NULL, 0), flags))
			return 2;
	}
	if (*word)
		execv(word[1], word + 1);
	return 2;
}
