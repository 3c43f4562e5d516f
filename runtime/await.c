#include "await.h"

#include <errno.h>
#include <time.h>

#include "recording.h"
#include "time_units.h"

int await_signal(const sigset_t *set, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = steady_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec timeout = {
			.tv_sec = (time_t)(left / NS_PER_S),
			.tv_nsec = (long)(left % NS_PER_S),
		};
		int sig = sigtimedwait(set, NULL, &timeout);

		if (sig > 0)
			return sig;
		if (errno != EINTR || !left)
			return 0;
	}
}

bool await_child(uint64_t deadline_ns)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	return await_signal(&ends, deadline_ns);
}
