"""Drive tests/programs/container_work.c: tell when it waits, let it go on, and know what it makes."""
import os
import select

import workload

DEADLINE_S = 60
# The sets of the program: what it makes itself, its children, its threads.
SETS = {
    "a": (("getppid", "sched_yield", "umask"), "getpgid", "getpriority"),
    "b": (("personality", "times", "getuid"), "getsid", "sched_getscheduler"),
    "c": (("getgid", "getrusage", "sync_file_range"), "getegid", "sysinfo"),
    "d": (("geteuid", "getpgrp", "sched_get_priority_max"), "sched_get_priority_min", "getitimer"),
}
IN_CONTAINER = "/container_work"  # the program
FIFOS = "/fifos"  # where a container has the directory of FIFOs
ALL_CALLS = {name for main, child, thread in SETS.values() for name in (*main, child, thread)}


def counts(name, times):
    """How often a set's calls are made, by name."""
    main, child, thread = SETS[name]
    return {**{call: times for call in main}, child: 5 * times, thread: 9 * times}


class Work:
    """One run of the program: its FIFOs, which end it when they are closed."""

    def __init__(self, directory, name, times, status=0):
        self.directory, self.name, self.times, self.status = directory, name, times, status
        self.counts = counts(name, times)
        os.makedirs(directory)
        self._fds = {}
        for fifo in ("go", "said"):
            os.mkfifo(os.path.join(directory, fifo))
            # Both ends, so that no open waits.
            self._fds[fifo] = os.open(os.path.join(directory, fifo), os.O_RDWR | os.O_CLOEXEC)

    def argv(self, program=IN_CONTAINER, directory=FIFOS):
        """The command line, in a container or not."""
        return [program, directory, self.name, str(self.times), str(self.status)]

    def _said(self, line):
        """Wait until the program has said this."""
        got = b""
        while not got.endswith(b"\n"):
            if not select.select([self._fds["said"]], [], [], DEADLINE_S)[0]:
                raise TimeoutError(f"{self.name}: in {DEADLINE_S} s it did not say {line}")
            got += os.read(self._fds["said"], 1)
        if got.decode("ascii").strip() != line:
            raise ValueError(f"{self.name}: {line} was awaited, it said {got!r}")

    def ready(self):
        """Wait until it waits for go()."""
        self._said("ready")

    def go(self):
        """Let it make its calls; later: let it exit."""
        os.write(self._fds["go"], b"g")

    def done(self):
        """Wait until it has made its calls and waits for go() again."""
        self._said("done")

    def close(self):
        """Close the FIFOs, which ends the program wherever it waits."""
        while self._fds:
            os.close(self._fds.popitem()[1])


def by_name(seen, names=ALL_CALLS):
    """The counts of some calls by name, of a recording or of what strace saw."""
    return {seen.names[key]: count for key, count in seen.calls.items()
            if seen.names.get(key) in names}


def host_program():
    """The program, on the host."""
    return workload.program("container_work")
