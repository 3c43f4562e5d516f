#!/usr/bin/python3
"""Threads that a CPU knows are told by their kernel stacks, and stacks are used again: beside a
bystander with many short lives on the same CPU, every call of a workload with many is counted, and
none of the bystander's.  And what is known of a thread ends when something else is true of it.
"""
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
X64, I386 = "x86_64", "i386"
GETUID, BRK = 102, 12  # asm/unistd_64.h
BOTH = 24  # sched_yield, and getuid of i386: neither does anything
TIMES, LIVES = 8, 1500


def lives(number, count, how, *more):
    """The command line of so many short lives, each of which makes the call TIMES times."""
    return [workload.program("short_lives"), *map(str, (number, TIMES, count, how)), *more]


def record(argv, **kwargs):
    """A recording of a command, complete and without losses."""
    for _ in range(ebpf.TRIES):
        result, seen = workload.record(argv, os.path.join(SCRATCH, "rec.json"), ("-q", "--backend", "ebpf"),
                                       **kwargs)
        if not ebpf.is_late(seen):
            break
    tap.ok(result.returncode == 0 and seen.complete, f"{os.path.basename(argv[0])} {' '.join(argv[1:5])}: "
           "recorded, nothing lost", result, seen.json["loss"])
    return seen


class Bystander:
    """Somebody else's short lives on the same CPU, from before the recording until after it."""

    def __init__(self, how):
        self.process = subprocess.Popen(lives(GETUID, 10**9, how, "wait"), env=workload.ENVIRON,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def __enter__(self):
        self.process.stdin.close()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:  # the life that it left is ours now
            os.waitpid(-1, 0)
        except ChildProcessError:
            pass


def check_stacks(mine, others):
    """Both make the same call."""
    each = TIMES * (len(os.sched_getaffinity(0)) if mine == "travellers" else 1)
    with Bystander(others):
        seen = record(lives(GETUID, LIVES, mine))
    tap.equal(seen.calls.get((X64, GETUID)), each * LIVES,
              f"{mine} beside {others}: every call of its own, and none of the other's")


def check_entries():
    """One thread enters by both ways with the same number, which is two calls."""
    if not workload.has_i386():
        tap.skip("i386", "two ways to enter", "this kernel takes no 32-bit calls")
        return
    seen = record(lives(BOTH, 100, "entries"))
    tap.equal([seen.calls.get((abi, BOTH), 0) >= 100 * TIMES for abi in (X64, I386)], [True, True],
              "two ways to enter: two calls", seen.calls)
    tap.equal(seen.calls.get((I386, BOTH)), 100 * TIMES, "two ways to enter: counted exactly")


def check_exec():
    """A thread becomes another program on its CPU, and makes the same calls there, from brk on."""
    other = shutil.copy(workload.program("short_lives"), os.path.join(SCRATCH, "another"))
    seen = record([*lives(GETUID, "then", other), str(GETUID), str(TIMES), "then", "/bin/true"])
    for number in BRK, GETUID:
        tap.equal({os.path.basename(path) for path, *key in seen.where if key == [X64, number]} - {"true"},
                  {"short_lives", "another"}, f"an execve: call {number} is noted in both programs")
    tap.equal(seen.calls.get((X64, GETUID)), 2 * TIMES, "an execve: counted exactly")


def check_exec_i386():
    """A thread with a filter becomes a 32-bit program: its execve returns under another ABI."""
    program = workload.program("make_calls_i386")
    if not os.path.exists(program) or workload.run([program]).returncode:
        tap.skip("m32", "a 32-bit program behind a filter", "none here")
        return
    seen = record(lives(GETUID, "filtered", program))
    tap.equal((seen.calls.get((X64, GETUID)), dict(seen.denied)), (TIMES, {}),
              "a 32-bit program behind a filter: nothing was denied")


def main():
    """All kinds of lives beside all kinds, and the rest."""
    ebpf.need("threads that a CPU knows")
    for mine in ("processes", "threads", "travellers"):
        for others in ("processes", "travellers"):
            check_stacks(mine, others)
    check_entries()
    check_exec()
    check_exec_i386()
    tap.done()


main()
