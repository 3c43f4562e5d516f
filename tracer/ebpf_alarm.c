#include "ebpf_alarm.h"

static void answer(void *ctx)
{
	struct ebpf_alarm *alarm = ctx;

	(void)pthread_mutex_lock(&alarm->lock);
	if (!alarm->failure.code)
		(void)ebpf_kernel_watch_returns(alarm->kernel, &alarm->failure);
	(void)pthread_mutex_unlock(&alarm->lock);
}

int ebpf_alarm_start(struct ebpf_kernel *kernel, struct ebpf_alarm *out, struct err *e)
{
	int code;

	*out = (struct ebpf_alarm){
		.kernel = kernel,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.threads =
			{
				.fd = ebpf_kernel_alarm_fd(kernel),
				.once = true,
				.answer = answer,
				.ctx = out,
			},
	};
	code = ebpf_threads_start(&out->threads, e);
	return code > 0 ? ebpf_kernel_watch_returns(kernel, e) : code;
}

void ebpf_alarm_stop(struct ebpf_alarm *alarm)
{
	ebpf_threads_stop(&alarm->threads);
	*alarm = (struct ebpf_alarm){0};
}
