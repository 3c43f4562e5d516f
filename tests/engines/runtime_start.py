#!/usr/bin/python3
"""What runc and crun call between the place where a filter is loaded and execve of the container's program:
the same whether there is a filter or not, and rows of profiles/runtime-base.tsv, all of it.

A recording begins with that execve, wherever it was made; generate adds the rows.  So what a recorder of an
unconfined container does not see is what the profile has anyway.  Each runtime is traced, twice for each
case: with a profile that hinders nothing, and without one.  What the confined one calls from the load on is
what the unconfined one calls last; but for crun's closing the file that it has read the filter from.
"""
import json
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
BASE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                    "profiles/runtime-base.tsv")
PROFILE = os.path.join(SCRATCH, "hinders-nothing.json")
LOADED = re.compile(r"(seccomp\(SECCOMP_SET_MODE_FILTER, [^N].*|prctl\(PR_SET_SECCOMP, SECCOMP_MODE_FILTER.*)= 0$")
NAME = re.compile(r"([a-z_0-9]+)\(")
BEGINS = re.compile(rf'execve\("{hooked.SHORT_LIFE}".*= 0$')
# What Go's scheduler, memory and signals may add anywhere, which differs from run to run.
SCHEDULER = {"futex", "rt_sigreturn", "sched_yield", "tgkill", "mmap"}


def base(runtime, nnp):
    """The rows of a case."""
    with open(BASE, encoding="ascii") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return {row[2] for row in rows if row[:2] == [runtime, "yes" if nnp else "no"]}


def traced(engine, nnp, profile):
    """The calls of the thread that executes the container's program, up to that, as strace shows them."""
    place = os.path.join(SCRATCH, f"{engine.name}-{nnp}-{bool(profile)}")
    os.mkdir(place)
    engine.seccomp = profile
    result = engine.run("traced", [hooked.SHORT_LIFE], nnp=nnp,
                        prefix=[shutil.which("strace"), "-ff", "-qq", "-o", os.path.join(place, "t")])
    if result.returncode != hooked.SHORT_LIFE_STATUS:
        raise container_engines.Failed(f"{engine.name} under strace: {result.stderr}")
    for name in os.listdir(place):
        with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        ends = [i for i, line in enumerate(lines) if BEGINS.match(line)]
        if ends:
            return [line for line in lines[:ends[0] + 1] if NAME.match(line)]
    raise container_engines.Failed(f"{engine.name}: nobody executes the program")


def names(lines):
    """The names of the calls."""
    return [NAME.match(line)[1] for line in lines]


def planned(calls):
    """Without what the scheduler adds."""
    return [name for name in calls if name not in SCHEDULER]


def filter_closed(confined, load):
    """Whether the call behind the load closes what the filter was read from."""
    closed = re.match(r"close\((\d+)\)", confined[load + 1])
    return bool(closed) and confined[load - 1].startswith(f"read({closed[1]}, ")


def check(engine, nnp):
    """One runtime, with or without no_new_privs."""
    claim = f"{engine.name}, {'no_new_privs' if nnp else 'new_privs'}"
    confined, unconfined = traced(engine, nnp, PROFILE), traced(engine, nnp, None)
    loads = [i for i, line in enumerate(confined) if LOADED.match(line)]
    tap.equal((len(loads), [line for line in unconfined if LOADED.match(line)]), (1, []),
              f"{claim}: the filter is loaded once, without a profile never")
    behind = names(confined[loads[0] + 1:])
    tap.equal(set(behind) - base(engine.name, nnp), set(), f"{claim}: what it calls behind the filter is in the base")
    want = planned(behind[filter_closed(confined, loads[0]):])
    rest = planned(names(unconfined))[-len(want):]
    tap.equal(" ".join(rest), " ".join(want), f"{claim}: unconfined it calls the same before the program begins")
    # The scheduler's calls included.
    last = max(i for i in range(len(unconfined)) if len(planned(names(unconfined[i:]))) == len(want))
    tap.equal(set(names(unconfined[last:])) - base(engine.name, nnp), set(), f"{claim}: which is in the base, too")


def main():
    """Each runtime."""
    hooked.need()
    with open(PROFILE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                   "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}, file)
    for name in ("runc", "crun"):
        engine = container_engines.engine_or_skip(name, SCRATCH, [workload.program("short_life")])
        if engine:
            with engine:
                for nnp in (True, False):
                    check(engine, nnp)
    tap.done()


main()
