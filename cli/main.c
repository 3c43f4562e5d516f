#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "scope.h"

static const struct command *const COMMANDS[] = {
	&cmd_record,
	&cmd_mark,
	&cmd_hook,
	&cmd_merge,
	&cmd_generate,
	&cmd_convert,
	&cmd_install,
	&cmd_run,
	&cmd_clamp,
	&cmd_verify,
	&cmd_explain,
	&cmd_report,
	&cmd_doctor,
};

static void print_help(FILE *to)
{
	fputs("usage: sysclamp COMMAND [OPTION...] [ARGUMENT...]\n"
	      "\n"
	      "Which system calls may this program make?  Record what a workload calls,\n"
	      "cut a seccomp profile to fit, hold the workload to it.\n"
	      "\n",
		to);
	for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
		fprintf(to, "  %-10s %s\n", COMMANDS[i]->name, COMMANDS[i]->summary);
	fputs("\n"
	      "sysclamp COMMAND --help tells more; sysclamp --version prints the version.\n"
	      "First steps:\n"
	      "  sysclamp record -- ls                    writes ls.rec.json\n"
	      "  sysclamp generate -o ls.json ls.rec.json\n"
	      "  sysclamp run -p ls.json -- ls\n",
		to);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
		if (!strcmp(COMMANDS[i]->name, name))
			return COMMANDS[i];
	}
	return NULL;
}

/*
 * Where the caller has closed a stream no file of ours is to have its number, which we or the
 * command would then write to.  What takes it can be neither read nor written, as before, and is
 * closed for the command.
 */
static void keep_numbers(void)
{
	static const int FLAGS[] = {O_WRONLY, O_RDONLY, O_RDONLY};
	struct pollfd streams[] = {
		{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

	if (poll(streams, ARRAY_LEN(streams), 0) <= 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		if (streams[i].revents & POLLNVAL)
			(void)open("/dev/null", FLAGS[i] | O_CLOEXEC | O_NOCTTY);
	}
}

int main(int argc, char **argv)
{
	const struct command *command;

	keep_numbers();
	if (argc < 2) {
		fputs("sysclamp: no command given; see sysclamp --help\n", stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return cli_flush(EXIT_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("sysclamp " SYSCLAMP_VERSION);
		return cli_flush(EXIT_OK);
	}
	command = find_command(argv[1]);
	if (!command) {
		text_tame(argv[1]);
		fprintf(stderr, "sysclamp: unknown command %s; see sysclamp --help\n", argv[1]);
		return EXIT_USAGE;
	}
	return cli_flush(command->run(argc - 1, argv + 1));
}
