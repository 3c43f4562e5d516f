/*
 * tap.h: TAP from C.  A test file is a main() that calls tests and ends with `return tap_done();`.
 *
 * tap_child() runs a test in a forked child, for what a process cannot take back: filters, limits.
 */
#ifndef SYSCLAMP_TAP_H
#define SYSCLAMP_TAP_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int tap_count, tap_failed;

/* Ignore no signal that whoever started the test does: nohup(1) SIGHUP, a shell's background job
 * two. */
__attribute__((constructor)) static void tap_take_signals_back(void)
{
	struct sigaction act;

	for (int sig = 1; sig < NSIG; sig++) {
		if (!sigaction(sig, NULL, &act) && act.sa_handler == SIG_IGN)
			(void)signal(sig, SIG_DFL);
	}
}

/* One test point; its name states the claim.  Evaluates to whether it held. */
#define ok(held, ...) tap_ok((held), __FILE__, __LINE__, __VA_ARGS__)

/* Two strings are equal; both are shown when not. */
#define is_text(got, want, ...) tap_is_text((got), (want), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(
	bool held, const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", held ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (!held) {
		tap_failed++;
		printf("#   failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return held;
}

__attribute__((format(printf, 5, 6))) static inline bool tap_is_text(
	const char *got, const char *want, const char *file, int line, const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (tap_ok(got && want && !strcmp(got, want), file, line, "%s", name))
		return true;
	printf("#   got:  %s\n#   want: %s\n", got ? got : "(null)", want ? want : "(null)");
	return false;
}

/*
 * A test that cannot run here.  @need is one word of TEST_REQUIRE (root, bpf, engines, m32, ...):
 * listed there, the skip is a failure.
 */
static inline void tap_skip(const char *need, const char *name, const char *reason)
{
	const char *required = getenv("TEST_REQUIRE");
	size_t len = strlen(need);

	for (const char *at = required; at && (at = strstr(at, need)); at += len) {
		bool starts = at == required || at[-1] == ',';

		if (starts && (at[len] == ',' || at[len] == '\0')) {
			ok(false, "%s: %s, but TEST_REQUIRE lists %s", name, reason, need);
			return;
		}
	}
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, reason);
	fflush(stdout);
}

/* The wait status of @body run in a forked child. */
static inline int tap_child(void (*body)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
