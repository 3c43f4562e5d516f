/* build: -pthread */
/*
 * epoll_load PATH CLIENTS FILE: ask the server of epoll_server.c, CLIENTS at a time, over new
 * connections again and again, until standard input ends.  FILE shows meanwhile how many requests
 * were answered rightly, and how many were not: two 64-bit numbers.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUESTS = 20 /* of a connection */, CLIENTS_MAX = 64 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static volatile bool over;
static struct {
	uint64_t right, wrong;
} * counts;

static bool ask(int fd, uint64_t number)
{
	uint64_t answer = 0;

	return send(fd, &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number) &&
	       recv(fd, &answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) &&
	       answer == number + 1;
}

static void *run_client(void *arg)
{
	uint64_t number = (uintptr_t)arg << 32;

	while (!over) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool connected = !connect(fd, (struct sockaddr *)&address, sizeof(address));

		for (int i = 0; i < REQUESTS; i++)
			__atomic_fetch_add(
				connected && ask(fd, number++) ? &counts->right : &counts->wrong, 1,
				__ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t clients[CLIENTS_MAX];
	int n, fd;
	char byte;

	if (argc != 4)
		return 2;
	n = atoi(argv[2]) < CLIENTS_MAX ? atoi(argv[2]) : CLIENTS_MAX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*counts)))
		return 3;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 3;
	for (intptr_t i = 0; i < n; i++)
		pthread_create(&clients[i], NULL, run_client, (void *)i);
	(void)!read(0, &byte, 1);
	over = true;
	for (int i = 0; i < n; i++)
		pthread_join(clients[i], NULL);
	return 0;
}
