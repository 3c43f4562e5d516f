/*
 * late_cases.h: what the programs share that are held late: moment(), which is called when the time
 * has come, and what they report.
 */
#ifndef SYSCLAMP_LATE_CASES_H
#define SYSCLAMP_LATE_CASES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STATUS = 5 };

struct late_case {
	const char *name;
	void (*run)(void);
};

__attribute__((noinline)) void moment(void);
void moment(void)
{
	__asm__ volatile("");
}

/* How the calling thread is held: Seccomp, Seccomp_filters; and what a call is answered. */
static void report(const char *who)
{
	char line[256], text[256];
	int at = snprintf(text, sizeof(text), "%s:", who);
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, "Seccomp", 7))
			at += snprintf(text + at, sizeof(text) - (size_t)at, " %d",
				atoi(strchr(line, ':') + 1));
	}
	if (status)
		(void)fclose(status);
	at += snprintf(text + at, sizeof(text) - (size_t)at, " %d\n",
		syscall(SYS_sched_yield) ? errno : 0);
	(void)!write(STDOUT_FILENO, text, (size_t)at);
}

/* The case that the command line names. */
static int late_run(const struct late_case *cases, size_t n, int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; argc > 1 && i < n; i++) {
		if (!strcmp(cases[i].name, argv[1])) {
			cases[i].run();
			return STATUS;
		}
	}
	return 2;
}

#endif
