/* build: -shared -fPIC */
/* To be preloaded: a libseccomp that crashes while it compiles. */
#include <stdlib.h>

int seccomp_export_bpf(const void *ctx, int fd);

int seccomp_export_bpf(const void *ctx, int fd)
{
	(void)ctx, (void)fd;
	_Exit(1);
}
