#!/usr/bin/python3
"""Every system call and every allocation of a launch fails once: tests/launch_faults.py."""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
import launch_faults  # noqa: E402  (it takes the programs from where they are now)

PROFILE = os.path.join(SCRATCH, "profile.json")
RULES = [{"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
         {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]
NOBODY = 65534


def mounts():
    """The host's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


def main():
    """Each launch, with each fault."""
    with open(PROFILE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": RULES}, file)
    before = mounts()
    for name, options in (("plain", []),):
        for user in (None, NOBODY) if os.geteuid() == 0 else (None,):
            launch_faults.Launch(f"{name}, {'an ordinary user' if user else 'the caller'}",
                                 [*options, "-p", PROFILE, "--", launch_faults.WORKLOAD], user).check()
    tap.equal(mounts(), before, "no mount is left")
    tap.done()


main()
