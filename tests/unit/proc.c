/* proc.h: command lines, as processes have them, change them, and leave them behind. */
#include "proc.h"

#include "scope.h"
#include "tap.h"

/* The words of a process, each in parentheses. */
static const char *words_of(pid_t pid, char text[PROC_PATH_MAX])
{
	scoped_free char **argv = proc_command(pid);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; argv && argv[i]; i++)
		used += (size_t)snprintf(text + used, PROC_PATH_MAX - used, "(%s)", argv[i]);
	return text;
}

static void test_title(char *argv0)
{
	char before[PROC_PATH_MAX], text[PROC_PATH_MAX], want[PROC_PATH_MAX];
	size_t room = strlen(argv0);

	(void)snprintf(want, sizeof(want), "(%s)", argv0);
	is_text(words_of(getpid(), before), want, "a command of one word has one");
	/* As setproctitle(3bsd) does. */
	memset(argv0, 0, room);
	memcpy(argv0, "a b", sizeof("a b"));
	is_text(words_of(getpid(), text), "(a b)", "a title is one word, without the room behind");
	argv0[room - 1] = 'z';
	is_text(strrchr(words_of(getpid(), text), '('), "(z)", "words behind empty ones stay");
}

static void test_ended(void)
{
	char text[PROC_PATH_MAX];
	siginfo_t info;
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	is_text(words_of(child, text), "([proc])", "a zombie has its name in brackets");
	waitpid(child, NULL, 0);
	is_text(words_of(child, text), "", "who has ended has no words");
	is_text(words_of(0, text), "", "nor has nobody");
}

int main(int argc, char **argv)
{
	(void)argc;
	test_ended();
	test_title(argv[0]);
	return tap_done();
}
