/*
 * report.h: a recording as a page for people who would rather look than read.
 */
#ifndef SYSCLAMP_REPORT_H
#define SYSCLAMP_REPORT_H

#include <stddef.h>

#include "err.h"
#include "recording.h"

/**
 * One HTML page that needs nothing else: no network, no script to be read; a script adds a search
 * and sorting.  Whatever the recording holds is text in it.  Same recording, same bytes.
 *
 * @out_text: heap, owned by the caller.
 * Errors: -ENOMEM.
 */
int report_write(const struct recording *rec, char **out_text, size_t *out_size, struct err *e);

#endif
