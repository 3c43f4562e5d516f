#!/usr/bin/python3
"""One profile for a program with either C library, and one for a program of 32 bits.

tests/programs/libc_tour.c is recorded as glibc makes it and as musl does, each with each back end, and every build of
it runs under the profile that generate --portable glibc,musl cuts from any of these, whatever is said of arguments.
It is not the program that profiles/portable.tsv was measured with.  Without --portable the other library's is
refused something: the profile is no wider than it need be.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import libc_tour  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
ARGS = ("none", "safe", "full")
BACKENDS = ["ptrace"] if ebpf.lack() else ["ptrace", "ebpf"]
KILLED = 128 + 31
AS_EVER = (libc_tour.STATUS, libc_tour.OUTPUT)
PROFILE = os.path.join(SCRATCH, "profile.json")


def record(path, backend):
    """Record a build: the file."""
    out = f"{path}-{backend}.rec.json"
    result, seen = workload.record([path], out, ("-q", "--backend", backend))
    tap.equal((result.returncode, result.stdout, seen.complete), (*AS_EVER, True),
              f"{os.path.basename(path)}, {backend}: recorded", result.stderr, seen.json["loss"])
    return out


def generate(recording, *options):
    """Cut a profile that kills."""
    done = workload.sysclamp("generate", "--runtime", "none", "--default-action", "kill", *options, "-o", PROFILE, recording)
    if done.returncode:
        raise ValueError(done.stderr.decode())


def held(path):
    """Run a build under the profile: (status, output)."""
    result = workload.sysclamp("run", "-p", PROFILE, "--", path)
    return result.returncode, result.stdout


def check_portable(builds):
    """Each of one library, recorded; all of both, held."""
    for name, other in (("glibc", "musl-static"), ("musl-static", "glibc")):
        for backend in BACKENDS:
            recording = record(builds[name], backend)
            for args in ARGS:
                generate(recording, "--portable", "glibc,musl", "--args", args)
                for each, path in builds.items():
                    tap.equal(held(path), AS_EVER, f"{each}: under what {name} called, {backend}, --args {args}")
            generate(recording)
            tap.equal((held(builds[name]), held(builds[other])[0]), (AS_EVER, KILLED),
                      f"{other}: killed under what {name} called, {backend}, when it is not told to be portable")


def check_i386(native):
    """A program of 32 bits, under its own profile."""
    path = libc_tour.build("i386-static", SCRATCH)
    if not path or not workload.has_i386():
        tap.skip("m32", "a program of 32 bits", "this compiler makes none, or this kernel runs none")
        return
    for backend in BACKENDS:
        recording = record(path, backend)
        for args in ARGS:
            generate(recording, "--args", args)
            tap.equal(held(path), AS_EVER, f"i386: under its own profile, {backend}, --args {args}")
    generate(record(native, BACKENDS[-1]))
    tap.equal(held(path)[0], KILLED, "i386: killed under the profile of the same program of 64 bits")


def main():
    """All, with each back end."""
    if len(BACKENDS) < 2:
        tap.skip("bpf", "the same with the eBPF back end", ebpf.lack())
    if os.uname().machine != "x86_64":
        tap.skip("x86_64", "programs with two C libraries", "not x86_64")
        tap.done()
    builds = {name: libc_tour.build(name, SCRATCH) for name in ("glibc", "glibc-static", "musl", "musl-static")}
    if all(builds.values()):
        check_portable(builds)
    else:
        tap.skip("musl", "programs with two C libraries", f"not built: {[name for name in builds if not builds[name]]}")
    if builds["glibc"]:
        check_i386(builds["glibc"])
    tap.done()


main()
