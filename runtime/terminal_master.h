/*
 * terminal_master.h: the master of a pseudoterminal, from the process that opens it to the one that
 * serves it.  Others include terminal.h.
 */
#ifndef SYSCLAMP_TERMINAL_MASTER_H
#define SYSCLAMP_TERMINAL_MASTER_H

#include "err.h"

/** The other end of @master, not as the controlling terminal: a descriptor, or -1 and errno. */
int master_peer(int master);

/** Send @master through a socket. */
int master_send(int socket, int master, struct err *e);

/** What was sent: a descriptor; -1 if nothing was, and nothing will be. */
int master_receive(int socket);

#endif
