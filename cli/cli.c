#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

enum { COMMAND_MAX = 300 /* bytes of one that is told */ };

int cli_fail(const char *command, int exit_code, const struct err *e)
{
	fprintf(stderr, "sysclamp %s: %s\n", command, e->text);
	return exit_code;
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == '\177';
}

int cli_misuse(const char *command, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* A word that was given is no command to the terminal. */
	for (char *c = text; *c; c++) {
		if (is_control(*c))
			*c = '?';
	}
	fprintf(stderr, "sysclamp %s: %s; see sysclamp %s --help\n", command, text, command);
	return EXIT_USAGE;
}

void cli_tell_written(const char *command, const char *file)
{
	if (file && strcmp(file, "-") != 0)
		fprintf(stderr, "sysclamp %s: wrote %s\n", command, file);
}

static void tell(void *ctx, const char *text)
{
	fprintf(stderr, "sysclamp %s: %s\n", (const char *)ctx, text);
}

struct notice cli_notice(const char *command)
{
	return (struct notice){.tell = tell, .ctx = (void *)(uintptr_t)command};
}

/* getopt_long() takes any unambiguous beginning of a long name; we do not. */
static bool is_abbreviated(const char *word, const struct option *longs)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");

	if (strncmp(word, "--", 2) || len == 0)
		return false;
	for (; longs->name; longs++) {
		if (strlen(longs->name) == len && !strncmp(longs->name, name, len))
			return false;
	}
	return true;
}

/* The option as it stands in @word, or behind other letters there: nobody's value may be empty. */
static int refuse_empty(const char *word, int option, const struct command *command)
{
	char letter[] = {'-', (char)option, '\0'};
	bool is_long = !strncmp(word, "--", 2);

	return cli_misuse(command->name, "%.*s \"\": its value is empty; give one, or leave it out",
		(int)(is_long ? strcspn(word, "=") : sizeof(letter) - 1), is_long ? word : letter);
}

int cli_option(int argc, char **argv, const char *shorts, const struct option *longs,
	const struct command *command)
{
	int at = optind ? optind : 1;
	int option;

	if (at < argc && !strcmp(argv[at], "--help"))
		option = 'h';
	else if (at < argc && is_abbreviated(argv[at], longs))
		return cli_misuse(command->name, "unknown option %s", argv[at]), '?';
	else
		option = getopt_long(argc, argv, shorts, longs, NULL);
	if (option == 'h') {
		fputs(command->help, stdout);
		exit(cli_flush(EXIT_OK));
	}
	if (option == ':')
		return cli_misuse(command->name, "option %s needs a value", argv[optind - 1]), '?';
	if (option == '?')
		cli_misuse(command->name, "unknown option %s", argv[at]);
	if (option > 0 && option != '?' && optarg && !*optarg)
		return refuse_empty(argv[at], option, command), '?';
	return option;
}

const char *cli_input_name(const char *file)
{
	return strcmp(file, "-") ? file : "standard input";
}

/* As $'...' of bash(1) and of the next POSIX: control characters as numbers. */
static void print_escaped(const char *word)
{
	fputs(" $'", stderr);
	for (; *word; word++) {
		if (is_control(*word))
			fprintf(stderr, "\\%03o", (unsigned char)*word);
		else
			fprintf(stderr, *word == '\'' || *word == '\\' ? "\\%c" : "%c", *word);
	}
	fputc('\'', stderr);
}

static bool has_control(const char *word)
{
	while (*word && !is_control(*word))
		word++;
	return *word;
}

void cli_print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:=@%+,-";

	if (*word && !word[strspn(word, plain)]) {
		fprintf(stderr, " %s", word);
		return;
	}
	if (has_control(word)) {
		print_escaped(word);
		return;
	}
	fputs(" '", stderr);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, stderr);
	fputc('\'', stderr);
}

void cli_print_command(const struct rec_names *argv)
{
	size_t bytes = 0;

	for (size_t i = 0; i < argv->n_names; i++) {
		bytes += strlen(argv->names[i]) + 1;
		if (bytes > COMMAND_MAX) {
			fputs(" ...", stderr);
			break;
		}
		cli_print_word(argv->names[i]);
	}
	fputc('\n', stderr);
}

void cli_print_engines(const char *lead, const char *profile, bool nnp)
{
	scoped_free char *option = NULL;

	fprintf(stderr, "%s sysclamp install -p", lead);
	cli_print_word(profile);
	fputs(" --name NAME\n", stderr);
	if (asprintf(&option, "seccomp=%s", profile) < 0)
		return;
	fputs("  or: podman run --security-opt", stderr);
	cli_print_word(option);
	fprintf(stderr, "%s IMAGE\n", nnp ? " --security-opt no-new-privileges" : "");
}

bool cli_is_same_file(const char *a, const char *b)
{
	struct stat st_a, st_b;

	/* What is written to terminals, pipes and /dev/null does not take another's place. */
	return !stat(a, &st_a) && !stat(b, &st_b) && !S_ISCHR(st_a.st_mode) &&
	       st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

bool cli_is_stream(const char *file)
{
	struct stat st;

	return !strcmp(file, "-") || (!stat(file, &st) && !S_ISREG(st.st_mode));
}

int cli_check_output(const char *option, const char *file, const char *what, struct err *e)
{
	scoped_free char *dir = NULL;
	const char *slash = strrchr(file, '/');
	struct stat st;

	if (cli_is_stream(file)) {
		if (!stat(file, &st) && S_ISDIR(st.st_mode))
			return err_set(
				e, EISDIR, "%s: is a directory; name a file with %s", file, option);
		return 0;
	}
	dir = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	if (!dir)
		return err_nomem(e);
	if (access(dir, W_OK | X_OK))
		return err_sys(e, errno, "%s: cannot write %s there; choose a file with %s", file,
			what, option);
	return 0;
}

static void do_nothing(int sig)
{
	(void)sig;
}

void cli_outlive_readers(void)
{
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART}, before;

	if (!sigaction(SIGPIPE, NULL, &before) && before.sa_handler == SIG_DFL)
		(void)sigaction(SIGPIPE, &action, NULL);
}

bool cli_may_colour(FILE *file)
{
	const char *unwanted = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(unwanted && *unwanted) && term && strcmp(term, "dumb") != 0 &&
	       isatty(fileno(file));
}

int cli_flush(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	perror("sysclamp: standard output");
	return status ? status : EXIT_USAGE;
}
