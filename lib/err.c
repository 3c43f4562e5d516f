#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What was quoted from input may hold line ends and terminal escapes. */
void text_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			*c = c[1] = '?';
		else if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

int err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	text_tame(e->text);
	return -code;
}

int err_sys(struct err *e, int code, const char *format, ...)
{
	const char *known = strerrordesc_np(code), *what = known ? known : "unknown error";
	size_t used, most = sizeof(e->text) - strlen(what) - sizeof(": ");
	va_list args;

	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	/* Of a long path the end is given up, not the reason. */
	used = strlen(e->text) < most ? strlen(e->text) : most;
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", what);
	text_tame(e->text);
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
	text_tame(e->text);
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
	text_tame(text);
	to->tell(to->ctx, text);
}
