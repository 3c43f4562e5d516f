/*
 * oracle.h: what oracle.c and oracle.bpf.c share.
 */
#ifndef SYSCLAMP_TESTS_ORACLE_H
#define SYSCLAMP_TESTS_ORACLE_H

enum {
	ORACLE_ENTRIES = 1 << 17,
	ORACLE_WATCHER = 2, /* the recorder's process in the namespace, after init */
};

struct oracle_key {
	unsigned int nr, compat;
};

struct oracle_state {
	unsigned int level, inum; /* of the pid namespace */
	unsigned int started, unused;
	unsigned long long lost;
};

#endif
