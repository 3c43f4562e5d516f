#include "deny_teller.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "scope.h"
#include "time_units.h"

struct job {
	struct deny_call call;
	bool held; /* its thread waits for us */
	bool asked; /* for its text */
};

struct deny_teller {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, progress;
	int fd; /* -1: nobody listens */

	/* Under the lock. */
	struct job jobs[TELL_QUEUE];
	uint64_t begun, ended; /* jobs so far: those between are in the queue */
	uint64_t captured; /* and those whose threads need not wait any more */
	bool slow; /* the last one was not in time, and nothing has happened since */
	bool closing;
	uint64_t lost;

	/* The thread's own; the text is also that of the job that ended last. */
	struct stacks *stacks;
	struct deny_view view;
	char text[DENY_TEXT_MAX];
};

/* What cannot be written is lost: there is nobody to tell. */
static void write_text(struct deny_teller *teller, const char *text)
{
	size_t left = strlen(text);

	while (left > 0 && teller->fd >= 0) {
		ssize_t n = write(teller->fd, text, left);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
}

static void compose(struct deny_teller *teller, const struct job *job)
{
	char called[CALL_TEXT_MAX], result[64], program[PROC_PATH_MAX + 64];
	char *text = teller->text;
	size_t used;

	deny_text_call(&job->call, &teller->view, called);
	deny_text_program(&job->call, &teller->view, program, sizeof(program));
	deny_text_result(job->call.action, result, sizeof(result));
	(void)snprintf(text, DENY_TEXT_MAX,
		job->asked
			? "sysclamp run: %s, which the profile answers by %s,\n  is called by %s\n"
			: "sysclamp run: denied %s = %s  in %s\n",
		called, result, program);
	used = strlen(text);
	deny_text_stack(&teller->view, teller->stacks, text + used, DENY_TEXT_MAX - used);
}

/* One job, but for taking it off the queue.  The lock is held, and let go for all that takes time.
 */
static void do_job(struct deny_teller *teller, struct job *job)
{
	bool held = job->held, was_held;

	teller->view.known = false;
	pthread_mutex_unlock(&teller->lock);
	if (held)
		deny_view_capture(&teller->view, &job->call, teller->stacks);
	pthread_mutex_lock(&teller->lock);
	was_held = job->held;
	teller->captured++;
	teller->slow = false;
	if (!job->asked)
		pthread_cond_broadcast(&teller->progress);
	pthread_mutex_unlock(&teller->lock);

	/* Whoever did not wait may have been somebody else by then. */
	if (!was_held)
		teller->view.known = false;
	compose(teller, job);
	if (!job->asked)
		write_text(teller, teller->text);
	pthread_mutex_lock(&teller->lock);
}

static void *work(void *arg)
{
	struct deny_teller *teller = arg;

	launch_block_signals();
	pthread_mutex_lock(&teller->lock);
	for (;;) {
		if (teller->ended < teller->begun) {
			do_job(teller, &teller->jobs[teller->ended % TELL_QUEUE]);
			teller->ended++;
			pthread_cond_broadcast(&teller->progress);
		} else if (teller->closing) {
			break;
		} else {
			pthread_cond_wait(&teller->work, &teller->lock);
		}
	}
	pthread_mutex_unlock(&teller->lock);
	return NULL;
}

static void teller_free(struct deny_teller *teller)
{
	if (teller)
		stacks_free(teller->stacks);
	free(teller);
}

static int start(struct deny_teller *teller, struct err *e)
{
	pthread_condattr_t steady;
	int code;

	if (stacks_new(&teller->stacks, e))
		return -e->code;
	pthread_mutex_init(&teller->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&teller->work, NULL);
	pthread_cond_init(&teller->progress, &steady);
	pthread_condattr_destroy(&steady);
	code = pthread_create(&teller->thread, NULL, work, teller);
	/* The first thread makes glibc unblock those of its own (late_init() of pthread_create.c).
	 */
	launch_block_signals();
	return code ? err_sys(e, code, "starting a thread that tells of denials") : 0;
}

int deny_teller_start(int fd, struct deny_teller **out, struct err *e)
{
	struct deny_teller *teller = calloc(1, sizeof(*teller));

	if (!teller)
		return err_nomem(e);
	teller->fd = fd;
	if (start(teller, e)) {
		teller_free(teller);
		return -e->code;
	}
	*out = teller;
	return 0;
}

static struct timespec deadline(void)
{
	struct timespec at;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &at);
	ns = (uint64_t)at.tv_nsec + TELL_HELD_MS * NS_PER_MS;
	at.tv_sec += (time_t)(ns / NS_PER_S);
	at.tv_nsec = (long)(ns % NS_PER_S);
	return at;
}

/*
 * The thread is held until @done has reached the job, or it takes too long.  Where it took too long
 * last time, and nothing has happened since, nobody waits again.
 */
static bool hold(struct deny_teller *teller, struct job *job, const uint64_t *done, uint64_t number)
{
	struct timespec until = deadline();

	while (*done <= number && !teller->slow) {
		if (pthread_cond_timedwait(&teller->progress, &teller->lock, &until) == ETIMEDOUT)
			teller->slow = *done <= number;
	}
	if (*done > number)
		return true;
	job->held = false;
	return false;
}

/* NULL, and counted, without room. */
static struct job *queue(struct deny_teller *teller, const struct deny_call *call, bool asked)
{
	struct job *job = &teller->jobs[teller->begun % TELL_QUEUE];

	if (teller->begun - teller->ended == TELL_QUEUE) {
		teller->lost++;
		return NULL;
	}
	*job = (struct job){.call = *call, .held = true, .asked = asked};
	job->call.denial.call = &job->call.data;
	teller->begun++;
	pthread_cond_signal(&teller->work);
	return job;
}

void deny_teller_tell(struct deny_teller *teller, const struct deny_call *call)
{
	struct job *job;

	pthread_mutex_lock(&teller->lock);
	job = queue(teller, call, false);
	if (job)
		(void)hold(teller, job, &teller->captured, teller->begun - 1);
	pthread_mutex_unlock(&teller->lock);
}

bool deny_teller_ask(struct deny_teller *teller, const struct deny_call *call, char *out)
{
	struct job *job;
	bool told = false;

	pthread_mutex_lock(&teller->lock);
	job = queue(teller, call, true);
	if (job && hold(teller, job, &teller->ended, teller->begun - 1)) {
		memcpy(out, teller->text, DENY_TEXT_MAX);
		told = true;
	}
	pthread_mutex_unlock(&teller->lock);
	return told;
}

uint64_t deny_teller_end(struct deny_teller *teller)
{
	uint64_t lost;

	pthread_mutex_lock(&teller->lock);
	teller->closing = true;
	pthread_cond_signal(&teller->work);
	pthread_mutex_unlock(&teller->lock);
	pthread_join(teller->thread, NULL);
	lost = teller->lost;
	pthread_mutex_destroy(&teller->lock);
	pthread_cond_destroy(&teller->work);
	pthread_cond_destroy(&teller->progress);
	teller_free(teller);
	return lost;
}
