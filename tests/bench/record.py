#!/usr/bin/python3
"""Cost of recording: ptrace back end against bare and strace -f, interleaved; TSV on standard output."""
import os
import shutil
import statistics
import subprocess
import sys

BUILD = os.environ.get("BUILD", "build")
SYSCLAMP = os.environ.get("SYSCLAMP", os.path.abspath(f"{BUILD}/sysclamp"))
LOOP = f"{BUILD}/tests/programs/call_loop"
ROUNDS = 5
BARE_CALLS, TRACED_CALLS = 2_000_000, 60_000
SPAWNS = 200
SPAWN = ["sh", "-c", f"i=0; while [ $i -lt {SPAWNS} ]; do /bin/true; i=$((i+1)); done"]

WAYS = {
    "bare": [],
    "record ptrace": [SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", "/dev/null", "--"],
    "record ptrace-syscall": [SYSCLAMP, "record", "-q", "--backend", "ptrace-syscall", "-o", "/dev/null", "--"],
    "strace -f": ["strace", "-f", "-qq", "-o", "/dev/null"],
    "strace -f -c": ["strace", "-f", "-qq", "-c", "-o", "/dev/null"],
}


def per_call(way):
    """Nanoseconds of one call, as the workload sees it."""
    calls = BARE_CALLS if way == "bare" else TRACED_CALLS
    out = subprocess.run(WAYS[way] + [LOOP, str(calls)], capture_output=True, text=True, check=True)
    return float(out.stdout)


def per_spawn(way):
    """Nanoseconds of one fork, exec and wait."""
    before = os.times()
    subprocess.run(WAYS[way] + SPAWN, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (os.times().elapsed - before.elapsed) * 1e9 / SPAWNS


def medians(measure):
    seen = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            seen[way].append(measure(way))
    return {way: statistics.median(values) for way, values in seen.items()}


def report(metric, cost):
    added = {way: cost[way] - cost["bare"] for way in WAYS}
    for way in WAYS:
        if way != "bare":
            print(f"{way}\t{metric}, added\t{added[way]:.0f} ns\tstrace -f {added['strace -f']:.0f} ns"
                  f"\t{added[way] / added['strace -f']:.3f}")


def main():
    if not shutil.which("strace"):
        sys.exit("strace is missing: make deps")
    report("one call", medians(per_call))
    report("fork+exec+wait", medians(per_spawn))


main()
