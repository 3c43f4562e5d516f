#include "held_notices.h"

#include <stdlib.h>

/* Without memory to keep it in, it is told at once. */
static void hold(void *ctx, const char *text)
{
	struct held_notices *held = ctx;

	if (!held->to)
		held->to = open_memstream(&held->text, &held->size);
	fprintf(held->to ? held->to : stderr, "sysclamp %s: %s\n", held->command, text);
}

struct notice held_notice(struct held_notices *held)
{
	return (struct notice){.tell = hold, .ctx = held};
}

void held_notices_tell(struct held_notices *held)
{
	if (held->to && !fflush(held->to))
		fputs(held->text, stderr);
	held_notices_done(held);
}

void held_notices_done(struct held_notices *held)
{
	if (held->to)
		(void)fclose(held->to);
	free(held->text);
	*held = (struct held_notices){.command = held->command};
}
