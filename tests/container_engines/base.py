"""What all engines share: running commands, the place of their state, the cgroups they make."""
import atexit
import contextlib
import ctypes
import dataclasses
import glob
import itertools
import os
import shutil
import subprocess

import patience
import tap

CLONE_NEWNS = 0x20000  # linux/sched.h
MOUNTS = [["mount", "--make-rprivate", "/"],
          ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"],
          ["mkdir", "-p", "/run/var-lib/upper", "/run/var-lib/work"],
          ["mount", "-t", "overlay", "overlay", "/var/lib", "-o",
           "lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work"]]
DEADLINE_S = 60 * patience.SLOWER
# Every cgroup that an engine makes is below this one, in whichever hierarchy.
CGROUP = f"/sysclamp-test-{os.getpid()}"
ENVIRON = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
           "HOME": "/nonexistent"}


class Absent(Exception):
    """An engine cannot be had here; the text says why."""


class Failed(Exception):
    """A command of an engine failed; the text says how."""


def need(*programs):
    """Raise Absent when a program is not installed."""
    missing = [name for name in programs if not shutil.which(name, path=ENVIRON["PATH"])]
    if missing:
        raise Absent(f"no {', no '.join(missing)}")


def text(said):
    """What a program said: all its bytes, printable where they are no text."""
    return said.decode("utf-8", "backslashreplace")


def _in_time(argv, env, **kwargs):
    """Run to the end: the result, or Failed where that does not come."""
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=DEADLINE_S, check=False,
                              env={**ENVIRON, **(env or {})}, **kwargs)
    except subprocess.TimeoutExpired as why:
        raise Failed(f"{why}: {text(why.stderr or b'').strip()}") from why


def command(argv, env=None, **kwargs):
    """Run to the end: the result, with text."""
    done = _in_time(argv, env, capture_output=True, **kwargs)
    return subprocess.CompletedProcess(argv, done.returncode, text(done.stdout), text(done.stderr))


def must(argv, **kwargs):
    """Run what has to succeed: its standard output."""
    done = command(argv, **kwargs)
    if done.returncode:
        raise Failed(f"{' '.join(argv)}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def must_detached(argv, log, env=None):
    """Run what has to succeed and leaves processes behind that keep standard output open."""
    with open(log, "ab") as out:
        done = _in_time(argv, env, stdout=out, stderr=out)
    if done.returncode:
        with open(log, encoding="utf-8", errors="replace") as file:
            raise Failed(f"{' '.join(argv)}: {done.returncode}: {file.read()[-1000:].strip()}")


def read_pid(path):
    """A process id that an engine wrote, or None so far."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        return int(file.read())
    return None


def cgroups():
    """The cgroups of this test, the innermost first."""
    found = []
    for top in glob.glob(f"/sys/fs/cgroup{CGROUP}") + glob.glob(f"/sys/fs/cgroup/*{CGROUP}"):
        found += [place for place, _, _ in os.walk(top, topdown=False)]
    return found


def remove_cgroups():
    """Remove what is left of the cgroups of this test; whether none is left."""
    for place in cgroups():
        with contextlib.suppress(OSError):
            os.rmdir(place)
    return not cgroups()


def unmount(place):
    """Unmount what is mounted below a directory."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        mounts = [line.split()[1] for line in file]
    for mount in reversed(mounts):
        if mount.startswith(f"{place}/"):
            command(["umount", "-l", mount])


def clean(what, place):
    """End all that was started, and remove the cgroups and, below a place, the mounts."""
    # A daemon's shims and monitors end on their own, later.
    tap.end_descendants()
    tap.wait_until(lambda: tap.reap() or not tap.descendants(), f"{what}: all have ended")
    tap.wait_until(remove_cgroups, f"{what}: its cgroups are empty")
    unmount(place)


def private_mounts():
    """Put this process into a mount namespace of its own, which takes all mounts along at the end.

    Engines keep locks, sockets and caches in /run and /var/lib, wherever their state is: there they
    write to memory from now on.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise Absent(f"unshare: {os.strerror(ctypes.get_errno())}")
    for argv in MOUNTS:
        done = command(argv)
        if done.returncode:
            raise Absent(f"{' '.join(argv)}: {done.stderr.strip()}")


@dataclasses.dataclass
class Bind:
    """What a container sees of the host: `source` at `place`, changeable ("rw") or not ("ro")."""

    source: str
    place: str
    mode: str = "rw"


class Container:
    """A container: the engine's name for it, and the pid of its init on the host."""

    def __init__(self, engine, name, ident, pid):
        self.engine, self.name, self.id, self.pid = engine, name, ident, pid
        self.status = None  # once it is known

    def stop(self):
        """End it by force and remove it; nothing if that was done already."""
        self.engine.stop(self)

    def wait(self):
        """Wait for its end: its status, 128 + N for signal N."""
        return self.engine.wait(self)


class Engine:
    """One engine with all its state below `place`; closing it ends and removes all it started.

    A subclass says how: _start(name, argv, binds, share_with, nnp) -> Container, _run, exec, stop and wait.
    """

    name = ""
    programs = ()
    # Of the containers that are started from now on; of hooks only runc, crun and podman know.
    hook = None  # an OCI hook: {"path": ..., "args": [...]}
    seccomp = None  # the file of a profile; None: what the engine does by itself
    unconfined = None  # in place of one, for containers that nothing holds
    directory = "/"  # where their programs begin, those that enter included
    environ = {}  # what these find in the environment, beside what the engine puts there

    def __init__(self, place, image):
        self.annotations = {}
        self.place, self.image = os.path.join(place, self.name), image
        self.containers = []
        self.env = {"TMPDIR": self.place}
        self._numbers = itertools.count(1)
        need(*self.programs)
        os.makedirs(self.place)
        atexit.register(clean, self.name, self.place)  # however the test ends

    def path(self, *parts):
        """A path in the engine's place."""
        return os.path.join(self.place, *parts)

    def start(self, name, argv, *, binds=(), share_with=None, nnp=True):
        """Start a container of the image of the tests.

        binds are pairs (path on the host, path in the container), or triples with a mode, see Bind;
        share_with is a container whose pid and network namespaces this one joins.
        """
        container = self._start(name, argv, [Bind(*bind) for bind in binds], share_with, nnp)
        self.containers.append(container)
        return container

    def run(self, name, argv, *, binds=(), nnp=True, prefix=()):
        """Run a container to its end and remove it: the result of the command, with text.

        prefix is put in front of the command line; cri has none.
        """
        return self._run(name, argv, [Bind(*bind) for bind in binds], nnp, list(prefix))

    def _run(self, name, argv, binds, nnp, prefix):
        raise NotImplementedError

    def _start(self, name, argv, binds, share_with, nnp):
        raise NotImplementedError

    def exec(self, container, argv):
        """Run a command in a container: its result, with text."""
        raise NotImplementedError

    def stop(self, container):
        """See Container.stop."""
        raise NotImplementedError

    def wait(self, container):
        """See Container.wait."""
        raise NotImplementedError

    def close(self):
        """Stop all containers, the latest first: it may share the namespaces of earlier ones."""
        for container in reversed(self.containers):
            container.stop()
        self.containers.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.close()
        finally:
            clean(self.name, self.place)
