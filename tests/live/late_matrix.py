#!/usr/bin/python3
"""Strict and late loading, on every kind of program that a compiler makes: a matrix.

{static, static-PIE, PIE, non-PIE, stripped, -z now} x {glibc, musl} x {root, ordinary user} x {launch, exec, main,
SYMBOL, serve}: tests/programs/late_points.c says at each point of its life how it is held, which is as from the moment
on, and never before; it ends with its own status and output.  What cannot work says so.

The same for strict mode; what is asserted of that, the program has shown under a prctl(2) of its own.
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SOURCE = "tests/programs/late_points.c"
SCRATCH = tap.scratch()
MUSL = "/usr/lib/x86_64-linux-musl"
OWN_FAILURE, DENIED, STATUS, KILLED = 125, 95, 42, 128 + 9

# How it is linked.  Debian's musl-gcc does not know static-PIE: there the parts are named one by one.
KINDS = {
    "static": ["-static", "-no-pie"],
    "static-PIE": ["-static-pie", "-fPIE"],
    "PIE": ["-pie", "-fPIE"],
    "non-PIE": ["-no-pie", "-fno-pie"],
    "stripped": ["-pie", "-fPIE", "-s"],
    "-z now": ["-pie", "-fPIE", "-Wl,-z,now"],
    "static, stripped": ["-static", "-no-pie", "-s"],
    "static-PIE, stripped": ["-static-pie", "-fPIE", "-s"],
}
POINTS = ("constructor", "main", "symbol", "listening", "serving")
# From which point on it is held.
MOMENTS = {"launch": 0, "exec": 0, "main": 1, "moment": 2, "serve": 4}


def compile_one(libc, kind):
    """One of the matrix: its path, or None where the compiler does not make it."""
    path = os.path.join(SCRATCH, re.sub(r"\W+", "-", f"{libc} {kind}"))
    options = KINDS[kind]
    common = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-pthread"]
    if libc == "glibc":
        steps = [["gcc", *common, *options, "-o", path, SOURCE]]
    elif "-static-pie" in options:
        parts = [f"{MUSL}/{name}" for name in ("rcrt1.o", "crti.o")]
        steps = [["musl-gcc", *common, "-fPIE", "-c", "-o", f"{path}.o", SOURCE],
                 ["gcc", "-nostdlib", *options, "-o", path, *parts, f"{path}.o", f"{MUSL}/libc.a", "-lgcc",
                   f"{MUSL}/libc.a", f"{MUSL}/crtn.o"]]
    else:
        steps = [["musl-gcc", *common, *options, "-o", path, SOURCE]]
    for step in steps:
        if not shutil.which(step[0]) or subprocess.run(step, check=False, stderr=subprocess.DEVNULL).returncode:
            return None
    return path


def write_profiles():
    """One that denies a call, one that denies execve as well."""
    for name, calls in (("deny", ["sched_yield"]), ("no-exec", ["sched_yield", "execve", "execveat"])):
        with open(f"{SCRATCH}/{name}.json", "w", encoding="ascii") as file:
            json.dump({"defaultAction": "SCMP_ACT_ALLOW",
                       "syscalls": [{"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": DENIED}]}, file)


def users():
    """Who runs it: (name, prefix)."""
    if os.geteuid():
        tap.skip("root", "the same as root", "this is an ordinary user")
        return [("ordinary user", [])]
    return [("root", []), ("ordinary user", workload.as_user([]))]


def run_late(prefix, options, argv, **kwargs):
    """A command held: the result."""
    return workload.run([*prefix, workload.SYSCLAMP, "run", *options, "--", *argv], **kwargs)


def expected(bare, held_from):
    """What it says of itself, by what it says when nobody holds it."""
    lines = []
    for number, line in enumerate(bare):
        point, seccomp, filters, _, errno = re.match(r"(\w+): (\d) (\d+) (\d) (\d+)", line).groups()
        if number >= held_from:
            seccomp, filters, errno = 2, int(filters) + 1, DENIED
        lines.append(f"{point}: {seccomp} {filters} 1 {errno}")
    return lines


def check_late(label, path, kind):
    """All moments, of one program."""
    bare = workload.run([path])
    points, rest = bare.stdout.decode().splitlines()[:len(POINTS)], bare.stdout.decode().splitlines()[len(POINTS):]
    tap.equal((bare.returncode, tuple(line.split(":")[0] for line in points), rest), (STATUS, POINTS, ["at exit"]),
              f"{label}: bare", bare)
    for who, prefix in users():
        for at, held_from in MOMENTS.items():
            name = f"{label}, {who}, at {at}"
            profile = f"{SCRATCH}/{'deny' if at == 'launch' else 'no-exec'}.json"
            got = run_late(prefix, ["--at", at, "-p", profile], [path])
            if at == "moment" and "stripped" in kind:
                tap.equal((got.returncode, got.stdout, got.stderr.count(b"\n"), b'no function "moment"' in got.stderr),
                          (OWN_FAILURE, b"", 1, True), f"{name}: it says that there is no such function", got)
                continue
            tap.equal((got.returncode, got.stdout.decode().splitlines(), got.stderr),
                      (STATUS, [*expected(points, held_from), *rest], b""), name)
        got = run_late(prefix, ["--at", "launch", "-p", f"{SCRATCH}/no-exec.json"], [path])
        tap.equal((got.returncode, got.stdout, b"execve" in got.stderr), (OWN_FAILURE, b"", True),
                  f"{label}, {who}: at launch it takes execve, and says so", got)


def in_strict_mode(argv, prefix=(), env=None):
    """Run it to the end: the mode that it is seen in from outside, its status, what it wrote."""
    with subprocess.Popen([*prefix, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**workload.ENVIRON, **(env or {"LATE_POINTS": "none"})}) as process:
        first = process.stdout.readline()
        mode = None
        if first:
            pid = (tap.children_of(process.pid) or [process.pid])[0]
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                mode = re.search(r"^Seccomp:\t(\d)", file.read(), re.MULTILINE)[1]
        out, err = process.communicate(timeout=60)
    status = process.returncode
    return mode, status if status >= 0 else 128 - status, (first + out).decode(), err


def own_results(path):
    """What a program comes to that enters strict mode by itself."""
    return {trial: in_strict_mode([path, "own", trial])[:3] for trial in ("return", "exit", "getpid", "stdio")}


def check_strict(label, path):
    """Strict mode, of one program."""
    own = own_results(path)
    mode, text = own["exit"][0], own["return"][2]
    # It is the mode; a fifth call ends it, and such is the end of a program that returns from main; exit(2) is its own.
    tap.equal((mode, own["exit"][1], own["getpid"][1], own["return"][1], text),
              ("1", STATUS, KILLED, KILLED, "in main\nreturns\n"), f"{label}: strict mode by its own prctl", own)
    for who, prefix in users():
        strict = [workload.SYSCLAMP, "run", "--mode", "strict", "--", path, "held"]
        for trial in ("exit", "getpid"):
            got = in_strict_mode([*strict, trial], prefix)
            tap.equal(got[:3], own[trial], f"{label}, {who}: --mode strict, {trial}: as by its own prctl", got)
        got = in_strict_mode([*strict, "return"], prefix)
        tap.equal(got, (mode, STATUS, text, b""), f"{label}, {who}: --mode strict, main's value is its status")
        got = in_strict_mode([*strict, "stdio"], prefix)
        tap.equal((got[0], "at exit" in got[2]), (mode, False),
                  f"{label}, {who}: --mode strict, nothing is done at exit", got)
        got = in_strict_mode([*strict, "return"], prefix, {"LATE_POINTS": "thread"})
        tap.equal((got[1], got[2], b"strict-filter" in got[3]), (OWN_FAILURE, "", True),
                  f"{label}, {who}: --mode strict, a thread before main is refused", got)


def check_strict_filter(label, path):
    """The same calls as a filter, and exit_group."""
    for who, prefix in users():
        held = [workload.SYSCLAMP, "run", "--mode", "strict-filter", "--", path, "held"]
        got = in_strict_mode([*held, "return"], prefix)
        tap.equal(got, ("2", STATUS, "in main\nreturns\n", b""), f"{label}, {who}: --mode strict-filter")
        got = in_strict_mode([*held, "getpid"], prefix)
        tap.equal(got, ("2", STATUS, "in main\nreturns\n", b""),
                  f"{label}, {who}: --mode strict-filter, a call is refused")


def main():
    """The matrix."""
    workload.share(SCRATCH)
    write_profiles()
    for libc in ("glibc", "musl"):
        for kind in KINDS:
            path = compile_one(libc, kind)
            label = f"{libc}, {kind}"
            if not path:
                tap.skip("musl", label, "the compiler does not make it")
                continue
            check_late(label, path, kind)
            check_strict(label, path)
            check_strict_filter(label, path)
    tap.done()


if __name__ == "__main__":
    main()
