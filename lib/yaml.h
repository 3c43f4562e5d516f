/*
 * yaml.h: JSON values as YAML in block style, as people read, keep and apply it.
 *
 * The text means the same to readers of YAML 1.1 and 1.2: what one of them would take for
 * something other than a string is quoted, and what is not ASCII is escaped.
 */
#ifndef SYSCLAMP_YAML_H
#define SYSCLAMP_YAML_H

#include <stddef.h>

#include <jansson.h>

#include "err.h"

/**
 * Write @value.  Members of objects keep their order; strings of several lines of plain text stand
 * as literal blocks.
 *
 * @comment: lines that each begin with "#" and end with a newline, put in front; NULL for none.
 * @value: objects, arrays, strings, integers, booleans and null; no real numbers.
 * @out_text: heap, owned by the caller; ends with a newline.
 * Errors: -EINVAL for a real number; -ENOMEM.
 */
int yaml_emit(
	const char *comment, const json_t *value, char **out_text, size_t *out_size, struct err *e);

#endif
