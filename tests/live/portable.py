#!/usr/bin/python3
"""generate --portable and --arch: a program runs under the profile that was recorded of it when it was built
with another C library, or for another architecture.

tests/programs/libc_calls.c does one thing at a time (and all of them).  What glibc calls for it, closed by the
rows for musl, is enough for musl, dynamic and static, and the other way round; what it calls as x86_64,
mapped to i386, is enough for i386, and the other way round.  Profiles kill and have no base set, so that
nothing but the rows can help.
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

SOURCE = "tests/programs/libc_calls.c"
KILL = ("--default-action", "kill")
# glibc asks a daemon and the kernel where musl reads a file: nothing that was recorded shows the need.
# It does without when that fails, so this one is checked with the default ENOSYS.
SURVIVES = {("names", "glibc")}
# These start programs of the host's own architecture.
STARTS = {"popen", "spawn", "system"}
SCRATCH = tap.scratch()


def build(name, *command):
    """The program NAME and NAME-static; whether that works here."""
    if not shutil.which(command[0]):
        return False
    for suffix, options in ("", []), ("-static", ["-static"]):
        made = subprocess.run([*command, *options, "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w", "-o",
                               f"{SCRATCH}/{name}{suffix}", SOURCE], capture_output=True, check=False)
        if made.returncode:
            return False
    return True


def deeds():
    """The names of what the program can do."""
    with open(SOURCE, encoding="ascii") as file:
        return re.findall(r"DEED\((\w+)\)", file.read().partition("#define DEED(")[0])


def in_new_directory(argv):
    """Run it in an empty directory."""
    here = os.path.join(SCRATCH, "here")
    shutil.rmtree(here, ignore_errors=True)
    os.mkdir(here)
    return workload.run(argv, cwd=here)


def profile_of(name, args, options):
    """Record one build doing that and cut its profile."""
    rec, path = f"{SCRATCH}/rec.json", f"{SCRATCH}/profile.json"
    recorded = in_new_directory([workload.SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", rec,
                                 "--", f"{SCRATCH}/{name}", *args])
    cut = workload.sysclamp("generate", "--runtime", "none", *options, "-o", path, rec)
    tap.ok(recorded.returncode == 0 and cut.returncode == 0,
           f"{name} {' '.join(args)}: recorded and cut with {' '.join(options)}", recorded, cut)
    return path


def run_under(profile, name, args):
    """The build doing that under the profile."""
    return in_new_directory([workload.SYSCLAMP, "run", "-p", profile, "--", f"{SCRATCH}/{name}", *args])


def holds(profile, name, args, claim):
    """It does its work."""
    result = run_under(profile, name, args)
    return tap.ok(result.returncode == 0, claim, result)


def check_library(deed, recorded, other):
    """Recorded with one library, run with the other."""
    kill = () if (deed, other) in SURVIVES else KILL
    profile = profile_of(recorded, [deed], ("--exact", "--portable", other, *kill))
    for name in (other, f"{other}-static"):
        holds(profile, name, [deed], f"{deed}: {name} under what {recorded} called")


def check_all(recorded):
    """One profile for all four builds."""
    profile = profile_of(recorded, [], ("--portable", "glibc,musl", *KILL))
    for name in ("glibc", "glibc-static", "musl", "musl-static"):
        holds(profile, name, [], f"all of it, {name} under what {recorded} called")


def check_needed(recorded, other, deed, options):
    """Without the rows it is killed: they are what helps."""
    result = run_under(profile_of(recorded, [deed], (*options, *KILL)), other, [deed])
    tap.equal(result.returncode, 159, f"{deed}: without the option {other} is killed", result)


def check_libraries():
    """glibc and musl."""
    if not build("musl", "musl-gcc"):
        tap.skip("musl", "programs under the profile of another C library", "no musl-gcc")
        return
    for recorded, other in ("glibc", "musl"), ("musl", "glibc"):
        for deed in deeds():
            check_library(deed, recorded, other)
        check_all(recorded)
        check_needed(recorded, other, "stdio", ["--portable", recorded])


def add_native(path):
    """The launcher's execve is one of this machine."""
    with open(path, encoding="ascii") as file:
        profile = json.load(file)
    profile["architectures"] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    with open(path, "w", encoding="ascii") as file:
        json.dump(profile, file)
    return path


def check_architectures():
    """x86_64 and i386, both with glibc.  A lock may be met or not, so what is implied is not left out."""
    if not build("i386", "gcc", "-m32"):
        tap.skip("m32", "programs under the profile of another architecture", "no 32-bit compiler")
        return
    for recorded, other, arch in ("glibc", "i386", "x86"), ("i386", "glibc", "amd64"):
        for deed in deeds():
            if deed in STARTS:
                continue
            for kind in ("", "-static"):
                profile = add_native(profile_of(recorded + kind, [deed], ("--arch", arch, *KILL)))
                holds(profile, other + kind, [deed], f"{deed}: {other}{kind} under what {recorded} called")


def main():
    """All of it, in both directions."""
    if os.uname().machine != "x86_64" or not build("glibc", "gcc"):
        tap.skip("x86_64", "programs under the profile of another build", "not x86_64, or no gcc")
    else:
        check_libraries()
        check_architectures()
    tap.done()


if __name__ == "__main__":
    main()
