#!/usr/bin/python3
"""generate --portable: a program built with one C library runs under the profile that was recorded of it
built with another.

tests/programs/libc_calls.c does one thing at a time (and all of them): what glibc calls for it, closed by the
rows for musl, is enough for musl, dynamic and static, and the other way round.  The profile kills, has no
base set and nothing implied, so that nothing but the rows can help.
"""
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
BUILDS = {"glibc": ["gcc"], "glibc-static": ["gcc", "-static"], "musl": ["musl-gcc"],
          "musl-static": ["musl-gcc", "-static"]}
OTHER = {"glibc": "musl", "musl": "glibc"}
# glibc asks a daemon and the kernel where musl reads a file: nothing that was recorded shows the need.
# A failure of these it survives, so this one is checked with the default ENOSYS.
SURVIVES = {("names", "glibc")}
SCRATCH = tap.scratch()


def build():
    """The program with each C library; False where one is not there."""
    if not shutil.which("musl-gcc"):
        return False
    for name, compiler in BUILDS.items():
        subprocess.run([*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w", "-pthread", "-o",
                        f"{SCRATCH}/{name}", SOURCE], check=True, stderr=subprocess.DEVNULL)
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


def profile_of(name, args, libcs, options):
    """Record one build doing that and cut its profile."""
    rec, path = f"{SCRATCH}/rec.json", f"{SCRATCH}/profile.json"
    recorded = in_new_directory([workload.SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", rec,
                                 "--", f"{SCRATCH}/{name}", *args])
    cut = workload.sysclamp("generate", "--runtime", "none", "--portable", libcs, *options, "-o",
                            path, rec)
    tap.ok(recorded.returncode == 0 and cut.returncode == 0,
           f"{name} {' '.join(args)}: recorded and cut for {libcs}", recorded, cut)
    return path


def holds(profile, name, args, claim):
    """The build does its work under the profile."""
    result = in_new_directory([workload.SYSCLAMP, "run", "-p", profile, "--", f"{SCRATCH}/{name}",
                               *args])
    return tap.ok(result.returncode == 0, claim, result)


def check_deed(deed, recorded):
    """Recorded with one library, run with the other."""
    other = OTHER[recorded]
    options = ["--exact"]
    if (deed, other) not in SURVIVES:
        options += ["--default-action", "kill"]
    profile = profile_of(recorded, [deed], other, options)
    for name in (other, f"{other}-static"):
        holds(profile, name, [deed], f"{deed}: {name} under what {recorded} called")


def check_all(recorded):
    """One profile for all four builds."""
    profile = profile_of(recorded, [], "glibc,musl", ["--default-action", "kill"])
    for name in BUILDS:
        holds(profile, name, [], f"all of it, {name} under what {recorded} called")


def check_without():
    """Without the option the other library is refused what it needs: the rows are what helps."""
    result = profile_of("glibc", ["stdio"], "glibc", ["--exact", "--default-action", "kill"])
    got = in_new_directory([workload.SYSCLAMP, "run", "-p", result, "--", f"{SCRATCH}/musl", "stdio"])
    tap.equal(got.returncode, 159, "stdio: musl is killed under what glibc called and glibc may call")


def main():
    """All of it, in both directions."""
    if os.uname().machine != "x86_64" or not build():
        tap.skip("musl", "programs under the profile of another C library",
                 "no musl-gcc, or not x86_64")
        tap.done()
    for recorded in OTHER:
        for deed in deeds():
            check_deed(deed, recorded)
        check_all(recorded)
    check_without()
    tap.done()


if __name__ == "__main__":
    main()
