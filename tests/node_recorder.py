"""A recorder of all containers, its files, and the kubelet's links that it reads."""
import atexit
import contextlib
import glob
import json
import os
import signal
import subprocess
import time

import container_engines.base
import tap
import workload

ATTACHED = "sysclamp record: recording all containers to "  # what it says when it has attached
LINKS = "/var/log/containers"
SUFFIX = ".rec.json"
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def private_links():
    """A directory of links that only this test sees; in its private mounts, see private_mounts()."""
    container_engines.base.must(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/log"])
    os.mkdir(LINKS)


def link(ident, name):
    """Make the kubelet's link for a container: what its file is to be called from then on."""
    text = f"{name}_test_main-{ident}"
    os.symlink("/nonexistent", os.path.join(LINKS, f"{text}.log"))
    return f"{text}{SUFFIX}"


def unified():
    """Where version 2 of cgroups is mounted."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        return next(line.split()[1] for line in file if line.split()[2] == "cgroup2")


def is_stopped(pid):
    """Whether all threads of a process are stopped."""
    states = set()
    for path in glob.glob(f"/proc/{pid}/task/*/stat"):
        with open(path, encoding="ascii", errors="replace") as file:
            states.add(file.read().rpartition(")")[2].split()[0])
    return states == {"T"}


class NodeRecorder:
    """sysclamp record --all-containers, attached when this returns."""

    def __init__(self, directory, *options):
        self.directory = directory
        self._err = f"{directory}.err"
        started = time.monotonic()
        with open(self._err, "wb") as err:
            self.process = subprocess.Popen(
                [workload.SYSCLAMP, "record", "--all-containers", "-d", directory, *options],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, env=workload.ENVIRON)
        self.pid, self.status = self.process.pid, None
        # However the test ends, it writes nothing any more when the test's directory is removed.
        atexit.register(self._kill)
        tap.wait_until(lambda: ATTACHED in self.said() or self.process.poll() is not None,
                       "the recorder attaches")
        self.attached, self.attach_s = time.time(), time.monotonic() - started
        if self.process.returncode is not None:
            raise ChildProcessError(f"the recorder ended: {self.said()}")

    def _kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self):
        """What it has said."""
        with open(self._err, encoding="utf-8", errors="replace") as file:
            return file.read()

    @contextlib.contextmanager
    def stopped(self):
        """It hears of nothing meanwhile; what the kernel counts goes on."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            tap.wait_until(lambda: is_stopped(self.pid), "the recorder is stopped")
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def end(self, signo=signal.SIGTERM):
        """End it: its exit status."""
        self.process.send_signal(signo)
        self.status = self.process.wait(workload.DEADLINE_S)
        atexit.unregister(self._kill)
        return self.status

    def rss_kib(self):
        """How much memory it has, in which maps of the kernel count that it has mapped."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE_KIB

    def cpu_s(self):
        """How much time of a CPU it has had."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def files_of(directory, ident):
    """The files of a container."""
    return [path for path in glob.glob(f"{directory}/*{ident}*") if path.endswith(SUFFIX)]


def read_all(directory):
    """Parse every recording that is there: how many were parsed; broken ones raise an error."""
    parsed = 0
    for path in glob.glob(f"{directory}/*{SUFFIX}"):
        try:
            with open(path, encoding="utf-8") as file:
                json.load(file)
            parsed += 1
        except FileNotFoundError:  # it was renamed
            pass
    return parsed
