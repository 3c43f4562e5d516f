#include "ebpf_alarm.h"

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

static void answer(struct ebpf_alarm *alarm)
{
	(void)pthread_mutex_lock(&alarm->lock);
	if (!alarm->failure.code)
		(void)ebpf_kernel_watch_returns(alarm->kernel, &alarm->failure);
	(void)pthread_mutex_unlock(&alarm->lock);
}

static void *wait_for_alarm(void *arg)
{
	struct ebpf_alarm *alarm = arg;
	struct pollfd waits[] = {
		{.fd = ebpf_kernel_alarm_fd(alarm->kernel), .events = POLLIN},
		{.fd = alarm->stop_fd, .events = POLLIN},
	};

	hurry();
	while (poll(waits, ARRAY_LEN(waits), -1) < 0 && errno == EINTR)
		;
	if (waits[0].revents)
		answer(alarm);
	return NULL;
}

static int thread_start(struct ebpf_alarm *alarm, unsigned cpu)
{
	cpu_set_t only;
	pthread_attr_t attributes;
	int code;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setaffinity_np(&attributes, sizeof(only), &only);
	code = pthread_create(
		&alarm->threads[alarm->n_threads], &attributes, wait_for_alarm, alarm);
	(void)pthread_attr_destroy(&attributes);
	if (!code)
		alarm->n_threads++;
	return code;
}

int ebpf_alarm_start(struct ebpf_kernel *kernel, struct ebpf_alarm *out, struct err *e)
{
	cpu_set_t allowed;
	int code = 0;

	*out = (struct ebpf_alarm){
		.kernel = kernel, .stop_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) == 1)
		return ebpf_kernel_watch_returns(kernel, e);
	out->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (out->stop_fd < 0)
		return err_sys(e, errno, "ebpf: cannot start threads");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && out->n_threads < ALARM_THREADS_MAX; cpu++) {
		if (!code && CPU_ISSET(cpu, &allowed))
			code = thread_start(out, cpu);
	}
	/* A limit on processes: do without those that are missing. */
	if (!code)
		return 0;
	ebpf_alarm_stop(out);
	return ebpf_kernel_watch_returns(kernel, e);
}

void ebpf_alarm_stop(struct ebpf_alarm *alarm)
{
	const uint64_t one = 1;

	if (!alarm->kernel)
		return;
	if (alarm->stop_fd >= 0) {
		(void)!write(alarm->stop_fd, &one, sizeof(one));
		for (unsigned i = 0; i < alarm->n_threads; i++)
			(void)pthread_join(alarm->threads[i], NULL);
		(void)close(alarm->stop_fd);
	}
	*alarm = (struct ebpf_alarm){.stop_fd = -1};
}
