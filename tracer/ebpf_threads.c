#include "ebpf_threads.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

/* struct sched_attr of linux/sched/types.h, which does not go with glibc's <sched.h>. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

enum { SLICE_NS = 100000 };

/*
 * Run before anything that may be running: as a real-time thread where that is permitted, otherwise
 * with the shortest slice, which takes a CPU from longer ones (EEVDF, Linux 6.12).
 */
static void hurry(void)
{
	struct attributes attributes = {
		.size = sizeof(attributes), .policy = SCHED_FIFO, .priority = 1};

	if (!syscall(SYS_sched_setattr, 0, &attributes, 0))
		return;
	attributes = (struct attributes){
		.size = sizeof(attributes), .policy = SCHED_OTHER, .runtime = SLICE_NS};
	(void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void *wait_for_work(void *arg)
{
	struct ebpf_threads *threads = arg;
	struct pollfd waits[] = {
		{.fd = threads->fd, .events = POLLIN},
		{.fd = threads->stop_fd, .events = POLLIN},
	};

	hurry();
	while (!waits[1].revents) {
		if (poll(waits, ARRAY_LEN(waits), -1) < 0 && errno != EINTR)
			break;
		if (!waits[0].revents)
			continue;
		threads->answer(threads->ctx);
		if (threads->once)
			break;
	}
	return NULL;
}

static int thread_start(struct ebpf_threads *threads, unsigned cpu)
{
	cpu_set_t only;
	pthread_attr_t attributes;
	int code;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setaffinity_np(&attributes, sizeof(only), &only);
	code = pthread_create(
		&threads->threads[threads->n_threads], &attributes, wait_for_work, threads);
	(void)pthread_attr_destroy(&attributes);
	if (!code)
		threads->n_threads++;
	return code;
}

int ebpf_threads_start(struct ebpf_threads *out, struct err *e)
{
	cpu_set_t allowed;
	int code = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) == 1)
		return 1;
	out->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (out->stop_fd < 0)
		return err_sys(e, errno, "ebpf: cannot start threads");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && out->n_threads < EBPF_THREADS_MAX; cpu++) {
		if (!code && CPU_ISSET(cpu, &allowed))
			code = thread_start(out, cpu);
	}
	if (!code)
		return 0;
	ebpf_threads_stop(out);
	return 1;
}

void ebpf_threads_stop(struct ebpf_threads *threads)
{
	const uint64_t one = 1;

	if (threads->stop_fd <= 0)
		return;
	(void)!write(threads->stop_fd, &one, sizeof(one));
	for (unsigned i = 0; i < threads->n_threads; i++)
		(void)pthread_join(threads->threads[i], NULL);
	(void)close(threads->stop_fd);
	*threads = (struct ebpf_threads){0};
}
