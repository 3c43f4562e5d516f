"""strace attached to all processes of one container, from outside, while they wait."""
import os
import re
import shutil
import subprocess

import tap
import workload

# Of a namespace that cannot be told apart, a process is not a member.
NO_NAMESPACE = ""
READ = 0  # asm/unistd_64.h


def mount_namespace(pid):
    """The mount namespace of a process, which a container shares with no other."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return NO_NAMESPACE


def members(pid):
    """The processes of the container that a process is in: those of its mount namespace.

    Containers may share the namespaces of pids and networks, and need not have a cgroup: each has
    its own root, though.  Those who enter a container by exec are in it as well.
    """
    wanted = mount_namespace(pid)
    if wanted in (NO_NAMESPACE, mount_namespace("self")):
        raise ValueError(f"process {pid} is in no container")
    return sorted(int(name) for name in os.listdir("/proc")
                  if name.isdigit() and mount_namespace(name) == wanted)


def tasks(pids):
    """The threads of processes, by id."""
    return [int(tid) for pid in pids for tid in os.listdir(f"/proc/{pid}/task")]


def settle(pid):
    """Wait until all threads of a container wait in a read."""
    def waits(tid):
        try:
            with open(f"/proc/{tid}/syscall", encoding="ascii") as file:
                return file.read().startswith(f"{READ} ") and tap.state_of(tid) == "S"
        except OSError:
            return False
    tap.wait_until(lambda: all(waits(tid) for tid in tasks(members(pid))), "all threads wait")


class Attached:
    """strace -f on the processes that a container has now, and what they start from now on.

    All wait in a read of a pipe.  The stop by which strace attaches interrupts it, and the kernel
    begins it anew (ERESTARTSYS): a read enters, which strace counts, and which a recorder counts that
    was attached before.  So nothing that either counts was under way at its beginning.
    """

    def __init__(self, pid, log):
        self.log, self.pids = log, members(pid)
        self._err = open(log + ".err", "wb")
        argv = [shutil.which("strace"), "-f", "-n", "-e", "quiet=none", "-s", "0", "-o", log]
        for member in self.pids:
            argv += ["-p", str(member)]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._err,
                                         stderr=self._err, env=workload.ENVIRON)
        waiting = tasks(self.pids)
        tap.wait_until(lambda: self._has_begun(waiting), f"strace attaches to {waiting}")

    def _has_begun(self, waiting):
        """Whether the reads in which the threads wait have begun anew."""
        if self._process.poll() is not None:
            raise ChildProcessError(f"strace ended: {self.error()}")
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                begun = {int(line[1]) for line in re.finditer(r"^(\d+) +\[.*read\(", file.read(), re.M)}
        except FileNotFoundError:
            return False
        return begun >= set(waiting)

    def error(self):
        """What strace said."""
        with open(self.log + ".err", encoding="utf-8", errors="replace") as file:
            return file.read()

    def seen(self):
        """What it saw, when all have ended."""
        self._process.wait(workload.DEADLINE_S)
        self._err.close()
        return workload.Straced(self.log)
