"""The engine of cages by itself: tests/drivers/cage_run.c, as the caller and as an ordinary user."""
import os
import shutil

import tap
import workload

SCRATCH = tap.scratch()
NOBODY = 65534
PROFILE = os.path.join(SCRATCH, "held.json")
HELD = {"no_new_privs": "1", "seccomp": "2", "sched_yield": "95"}


def _driver():
    path = os.path.join(workload.BUILD, "tests", "drivers", "cage_run")
    return shutil.copy(path, os.path.join(SCRATCH, "cage_run"))


workload.share(SCRATCH)
DRIVER = _driver()
STATE = workload.program("held_state")
with open(PROFILE, "w", encoding="ascii") as _file:
    _file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sched_yield"],'
                '"action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}')


class Who:
    """Somebody who launches: what goes in front of a command line, and what every cage of theirs takes."""

    def __init__(self, name, uid=None):
        self.name, self.uid = name, uid
        self.ids = uid if uid is not None else os.geteuid()
        # An ordinary user has to be root of a user namespace to do anything else.
        self.base = [] if self.ids == 0 else user_space(self.ids)

    def words(self, *words, argv=("true",), base=True):
        """A command line; `base`: with what every cage of theirs takes."""
        line = [DRIVER, *(self.base if base else []), *words, "--", *argv]
        return workload.as_user(line, self.uid) if self.uid is not None else line

    def run(self, *words, argv=("true",), base=True, **kwargs):
        """Run a command in a cage."""
        return workload.run(self.words(*words, argv=argv, base=base), cwd="/", **kwargs)

    def direct(self, *argv, **kwargs):
        """Run a command without any."""
        return workload.run(workload.as_user(argv, self.uid) if self.uid is not None else argv, cwd="/", **kwargs)


def user_space(uid, inside=0):
    """A user namespace in which one user is another."""
    return ["ns=user", f"uids={inside}:{uid}:1", f"gids={inside}:{uid}:1"]


def everybody():
    """Root, where it is the caller, and an ordinary user."""
    return [Who("root"), Who("an ordinary user", NOBODY)] if os.geteuid() == 0 else [Who("the caller")]


def state(result):
    """What held_state says: name -> value, values of one name as a list."""
    found = {}
    for line in result.stdout.decode().splitlines():
        name, _, value = line.partition(": ") if ": " in line else (line.rstrip(":"), "", "")
        if name in ("descriptor", "environment"):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def differences(got, want):
    """Where two states differ."""
    return [f"{name}: got {got.get(name)!r}, want {want.get(name)!r}"
            for name in sorted({*got, *want}) if got.get(name) != want.get(name)]
