#include "terminal_master.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A message with room for one descriptor (cmsg(3)). */
struct carrier {
	char byte; /* some data there must be */
	struct iovec data;
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;
};

static void carrier_init(struct carrier *carrier)
{
	*carrier = (struct carrier){0};
	carrier->data = (struct iovec){.iov_base = &carrier->byte, .iov_len = 1};
	carrier->message = (struct msghdr){
		.msg_iov = &carrier->data,
		.msg_iovlen = 1,
		.msg_control = carrier->control.bytes,
		.msg_controllen = sizeof(carrier->control.bytes),
	};
}

int master_peer(int master)
{
	return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

int master_send(int socket, int master, struct err *e)
{
	struct carrier carrier;
	struct cmsghdr *header;

	carrier_init(&carrier);
	header = CMSG_FIRSTHDR(&carrier.message);
	*header = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	memcpy(CMSG_DATA(header), &master, sizeof(master));
	if (sendmsg(socket, &carrier.message, MSG_NOSIGNAL) != 1)
		return err_sys(e, errno, "a terminal: to send it to the launcher");
	return 0;
}

int master_receive(int socket)
{
	struct carrier carrier;
	struct cmsghdr *header;
	int master;

	carrier_init(&carrier);
	if (recvmsg(socket, &carrier.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&carrier.message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&master, CMSG_DATA(header), sizeof(master));
	return master;
}
