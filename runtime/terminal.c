#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "scope.h"
#include "terminal_master.h"

enum {
	ROWS = 24, /* of the terminals that programs expect where nothing else is known */
	COLUMNS = 80,
	CONSOLE_MODE = 0600,
};

int terminal_open(struct terminal *out, struct err *e)
{
	struct winsize size = {0};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_sys(e, errno, "sockets for the terminal");
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){.ws_row = ROWS, .ws_col = COLUMNS};
	*out = (struct terminal){
		.outer = ends[0],
		.inner = ends[1],
		.rows = size.ws_row,
		.columns = size.ws_col,
	};
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->outer >= 0)
		(void)close(terminal->outer);
	if (terminal->inner >= 0)
		(void)close(terminal->inner);
	terminal->outer = terminal->inner = -1;
}

/*
 * What stands at @name below @dir_fd; ELOOP if that, or anything on the way, is a symbolic link
 * (with O_NOFOLLOW the link itself would be opened: openat2(2)).
 */
static int open_plain(int dir_fd, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

/*
 * Whatever else may stand at /dev/pts was put there by who made the root: a terminal is one only if
 * the kernel says that it comes from devpts.
 */
static int pts_open(int *out_fd, struct err *e)
{
	scoped_fd int fd = open_plain(AT_FDCWD, "/dev/pts", O_DIRECTORY);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs))
		return err_sys(e, errno, "a terminal: /dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(e, ENODEV,
			"a terminal: no devpts is mounted on /dev/pts; mount one, or ask for no "
			"terminal");
	*out_fd = steal_fd(&fd);
	return 0;
}

static int pair_open(int *out_master, int *out_slave, struct err *e)
{
	scoped_fd int pts = -1, master = -1, slave = -1;
	int lock = 0;

	if (pts_open(&pts, e))
		return -e->code;
	master = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &lock))
		return err_sys(e, errno, "a terminal: /dev/pts/ptmx");
	slave = master_peer(master);
	if (slave < 0)
		return err_sys(e, errno, "a terminal: its inner end");
	*out_master = steal_fd(&master);
	*out_slave = steal_fd(&slave);
	return 0;
}

static int pair_set_up(const struct terminal *terminal, const struct cage *cage, int master,
	int slave, struct err *e)
{
	struct winsize size = {
		.ws_row = cage->rows ? cage->rows : terminal->rows,
		.ws_col = cage->columns ? cage->columns : terminal->columns,
	};

	if (ioctl(master, TIOCSWINSZ, &size))
		return err_sys(e, errno, "a terminal: its size");
	if (cage->user.set && fchown(slave, cage->user.uid, (gid_t)-1))
		return err_sys(e, errno, "a terminal: to give it to user %u", cage->user.uid);
	return 0;
}

static int become_leader(int slave, struct err *e)
{
	if (getsid(0) != getpid() && setsid() < 0)
		return err_sys(e, errno, "a terminal: to begin a session");
	if (ioctl(slave, TIOCSCTTY, 0))
		return err_sys(e, errno, "a terminal: to make it the controlling one");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (dup2(slave, fd) < 0)
			return err_sys(e, errno, "a terminal: to make it descriptor %d", fd);
	}
	return 0;
}

/* The file that the terminal is bound on. */
static int console_open(int dev)
{
	int fd = open_plain(dev, "console", 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return openat(
		dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, CONSOLE_MODE);
}

static int bind_console(int slave, struct err *e)
{
	scoped_fd int dev = open_plain(AT_FDCWD, "/dev", O_DIRECTORY), console = -1, tree = -1;

	if (dev >= 0)
		console = console_open(dev);
	if (console < 0)
		return err_sys(e, errno, "a terminal: /dev/console");
	tree = open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || move_mount(tree, "", console, "",
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(e, errno, "a terminal: to bind it on /dev/console");
	return 0;
}

/* The descriptors of a new pair may be the standard ones, if those were closed. */
static int out_of_the_way(int *fd, struct err *e)
{
	int copy;

	if (*fd > STDERR_FILENO)
		return 0;
	copy = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy < 0)
		return err_sys(e, errno, "a terminal: a descriptor");
	(void)close(*fd);
	*fd = copy;
	return 0;
}

int terminal_inside(struct terminal *terminal, const struct cage *cage, struct err *e)
{
	scoped_fd int master = -1, slave = -1;

	if (pair_open(&master, &slave, e) || out_of_the_way(&master, e) ||
		out_of_the_way(&slave, e) || pair_set_up(terminal, cage, master, slave, e))
		return -e->code;
	if (cage->root.path && bind_console(slave, e))
		return -e->code;
	if (master_send(terminal->inner, master, e) || become_leader(slave, e))
		return -e->code;
	terminal_close(terminal);
	return 0;
}
