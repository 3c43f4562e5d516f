#!/usr/bin/python3
"""
Cost of --on-deny learn: what it adds to a call, to a read with a write, to a spawn, where nothing is known
and where everything is, against strace -f and against the same filter without a supervisor.  Interleaved;
each figure is the least of many short batches, the median of five rounds; differences are taken within a
round.  TSV on standard output.
"""
import subprocess

import ways

LOOP = [f"{ways.BUILD}/tests/programs/call_loop", ways.TRUE]
METRICS = {"one call": ("ns", 1), "read + write": ("ns", 1), "lseek, one argument recorded": ("ns", 1),
           "setsockopt, two arguments recorded": ("ns", 1), "spawn + wait": ("us", 1000)}
ROUNDS = 5
BARE, STRACE, HELD = "bare", "strace -f", "run"
NOTHING, ALL = "learn, nothing known", "learn, all known"
PROFILE = "profiles/runtime-default.json"
LEARN = ["--on-deny", "learn", "-o", "/dev/null"]
WAYS = {
    BARE: [],
    HELD: [ways.SYSCLAMP, "run", "-p", PROFILE, "--"],
    ALL: [ways.SYSCLAMP, "run", "-p", PROFILE, *LEARN, "--"],
    NOTHING: [ways.SYSCLAMP, "run", *LEARN, "--"],
    STRACE: ["strace", "-f", "-qq", "-o", "/dev/null"],
}


def measure(way):
    """The figures of one run."""
    line = subprocess.run(WAYS[way] + LOOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return [float(word) / scale for word, (_, scale) in zip(line.split(), METRICS.values())]


def main():
    seen = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            seen[way].append(measure(way))
    for index, (metric, (unit, _)) in enumerate(METRICS.items()):
        costs = {way: [sample[index] for sample in seen[way]] for way in WAYS}
        for way, against in ((NOTHING, STRACE), (ALL, HELD)):
            ours, others = (ways.statistics.median(value - bare for value, bare in zip(costs[each], costs[BARE]))
                            for each in (way, against))
            ways.compare(f"run --on-deny {way}", f"{metric}, added", unit, ours, against, others)


if __name__ == "__main__":
    main()
