#!/usr/bin/python3
"""
Many recordings made into one, and into a profile, against what parsing them with jansson takes alone, and
against jq scripts that people would write.  The recordings are a few real ones under other ids, each
without some of its calls.  Interleaved; medians of the rounds.  TSV on standard output.
"""
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import ways

COUNT = int(os.environ.get("BENCH_RECORDINGS", "10000"))
ROUNDS = 3  # a jq script takes half a minute
PROGRAMS = f"{ways.BUILD}/tests/programs"
COMMANDS = [
    ["ls", "-l", "/"],
    ["sh", "-c", "ls / | sort | head -n 3; sleep 0.01"],
    ["/usr/bin/python3", "-c", "import json, ssl, subprocess, threading; subprocess.run(['git', '--version'])"],
    ["/usr/bin/python3", "-c", "import asyncio, sqlite3; sqlite3.connect(':memory:'); asyncio.run(asyncio.sleep(0))"],
]
JQ_MERGE = """[inputs.syscalls[] | {abi, nr, name, count}] | group_by([.abi, .nr])
    | map({abi: .[0].abi, nr: .[0].nr, name: .[0].name, runs: length, count: map(.count) | max})"""
JQ_GENERATE = """{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [{names: [inputs.syscalls[].name] | unique, action: "SCMP_ACT_ALLOW"}]}"""
CALL = re.compile(r'    (\{"abi": "\w+", "nr": -?\d+,)')


def record(directory):
    """The texts of a few recordings."""
    texts = []
    for i, command in enumerate(COMMANDS):
        path = os.path.join(directory, f"{i}.rec.json")
        subprocess.run([ways.SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", path, "--", *command],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return texts


def vary(text, rng):
    """The same under another id, and without some of its calls."""
    lines = text.split("\n")
    calls = sorted({match[1] for match in map(CALL.match, lines) if match})
    dropped = set(rng.sample(calls, rng.randrange(len(calls) // 8)))
    kept = [line for line in lines if not (match := CALL.match(line)) or match[1] not in dropped]
    for i, line in enumerate(kept[1:]):
        if line.startswith("  ]"):
            kept[i] = kept[i].rstrip(",")
    source = re.search(r'"id": "([0-9a-f]{32})"', text)[1]
    return "\n".join(kept).replace(source, f"{rng.getrandbits(128):032x}")


def write_all(directory):
    rng = random.Random(7)
    texts = record(directory)
    paths = []
    for i in range(COUNT):
        paths.append(os.path.join(directory, f"{i}.json"))
        with open(paths[-1], "w", encoding="utf-8") as file:
            file.write(vary(texts[i % len(texts)], rng))
    return paths


def measure(command):
    """Elapsed seconds, seconds of processor time, MiB at the most."""
    run = subprocess.run([f"{PROGRAMS}/measured", *command], stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, check=False)
    if run.returncode:
        sys.exit(f"merge.py: {command[:3]} failed")
    elapsed, cpu, kib = map(float, run.stdout.split())
    return elapsed, cpu, kib / 1024


def main():
    directory = tempfile.mkdtemp(prefix="sysclamp-bench.")
    try:
        paths = write_all(directory)
        size = sum(os.path.getsize(path) for path in paths)
        commands = {
            "jansson": [f"{PROGRAMS}/parse_json", *paths],
            "merge": [ways.SYSCLAMP, "merge", *paths],
            "generate": [ways.SYSCLAMP, "generate", *paths],
        }
        if shutil.which("jq"):
            commands["jq merge"] = ["jq", "-n", JQ_MERGE, *paths]
            commands["jq generate"] = ["jq", "-n", JQ_GENERATE, *paths]
        seen = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                seen[name].append(measure(command))
    finally:
        shutil.rmtree(directory)
    report(seen, size)


def report(seen, size):
    what = f"{COUNT} recordings, {size // 10 ** 6} MB"
    cost = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}
    for name in ("merge", "generate"):
        for against in ("jansson", f"jq {name}"):
            if against not in cost:
                ways.row(f"{name} {what}", "elapsed", f"{cost[name][0]:.4g} s", "jq: not installed", "")
                continue
            for column, metric, unit in ((0, "elapsed", "s"), (1, "processor time", "s"),
                                         (2, "peak memory", "MiB")):
                ways.compare(f"{name} {what}", metric, unit, cost[name][column], against,
                             cost[against][column])


if __name__ == "__main__":
    main()
