#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return -code;
}

int err_sys(struct err *e, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerrordesc_np(code));
	return -code;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char behind[ERR_TEXT_MAX];
	size_t used;
	va_list args;

	memcpy(behind, e->text, sizeof(behind));
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, "%s", behind);
	return -e->code;
}

int err_nomem(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

void notice_tell(const struct notice *to, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	if (!to || !to->tell)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	to->tell(to->ctx, text);
}
