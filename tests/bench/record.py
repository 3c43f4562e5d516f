#!/usr/bin/python3
"""
Cost of recording, ours against others: what is added to a call, to a read with a write, to a spawn, and
to the same in a bystander; memory of the recorder.  Interleaved; each figure is the least of many short
batches, the median of five rounds; differences are taken within a round.  TSV on standard output.
"""
import statistics
import subprocess
import sys
import time

import ways

# Most of a run like this are first sights.
SHORT = ["/bin/sh", "-c", "ls -l / && cat /dev/null"]
LOOP = [f"{ways.BUILD}/tests/programs/call_loop", ways.TRUE]
METRICS = {"one call": ("ns", 1), "read + write": ("ns", 1), "lseek, one argument recorded": ("ns", 1),
           "setsockopt, two arguments recorded": ("ns", 1), "spawn + wait": ("us", 1000)}
GOAL_KIB = 8 * 1024


def figures(line):
    return [float(word) / scale for word, (_, scale) in zip(line.split(), METRICS.values())]


def bystander():
    return figures(subprocess.run(LOOP, capture_output=True, text=True, check=True).stdout)


def measure(way):
    """Workload, then, while that waits and is still recorded: bystander, memory of the recorder."""
    with ways.Recorded(way, LOOP + ["stay"]) as recorded:
        mine = figures(recorded.line_with("."))
        others = bystander()
        memory = ways.memory_kib(recorded.process.pid)
        recorded.end()
    return mine, others, memory


def report_memory(seen):
    worst = {way: {kind: max(memory[kind] for memory in seen[way]) for kind in seen[way][0]} for way in seen}
    for kind in worst[ways.BARE]:
        for way in worst:
            if way not in (ways.BARE, ways.STRACE) and ways.STRACE in worst:
                ways.compare(way, f"memory, {kind}", "KiB", worst[way][kind], ways.STRACE,
                             worst[ways.STRACE][kind])
    if ways.EBPF in worst:
        ours = worst[ways.EBPF]
        ways.compare(ways.EBPF, "memory, PSS and what is in the kernel", "KiB",
                     ours["PSS"] + ours["maps and programs in the kernel"], "goal", GOAL_KIB)


def measure_short(way):
    """Milliseconds that a short workload takes in all, with what starts and ends a recorder."""
    started = time.monotonic()
    subprocess.run(ways.command(way, SHORT), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    return (time.monotonic() - started) * 1e3


def report_bystander(metric, unit, costs):
    bare = statistics.median(costs[ways.BARE])
    for way in costs:
        if way != ways.BARE:
            added = statistics.median(v - b for v, b in zip(costs[way], costs[ways.BARE]))
            ways.compare(way, f"{metric}, bystander, added", unit, added, ways.BARE, bare)


def main():
    usable = ways.usable_ways("cost of recording")
    seen, short = {way: [] for way in usable}, {way: [] for way in usable}
    for _ in range(ways.ROUNDS):
        for way in usable:
            seen[way].append(measure(way))
            short[way].append(measure_short(way))
    for index, (metric, (unit, _)) in enumerate(METRICS.items()):
        for part, report in ((0, ways.report_added), (1, report_bystander)):
            report(metric, unit, {way: [sample[part][index] for sample in seen[way]] for way in usable})
    ways.report_added("a short workload, all of it", "ms", short)
    report_memory({way: [memory for _, _, memory in seen[way]] for way in usable})


sys.exit(main())
