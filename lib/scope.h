/*
 * scope.h: clean-up bound to a declaration.
 *
 * A variable declared with one of these macros is released when its scope ends, on every path.
 * It must be initialised where it is declared.  To hand the value out of the scope, steal it:
 *
 *	scoped_free char *text = strdup(name);
 *	...
 *	*out = steal_ptr(text);
 */
#ifndef SYSCLAMP_SCOPE_H
#define SYSCLAMP_SCOPE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define scoped(release) __attribute__((cleanup(release)))

static inline void scope_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void scope_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void scope_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static inline void scope_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define scoped_free scoped(scope_free)
#define scoped_fd   scoped(scope_close)
#define scoped_file scoped(scope_fclose)

/* Give up the value of a scoped variable: its clean-up then finds nothing to release. */
#define steal_ptr(var)                                                                             \
	({                                                                                         \
		__typeof__(var) stolen_ = (var);                                                   \
		(var) = NULL;                                                                      \
		stolen_;                                                                           \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
