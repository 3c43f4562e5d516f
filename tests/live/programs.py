#!/usr/bin/python3
"""How programs are named, with both back ends: as /proc/PID/exe says while they run."""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
# A program that is executed, and again by its descriptor when its name is gone; then one of memory.
UNLINKED = """
import os, sys
def start(file):
    if not os.fork():
        os.execve(file, ["p"], {})
    os.wait()
start("p")
file = os.open("p", os.O_RDONLY)
os.unlink("p")
start(file)
memory = os.memfd_create("m")
os.write(memory, open(f"/proc/self/fd/{file}", "rb").read())
start(f"/proc/self/fd/{memory}")
"""
# Name; the command, in a directory with a program p; the programs p, by which names they go.
ROWS = [
    ("a file by itself", ["./p"], ["{here}/p"]),
    ("a mount of one file", ["unshare", "-m", "sh", "-c", "touch q && mount --bind p q && ./q; exit"],
     ["{here}/q"]),
    ("a mount of a directory",
     ["unshare", "-m", "sh", "-c", "mkdir q && mount --bind . q && q/p; exit"], ["{here}/q/p"]),
    ("another root", ["chroot", ".", "/p"], ["{here}/p"]),
    ("two links", ["sh", "-c", "ln p q && ./p && ./q; exit"], ["{here}/p", "{here}/q"]),
    ("unlinked, and of memory", [sys.executable, "-c", UNLINKED],
     ["{here}/p", "{here}/p (deleted)", "/memfd:m (deleted)"]),
]


def check(number, name, command, want):
    """One row."""
    for backend in ("ebpf", "ptrace"):
        here = os.path.join(SCRATCH, f"{number}-{backend}")
        os.mkdir(here)
        shutil.copy(workload.program("static_true"), os.path.join(here, "p"))
        result, seen = workload.record(command, os.path.join(SCRATCH, "rec.json"),
                                       ("-q", "--backend", backend), cwd=here)
        marks = (os.path.join(SCRATCH, ""), "/memfd", "//")
        got = [path for path in seen.json.get("programs", []) if path.startswith(marks)]
        tap.equal((result.returncode, seen.complete, got),
                  (0, True, [path.format(here=here) for path in want]), f"{name}, {backend}", result)


def main():
    """All rows."""
    ebpf.need("names of programs")
    for number, row in enumerate(ROWS):
        check(number, *row)
    tap.done()


if __name__ == "__main__":
    main()
