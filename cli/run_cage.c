#include "run_cage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cage_setting.h"
#include "cli.h"
#include "launch.h"
#include "scope.h"

const char RUN_CAGE_SHORTS[] = "u:g:GyvlNe::IP:d";

/* A letter of minijail0(1), where it means the same as there: the setting, and what is said. */
static const struct letter {
	char letter;
	const char *setting;
	const char *text; /* NULL: the option's own */
} LETTERS[] = {
	{'u', "user", NULL},
	{'g', "group", NULL},
	{'G', "init-groups", "true"},
	{'y', "keep-groups", "true"},
	{'v', "mountns", "private"},
	{'l', "ipc", "private"},
	{'N', "cgroupns", "private"},
	{'e', "net", "none"}, /* or -eFILE: the namespace to join */
	{'I', "pid", "private"},
	{'I', "init", "false"},
	{'P', "root", NULL},
	{'d', "private-dev", "true"},
};

static const int HAS_ARGUMENT[] = {
	[SETTING_SWITCH] = optional_argument,
	[SETTING_TEXT] = required_argument,
	[SETTING_LIST] = required_argument,
};

void run_cage_longs(struct option *longs, size_t len)
{
	size_t n;
	const struct cage_setting *settings = cage_settings(&n);

	for (size_t i = 0; i < n && len < RUN_CAGE_LONGS_MAX - 1; i++, len++)
		longs[len] = (struct option){settings[i].name, HAS_ARGUMENT[settings[i].kind], NULL,
			RUN_CAGE_FIRST + (int)i};
	longs[len] = (struct option){0};
}

static bool is_letter(int option)
{
	for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++) {
		if (LETTERS[i].letter == option)
			return true;
	}
	return false;
}

bool run_cage_owns(int option)
{
	return option >= RUN_CAGE_FIRST || is_letter(option);
}

/* @name: the option, as errors call it. */
static int say(struct cage_request *request, const struct cage_setting *setting, const char *name,
	const char *text, struct err *e)
{
	const char *where = setting->kind == SETTING_SWITCH
				    ? cage_text(&request->cage, "%s", name)
				    : cage_text(&request->cage, "%s %s", name, text);

	if (!where)
		return err_nomem(e);
	return cage_say(request, setting, text, where, e);
}

static int say_long(struct cage_request *request, size_t row, struct err *e)
{
	size_t n;
	const struct cage_setting *setting = &cage_settings(&n)[row];
	const char *name = cage_text(&request->cage, "--%s", setting->name);

	if (!name)
		return err_nomem(e);
	return say(request, setting, name, optarg ? optarg : "true", e);
}

/* What stands behind the letter, for the one that may have something there. */
static const char *letter_text(struct cage_request *request, const struct letter *letter)
{
	if (!letter->text)
		return optarg;
	return optarg ? cage_text(&request->cage, "ns:%s", optarg) : letter->text;
}

static int say_letter(struct cage_request *request, int option, struct err *e)
{
	const char name[] = {'-', (char)option, '\0'};

	for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++) {
		const char *text;

		if (LETTERS[i].letter != option)
			continue;
		text = letter_text(request, &LETTERS[i]);
		if (!text)
			return err_nomem(e);
		if (say(request, cage_setting_find(LETTERS[i].setting), name, text, e))
			return -e->code;
	}
	return 0;
}

int run_cage_take(int option, struct cage_request *request)
{
	struct err e;
	int failed = option >= RUN_CAGE_FIRST
			     ? say_long(request, (size_t)(option - RUN_CAGE_FIRST), &e)
			     : say_letter(request, option, &e);

	if (!failed)
		return EXIT_OK;
	return e.code == ENOMEM ? cli_fail("run", EXIT_OWN_FAILURE, &e)
				: cli_misuse("run", "%s", e.text);
}

/* The letter that says nothing else than this setting; 0: there is none. */
static char letter_of(const char *setting)
{
	for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++) {
		if (!strcmp(LETTERS[i].setting, setting) &&
			(!LETTERS[i].text || !strcmp(LETTERS[i].text, "true")))
			return LETTERS[i].letter;
	}
	return 0;
}

static void print_setting(const struct cage_setting *setting)
{
	char option[64], letter = letter_of(setting->name);

	(void)snprintf(option, sizeof(option), "--%s%s%s", setting->name, setting->value ? " " : "",
		setting->value ? setting->value : "");
	if (letter)
		printf("  -%c, %-32s %s\n", letter, option, setting->help);
	else
		printf("      %-32s %s\n", option, setting->help);
}

void run_cage_help(void)
{
	size_t n;
	const struct cage_setting *settings = cage_settings(&n);

	printf("Options of sysclamp run that hold the command by more than calls.  Each is a field "
	       "of\n--config FILE as well.  See sysclamp(1), sysclamp-sandbox(5).\n");
	for (int group = 0; group < SETTING_GROUPS; group++) {
		printf("\n%s\n", cage_setting_group_name((enum cage_setting_group)group));
		for (size_t i = 0; i < n; i++) {
			if ((int)settings[i].group == group)
				print_setting(&settings[i]);
		}
	}
	printf("\nLetters of minijail0: -v --mountns, -l --ipc, -N --cgroupns private; -e --net "
	       "none;\n-I --pid private --init=false.\n");
}
