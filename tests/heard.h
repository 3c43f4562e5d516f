/*
 * heard.h: the notices of a call under test, and JSON that can be read in C.
 */
#ifndef SYSCLAMP_HEARD_H
#define SYSCLAMP_HEARD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

struct heard {
	char text[4096]; /* line by line; what does not fit is cut */
	unsigned lines;
};

static inline void hear(void *ctx, const char *text)
{
	struct heard *heard = ctx;
	size_t used = strlen(heard->text);

	heard->lines++;
	(void)snprintf(heard->text + used, sizeof(heard->text) - used, "%s\n", text);
}

/* @heard may be NULL: nobody listens. */
static inline struct notice notice_to(struct heard *heard)
{
	return (struct notice){heard ? hear : NULL, heard};
}

/* JSON that is written with ' in place of "; heap. */
static inline char *json_of(const char *text)
{
	char *json = strdup(text);

	if (!json)
		abort();
	for (char *c = json; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	return json;
}

#endif
