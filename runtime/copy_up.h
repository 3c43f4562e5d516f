/*
 * copy_up.h: a new file system that begins with what is in a directory.
 */
#ifndef SYSCLAMP_COPY_UP_H
#define SYSCLAMP_COPY_UP_H

#include "err.h"

/**
 * Copy directories, regular files and symbolic links, with owner and mode, from the directory @from
 * into the directory @to (O_PATH both).  Nothing else is copied, no link is followed.  In a user
 * namespace what belongs to nobody there belongs to the caller afterwards.
 *
 * Errors: what a system call says; ELOOP: more than 64 directories deep; ESTALE: a file became
 * something else meanwhile.
 */
int copy_up(int from, int to, struct err *e);

#endif
