#include "emit.h"

#include <errno.h>
#include <string.h>

#include "scope.h"

enum { LABEL_MAX = 63 }; /* RFC 1123; k8s.io/apimachinery, pkg/util/validation */

static const char ALNUM[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char LABEL[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

/* What is wrong with one part of a name, or NULL. */
static const char *label_fault(const char *label, size_t len)
{
	if (len == 0)
		return "has an empty part";
	if (strspn(label, LABEL) < len)
		return "may hold lower-case letters, digits and '-'";
	if (!strchr(ALNUM, label[0]) || !strchr(ALNUM, label[len - 1]))
		return "begins or ends with '-'";
	return NULL;
}

static int name_error(const char *what, const char *name, const char *fault, struct err *e)
{
	return err_set(e, EINVAL, "%s \"%s\": %s; Kubernetes takes names as of hosts (RFC 1123)",
		what, name, fault);
}

int emit_label_check(const char *what, const char *name, struct err *e)
{
	size_t len = strlen(name);
	const char *fault = len > LABEL_MAX ? "is longer than 63 bytes" : label_fault(name, len);

	return fault ? name_error(what, name, fault, e) : 0;
}

int emit_name_check(const char *what, const char *name, struct err *e)
{
	const char *fault = strlen(name) > EMIT_NAME_MAX ? "is longer than 200 bytes" : NULL;
	const char *at = name, *end;

	while (!fault) {
		end = strchrnul(at, '.');
		fault = label_fault(at, (size_t)(end - at));
		if (!*end)
			break;
		at = end + 1;
	}
	return fault ? name_error(what, name, fault, e) : 0;
}

static size_t without_suffix(const char *text, size_t len, const char *suffix)
{
	size_t cut = strlen(suffix);

	return len > cut && !strncmp(text + len - cut, suffix, cut) ? len - cut : len;
}

static char name_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	return c && strchr(ALNUM, c) ? c : '-';
}

const char *emit_name_from(const char *path, char *buf)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = without_suffix(base, strlen(base), ".json");
	size_t kept = 0;

	len = without_suffix(base, len, ".rec");
	for (size_t i = 0; i < len && kept < LABEL_MAX; i++) {
		char c = name_char(base[i]);

		/* Runs of '-' become one, and none stands in front. */
		if (c != '-' || (kept > 0 && buf[kept - 1] != '-'))
			buf[kept++] = c;
	}
	while (kept > 0 && buf[kept - 1] == '-')
		kept--;
	buf[kept] = '\0';
	return kept > 0 ? buf : NULL;
}
