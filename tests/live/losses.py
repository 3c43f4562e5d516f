#!/usr/bin/python3
"""What a user sees of a loss: status 125, one line, the counter in the file, and no profile from it.

With the room that `record` really has; tests/unit/ebpf_losses.c provokes the other ways.
"""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.DEADLINE_S = 600  # thousands of processes, on a machine that may have other work
PROGRAMS, ODDS = 2048, 16384  # tracer/ebpf_shared.h


def check(name, argv, ways):
    """One workload that is too much: the recording."""
    path = os.path.join(SCRATCH, f"{name}.rec.json")
    result, seen = workload.record(argv, path, ("-q", "--backend", "ebpf"))
    lines = result.stderr.decode().split("\n")[:-1]
    tap.ok(result.returncode == 125 and len(lines) == 1 and "incomplete" in lines[0]
           and path in lines[0], f"{name}: 125 and one line", result)
    # Others that attach meanwhile may make returns late: ebpf.is_late().
    counters = {way for way, count in seen.json["loss"].items() if count} - {"late_returns"}
    tap.equal((seen.complete, counters), (False, ways), f"{name}: the counters in the file")
    tap.equal(seen.status, 0, f"{name}: the workload ended well")
    made = workload.sysclamp("generate", "--runtime", "none", path)
    tap.ok(made.returncode == 2 and not made.stdout and b"--allow-incomplete" in made.stderr,
           f"{name}: generate refuses it", made)
    return seen


def check_programs():
    """More different programs than there is room for."""
    place = os.path.join(SCRATCH, "copies")
    os.mkdir(place)
    shutil.copy(workload.program("static_true"), os.path.join(place, "0"))
    names = [str(n) for n in range(PROGRAMS + 10)]
    for name in names[1:]:
        os.link(os.path.join(place, "0"), os.path.join(place, name))
    # The shell is one; index 0 stands for unknown.
    script = f"for n in {' '.join(names)}; do {place}/$n; done"
    seen = check("map_full", ["sh", "-c", script], {"map_full"})
    tap.equal(seen.json["loss"]["map_full"], len(names) + 1 - (PROGRAMS - 1),
              "map_full: once for each program without room")
    tap.equal(len(seen.json["programs"]), PROGRAMS - 1, "map_full: the others are named")
    tap.equal(seen.calls["x86_64", 59], len(names) + 1, "map_full: the calls are exact")


def check_odds():
    """More odd numbers than there is room for, in the kernel and in a recording."""
    seen = check("out_of_range", [workload.program("odd_range"), str(ODDS + 100)],
                 {"out_of_range", "no_memory"})
    tap.ok(seen.json["loss"]["out_of_range"] >= 100, "out_of_range: at least those without room",
           seen.json["loss"])
    tap.ok(not [name for (_, nr), name in seen.names.items() if nr >= 100000],
           "out_of_range: no number got a name")


def main():
    """All of it."""
    ebpf.need("losses")
    kernel = ebpf.Kernel()
    check_programs()
    check_odds()
    kernel.check("losses")
    tap.done()


if __name__ == "__main__":
    main()
