#!/usr/bin/python3
"""Every system call and every allocation of a launch in a cage fails once: tests/launch_faults.py."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import caged  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

workload.SYSCLAMP = caged.DRIVER
workload.DEADLINE_S = 40  # one that hangs is found in less
import launch_faults  # noqa: E402  (it takes the programs from where they are now)

COMMON = ["session", "umask=077", "limit=7:100:200", "oom=100", f"profile={caged.PROFILE}"]
SPACES = [f"ns={kind}" for kind in ("net", "ipc", "uts", "cgroup", "time")]
CAGES = [
    ("the child becomes the command",
     [*COMMON, *SPACES, "host=box", "boottime=1000", "caps=400,400,400,400,400", "with_parent"]),
    ("the child waits for it", [*COMMON, "ns=pid", "ns=mnt", "init", "proc", "new_privs"]),
]


def mounts():
    """The host's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


def main():
    """Each launch, with each fault."""
    before = mounts()
    for who in caged.everybody():
        for name, words in CAGES:
            launch_faults.Launch(f"{who.name}, {name}", [*who.base, *words, "--", caged.STATE], caged.STATE,
                                 who.uid).check()
    tap.equal(mounts(), before, "no mount is left")
    tap.done()


main()
