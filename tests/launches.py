"""Many launches of a full cage, and what is left of them: processes, mounts, namespaces, cgroups, files, descriptors.

enter() puts the test into a PID and a mount namespace of its own, where all that is seen is its own doing, and where
mounts that go out of a cage show.
"""
import json
import os
import subprocess
import sys

import tap
import workload

USER = 1234
INSIDE = "SYSCLAMP_TEST_INSIDE"
CAGE = ("--unshare-all", "--private-proc", "--private-dev", "--tmpfs=/mnt", "--read-only", "--hostname=box", "--clearenv",
        "--cap-drop=all", "--umask=077", "--ulimit=nofile=64", "--ulimit=core=0", "--landlock=rx:/", "--mask-path=/etc/passwd",
        "--read-only-path=/usr", "--workdir=/")
PROFILE = {"defaultAction": "SCMP_ACT_ALLOW",
           "syscalls": [{"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
SHOWN = 5


def enter():
    """Go on in namespaces of one's own, and a cgroup; who is not root, in a user namespace, too."""
    if os.environ.get(INSIDE):
        return
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    argv = ["unshare", *own, "--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--propagation=shared",
            sys.executable, *sys.argv]
    group = _own_cgroup()
    with subprocess.Popen(argv, env={**os.environ, INSIDE: group or "none"}, preexec_fn=lambda: _join(group)) as inside:
        status = inside.wait()
    for path, _, _ in os.walk(group or "none", topdown=False):
        os.rmdir(path)
    sys.exit(status if status >= 0 else 128 - status)


def _own_cgroup():
    """A new cgroup of version 2; None where there are none to be made."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        tops = [line.split()[4] for line in file if " - cgroup2 " in line]
    path = os.path.join(tops[-1], f"sysclamp-test-{os.getpid()}") if tops else ""
    try:
        os.mkdir(path)
    except OSError:
        return None
    return path


def _join(group):
    if group:
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")


def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _namespaces():
    """Those of all processes and their threads' children that can be seen."""
    found = set()
    for pid in _pids():
        try:
            found |= {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in os.listdir(f"/proc/{pid}/ns")}
        except OSError:
            pass
    return found


def _files(place):
    return {os.path.join(top, name) for top, dirs, files in os.walk(place) for name in dirs + files}


class World:
    """What there is, at one time."""

    def __init__(self, place):
        tap.reap()
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = file.read().split("\n")
        self.things = {"processes": set(_pids()), "mounts": set(mounts), "namespaces": _namespaces(),
                       "files": _files(place), "cgroups": _files(os.environ[INSIDE]),
                       "descriptors": set(os.listdir("/proc/self/fd"))}

    def check(self, before, name):
        """Nothing more than there was."""
        for kind, things in self.things.items():
            more = sorted(map(str, things - before.things[kind]))
            tap.ok(not more, f"{name}: no {kind} are left", len(more), *more[:SHOWN])


class Launcher:
    """Who starts the cages: root, or an ordinary user."""

    def __init__(self, place, name, uid):
        self.place, self.name = place, name
        self.temporary = os.path.join(place, f"temporary-{name}")
        os.mkdir(self.temporary)
        self.who = {}
        if uid != os.geteuid():
            os.chown(self.temporary, uid, uid)
            self.who = {"user": uid, "group": uid, "extra_groups": []}
        self.argv = [workload.SYSCLAMP, "run", "-p", os.path.join(place, "p.json"), *CAGE, "--", workload.program("static_true")]
        self.env = {**workload.ENVIRON, "TMPDIR": self.temporary}
        self.failed = []

    def start(self):
        """One launch."""
        return subprocess.Popen(self.argv, env=self.env, cwd=self.place, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                **self.who)

    def end(self, process):
        """Its end, which has to be a good one."""
        _, said = process.communicate(timeout=workload.DEADLINE_S)
        if process.returncode or said:
            self.failed.append(f"{process.returncode}: {said.decode(errors='replace')}")

    def in_a_row(self, count):
        """One after the other."""
        for _ in range(count):
            self.end(self.start())

    def told(self, name):
        """Whether all went well."""
        tap.ok(not self.failed, f"{name}, as {self.name}: all have started and ended", len(self.failed), *self.failed[:SHOWN])
        self.failed = []


def in_parallel(launchers, count):
    """All at once."""
    started = [(launcher, launcher.start()) for _ in range(count // len(launchers)) for launcher in launchers]
    for launcher, process in started:
        launcher.end(process)


def launchers_here(place):
    """Root, if we are, and an ordinary user."""
    workload.share(place)
    with open(os.path.join(place, "p.json"), "w", encoding="ascii") as file:
        json.dump(PROFILE, file)
    if os.geteuid():
        return [Launcher(place, "an ordinary user", os.geteuid())]
    return [Launcher(place, "root", 0), Launcher(place, "an ordinary user", USER)]
