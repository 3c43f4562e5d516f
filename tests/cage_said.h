/*
 * cage_said.h: say something about a cage as an option would.
 */
#ifndef SYSCLAMP_CAGE_SAID_H
#define SYSCLAMP_CAGE_SAID_H

#include <stdio.h>

#include "cage_setting.h"

static inline int say(
	struct cage_request *request, const char *name, const char *text, struct err *e)
{
	char where[128];

	snprintf(where, sizeof(where), "--%s %s", name, text);
	return cage_say(request, cage_setting_find(name), text, where, e);
}

#endif
