"""Plans for tests/programs/timed_calls.c, and what its runs have logged."""
import os

import workload

IN_CONTAINER = "/timed_calls"  # the program
LOGS = "/fifos"  # where a container has the directory of its log
# Calls that fail without doing anything when all their arguments are -1, and that neither a static program
# nor the C library makes of its own accord.
NAMES = """
 accept4 bind capget connect dup epoll_ctl fallocate fchdir fchmod fchown fdatasync flock fstatfs fsync
 ftruncate getdents64 getgroups getitimer getpeername getpgid getpriority getrusage getsid getsockname
 getsockopt inotify_add_watch inotify_rm_watch io_cancel ioprio_get kcmp link listen lookup_dcookie lseek
 madvise mincore mkdir mlock msync name_to_handle_at pread64 preadv process_vm_readv pwrite64 pwritev
 readahead recvfrom recvmsg removexattr rename rmdir sched_getaffinity sched_getparam sched_getscheduler
 sched_rr_get_interval sched_setaffinity semop sendmsg sendto setsockopt shmat shmdt shutdown signalfd4
 splice statfs symlink sync_file_range syncfs sysinfo tee timer_delete timer_gettime timerfd_gettime
 times truncate unlink utimensat vmsplice
""".split()


def numbers():
    """The numbers of all these, by name."""
    known = {name: nr for nr, name in workload.header_names(64)}
    return {name: known[name] for name in NAMES if name in known}


def host_program():
    """The program, on the host."""
    return workload.program("timed_calls")


class Plan:
    """One run: which calls, and how long each is waited for (seconds)."""

    def __init__(self, directory, steps):
        self.directory, self.steps = directory, steps
        os.makedirs(directory)

    def argv(self):
        """The command line, in a container."""
        return [IN_CONTAINER, f"{LOGS}/log", *(f"{nr}:{int(wait * 1e6)}" for nr, wait in self.steps)]

    def made(self):
        """What it has made so far: (number, times before and after it in seconds of the epoch)."""
        try:
            with open(os.path.join(self.directory, "log"), encoding="ascii") as file:
                lines = file.read().split("\n")[:-1]
        except FileNotFoundError:
            return []
        return [(int(nr), int(before) / 1e9, int(after) / 1e9)
                for nr, before, after in (line.split() for line in lines)]
