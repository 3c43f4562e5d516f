/* Flags and actions: what is there, what is asked for, and what becomes of it. */
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "features.h"
#include "filter_test.h"
#include "profile.h"

#define TSYNC	  SECCOMP_FILTER_FLAG_TSYNC
#define LOG	  SECCOMP_FILTER_FLAG_LOG
#define LISTENER  SECCOMP_FILTER_FLAG_NEW_LISTENER
#define KILLABLE  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define ESRCH_TOO SECCOMP_FILTER_FLAG_TSYNC_ESRCH

static const struct {
	const char *name;
	uint32_t asked;
	bool listener;
	uint32_t load;
} LOADS[] = {
	{"nothing", 0, false, 0},
	{"nothing, with a listener", 0, true, LISTENER},
	{"TSYNC and LOG", TSYNC | LOG, false, TSYNC | LOG},
	{"WAIT_KILLABLE_RECV is about a listener", KILLABLE | LOG, false, LOG},
	{"WAIT_KILLABLE_RECV with one", KILLABLE, true, KILLABLE | LISTENER},
	{"TSYNC with a listener", TSYNC, true, TSYNC | ESRCH_TOO | LISTENER},
};

/* The names are those of profiles; what lacks here is named. */
static void test_tables(void)
{
	size_t n, wrong = 0;
	const struct feature *all = features_actions(&n);

	for (size_t i = 0; i < n; i++) {
		action_t action;

		wrong += action_by_name(all[i].name, &action) || action != all[i].value;
		wrong += i > 0 && !action_is_stricter(all[i - 1].value, all[i].value);
	}
	ok(n == 8 && wrong == 0, "the actions, by their names, the strictest first");
	all = features_flags(&n);
	wrong = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = profile_flag_name(all[i].value);

		/* Some are for the loader to set, and no profile can name them. */
		wrong += name && strcmp(name, all[i].name) != 0;
	}
	ok(n == 6 && wrong == 0, "the flags, by their names");
}

static void test_load_flags(void)
{
	for (size_t i = 0; i < ARRAY_LEN(LOADS); i++)
		ok(features_load_flags(LOADS[i].asked, LOADS[i].listener) == LOADS[i].load, "%s",
			LOADS[i].name);
}

static const struct sock_filter ALLOW[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static const struct filter PROGRAM = {(struct sock_filter *)ALLOW, 1};

static void *load_own(void *barrier)
{
	(void)filter_load(&PROGRAM, 0);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

/* A thread with a filter that its process does not have cannot be taken along. */
static int load_beside_other(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	int code;

	filtered_child_begin();
	if (pthread_barrier_init(&barrier, NULL, 2) ||
		pthread_create(&thread, NULL, load_own, &barrier))
		return 0;
	pthread_barrier_wait(&barrier);
	code = filter_load(&PROGRAM, TSYNC);
	pthread_barrier_wait(&barrier);
	(void)pthread_join(thread, NULL);
	return -code;
}

static void test_tsync_failure(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(load_beside_other());
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
			WEXITSTATUS(status) == ESRCH,
		"TSYNC that meets another filter returns a thread: a failure");
}

int main(void)
{
	struct err e = {0};

	test_tables();
	test_load_flags();
	ok(!features_need_flags(0, &e) && !features_need_action(SECCOMP_RET_ALLOW, &e) &&
			!features_need_action(SECCOMP_RET_ERRNO | 5, &e),
		"what every kernel with filters has");
	test_tsync_failure();
	return tap_done();
}
