#!/usr/bin/python3
"""Exact counts under stress: each call is counted once, with each back end, and nothing is lost.

What a workload made is known from its program; what entered the kernel is known from an oracle, a
program of the tests that counts the calls of a pid namespace in the same run.  `strace -f` and the
ptrace back ends are slow: they get the same workloads with smaller numbers, unless STRESS=full.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.DEADLINE_S = 600  # thousands of processes, on a machine that may have other work
FULL = os.environ.get("STRESS") == "full"
X64 = "x86_64"
GETPPID, CLONE, FORK, EXECVE, EXIT_GROUP, SCHED_YIELD = [
    (X64, nr) for nr in (110, 56, 57, 59, 231, 24)]
# A fork that meets a pending signal enters twice, and to a tracer SIGCHLD is one.
RESTARTED = (CLONE, FORK)
# A stop by ptrace, or an end that comes at the moment of a wait, restarts some calls or not.
MAY = {(X64, 219): "only where a signal or a stop happens to hit a sleep",
       (X64, 202): "only where two threads or a parent and a child happen to meet",
       (X64, 11): "munmap of a thread's stack, only where a second one ended before",
       (X64, 28): "madvise of a thread's stack, likewise"}
# Under the sanitizers each takes several times as much time and memory.
RECORDERS = 50 if os.environ.get("SANITIZE") else 200
PIDS = 150


def at(name, *args):
    """The command line of a test program."""
    return [workload.program(name), *[str(arg) for arg in args]]


# Name; the command and the counts that it comes to, by size; the full size, and the small one.
ROWS = [
    ("300 processes", lambda n: (at("many_calls", n, 1, 1000), {GETPPID: 1000 * n, CLONE: n}),
     300, 30),
    ("4 processes of 8 threads", lambda n: (at("many_calls", 4, 8, n), {GETPPID: 32 * n}),
     100_000, 1000),
    ("short-lived processes",
     lambda n: (at("children", n), {GETPPID: n, CLONE: n, EXIT_GROUP: n + 1}), 10_000, 500),
    ("processes that exec",
     lambda n: (at("children", n, workload.program("static_true")),
                {GETPPID: n, CLONE: n, EXECVE: n + 1, EXIT_GROUP: n + 1}), 1000, 200),
]
BOMB_FULL, BOMB_SMALL = 20_000, 1000


def check_run(label, result, seen, oracle, counts):
    """One recording beside the oracle: the same, complete, and what is known of it."""
    if not label.endswith("ebpf"):
        counts = {key: count for key, count in counts.items() if key not in RESTARTED}
    tap.ok(result.returncode == 0 and not oracle.lost, f"{label}: ends with 0", result, oracle.lost)
    wrong = ebpf.differences(seen.calls, oracle.calls)
    tap.ok(seen.calls and not wrong, f"{label}: {sum(seen.calls.values())} calls, one by one what"
           " the oracle counted", *wrong)
    if isinstance(seen, workload.Recording):
        tap.ok(seen.complete and not any(seen.json["loss"].values()) and not seen.denied,
               f"{label}: complete, nothing lost, nothing denied", seen.json["loss"], seen.denied)
    got = {key: seen.calls.get(key, 0) for key in counts}
    tap.equal(got, counts, f"{label}: exact counts")
    return set(seen.calls)


def check_sets(label, sets):
    """The watchers have seen the same calls."""
    wrong = [f"{one} but not {other}: {sorted(sets[one] - sets[other] - set(MAY))}"
             for one in sets for other in sets if sets[one] - sets[other] - set(MAY)]
    tap.ok(not wrong, f"{label}: {', '.join(sets)} have seen the same calls", *wrong)


def check_row(name, command, full, small):
    """One workload with each back end and strace."""
    sets = {}
    out = os.path.join(SCRATCH, "rec.json")
    for backend in ("ebpf", "ptrace", "ptrace-syscall"):
        size = full if FULL or backend == "ebpf" else small
        argv, counts = command(size)
        result, seen, oracle = ebpf.record_watched(argv, out, backend)
        sets[backend] = check_run(f"{name} ({size}), {backend}", result, seen, oracle, counts)
    argv, counts = command(small)
    result, seen, oracle = ebpf.strace_watched(argv, os.path.join(SCRATCH, "strace"))
    sets["strace"] = check_run(f"{name} ({small}), strace", result, seen, oracle, counts)
    check_sets(name, sets)


def bomb(place, attempts):
    """The command of a fork bomb that is bounded by the cgroup."""
    return ["sh", "-c", f"echo 0 > {place}/cgroup.procs && exec {workload.program('fork_bomb')}"
            f" {attempts}"]


def bomb_counts(result):
    """What it says about itself."""
    match = re.fullmatch(rb"tried (\d+) made (\d+)\n", result.stdout)
    if not match:
        return {FORK: None}
    tried, made = int(match[1]), int(match[2])
    tap.ok(0 < made < tried, f"fork bomb: {tried} forks, of which the limit refused"
           f" {tried - made}")
    return {FORK: tried, SCHED_YIELD: made + 1, EXIT_GROUP: made + 1}


def check_bomb():
    """A fork bomb in a cgroup with a limit on processes."""
    sets = {}
    with ebpf.pids_limit(PIDS) as place:
        if not place:
            tap.skip("bpf", "fork bomb", "no pids controller of cgroups to be had")
            return
        out = os.path.join(SCRATCH, "rec.json")
        for backend in ("ebpf", "ptrace"):
            size = BOMB_FULL if FULL or backend == "ebpf" else BOMB_SMALL
            result, seen, oracle = ebpf.record_watched(bomb(place, size), out, backend)
            sets[backend] = check_run(f"fork bomb, {backend}", result, seen, oracle,
                                      bomb_counts(result))
        result, seen, oracle = ebpf.strace_watched(bomb(place, BOMB_SMALL),
                                                   os.path.join(SCRATCH, "strace"))
        sets["strace"] = check_run("fork bomb, strace", result, seen, oracle, bomb_counts(result))
    check_sets("fork bomb", sets)


def start_recorder(number, stdin):
    """A recorder whose workload waits for the end of `stdin`."""
    path = os.path.join(SCRATCH, f"{number}.rec.json")
    command = at("many_calls", 1, 1, 1000 + number, "wait")
    return path, subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--backend", "ebpf", "-o", path, "--", *command],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=workload.ENVIRON)


def check_many():
    """Many recorders at once, each of a command of its own."""
    gate, opener = os.pipe()
    started = [start_recorder(number, gate) for number in range(RECORDERS)]
    os.close(gate)
    ready = sum(process.stdout.readline() == b"ready\n" for _, process in started)
    alive = sum(process.poll() is None for _, process in started)
    tap.equal((ready, alive), (RECORDERS, RECORDERS), f"{RECORDERS} recorders at once")
    os.close(opener)
    wrong, sets = [], []
    for number, (path, process) in enumerate(started):
        _, errors = process.communicate(timeout=workload.DEADLINE_S)
        seen = workload.Recording(path)
        if process.returncode or not seen.complete or any(seen.json["loss"].values()):
            wrong.append(f"{number}: {process.returncode} {errors!r} {seen.json['loss']}")
        if seen.calls.get(GETPPID) != 1000 + number:
            wrong.append(f"{number}: {seen.calls.get(GETPPID)} calls of {1000 + number}")
        sets.append(seen.calls)
    tap.ok(not wrong, f"{RECORDERS} recorders at once: complete, exact, each its own", *wrong)
    others = [ebpf.differences(sets[0], calls, (GETPPID,)) for calls in sets]
    tap.ok(not any(others), f"{RECORDERS} recorders at once: the same other calls",
           *[line for lines in others for line in lines])


def main():
    """All of it."""
    ebpf.need("exact counts")
    kernel = ebpf.Kernel()
    for row in ROWS:
        check_row(*row)
    check_bomb()
    check_many()
    kernel.check("exact counts")
    tap.done()


if __name__ == "__main__":
    main()
