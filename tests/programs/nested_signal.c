/* build: -O2 -fomit-frame-pointer */
/*
 * nested.h, called by the handler of a signal that interrupts a function in the midst; with an
 * argument, on a stack of the handler's own.
 */
#include <signal.h>
#include <stdlib.h>

#include "nested.h"

static void handler(int sig)
{
	_exit(nested_outer(nested_size) == sig);
}

NESTED int interrupted(volatile int *nothing)
{
	*nothing = 1;
	return nested_size;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};
	stack_t stack = {.ss_size = 64 << 10};

	(void)argv;
	if (argc > 1) {
		action.sa_flags = SA_ONSTACK;
		stack.ss_sp = malloc(stack.ss_size);
		(void)sigaltstack(&stack, NULL);
	}
	(void)sigaction(SIGSEGV, &action, NULL);
	return interrupted(NULL) + nested_size;
}
