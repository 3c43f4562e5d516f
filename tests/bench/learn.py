#!/usr/bin/python3
"""
Cost of --on-deny learn: what it adds to a call, to a read with a write, to a spawn, where nothing is known, against
strace -f; and what these take where everything is known, against the same filter without a supervisor and against
none.  Interleaved; each figure is the least of many short batches, the median of the rounds; differences are taken
within a round.  TSV on standard output.
"""
import subprocess

import ways

LOOP = [f"{ways.BUILD}/tests/programs/call_loop", ways.TRUE]
METRICS = {"one call": ("ns", 1), "read + write": ("ns", 1), "lseek, one argument recorded": ("ns", 1),
           "setsockopt, two arguments recorded": ("ns", 1), "spawn + wait": ("us", 1000)}
ROUNDS, SHORT_ROUNDS = 5, 25  # the latter of what takes no time worth speaking of
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


def rounds(ways_taken, times):
    """By way, and by metric, the figures of all rounds."""
    seen = {way: [] for way in ways_taken}
    for _ in range(times):
        for way in ways_taken:
            seen[way].append(measure(way))
    return {way: dict(zip(METRICS, zip(*samples))) for way, samples in seen.items()}


def main():
    asked = rounds((BARE, NOTHING, STRACE), ROUNDS)
    for metric, (unit, _) in METRICS.items():
        ours, others = (ways.statistics.median(value - bare for value, bare in zip(asked[way][metric],
                                                                                    asked[BARE][metric]))
                        for way in (NOTHING, STRACE))
        ways.compare(f"run --on-deny {NOTHING}", f"{metric}, added", unit, ours, STRACE, others)
    known = rounds((BARE, HELD, ALL), SHORT_ROUNDS)
    for metric, (unit, _) in METRICS.items():
        middle = {way: ways.statistics.median(figures[metric]) for way, figures in known.items()}
        for against in (HELD, BARE):
            ways.compare(f"run --on-deny {ALL}", metric, unit, middle[ALL], against, middle[against])


if __name__ == "__main__":
    main()
