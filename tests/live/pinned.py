#!/usr/bin/python3
"""Profiles with conditions on arguments: what was recorded goes on as bare, other values are refused with
the errno that was chosen, and it does not matter which C library the program was recorded with.
"""
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
BACKENDS = ["ptrace"] if ebpf.lack() else ["ptrace", "ebpf"]
MODES = ["none", "safe", "full"]
EACCES = 13
PINNED = workload.program("pinned")

# What `pinned` can be asked to try, and from which mode on it is refused; "": never.
TRIES = {
    "family": "safe", "kind": "safe", "together": "safe", "high": "safe", "seen-high": "",
    "protocol": "full", "option": "full", "stuff": "safe", "stuff-high": "safe", "status": "full",
    "dumpable": "safe", "randomize": "safe", "tmp": "full", "unshare": "safe", "enter": "safe", "user": "safe",
}

PYTHON_PROGRAM = """
import fcntl, socket, subprocess, threading
a, b = socket.socketpair()
a.sendall(b"x")
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
threads = [threading.Thread(target=sum, args=([1, 2],)) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(b.recv(1), fcntl.fcntl(0, fcntl.F_GETFD), subprocess.run(["sh", "-c", "echo sub; exit 3"], capture_output=True))
raise SystemExit(5)
"""
PROGRAMS = {
    "python3": ["/usr/bin/python3", "-I", "-c", PYTHON_PROGRAM],
    "sh": ["sh", "-c", "ls -l /etc/passwd | cat; echo x | sort -u; exit 4"],
    "pinned": [PINNED],
}


def made(*options):
    """The path of a profile."""
    path = os.path.join(SCRATCH, "profile.json")
    result = workload.sysclamp("generate", "--runtime", "none", "-o", path, *options)
    if result.returncode:
        raise ChildProcessError(f"generate {options}: {result.stderr!r}")
    return path


def recorded(name, argv, backend="ptrace"):
    """The path of a recording."""
    path = os.path.join(SCRATCH, f"{name}.{backend}.rec.json")
    for _ in range(ebpf.TRIES):
        result, seen = workload.record(argv, path, ("-q", "--backend", backend), env=ebpf.NO_LEAK_CHECK)
        if not ebpf.is_late(seen):
            break
    if not seen.complete:
        raise ChildProcessError(f"record {name}: {result.stderr!r}")
    return path


def clamped(profile, argv):
    """A command under a profile."""
    return workload.run([workload.SYSCLAMP, "run", "-p", profile, "--", *argv])


def ending(result):
    """What there is to compare of how it ended."""
    return result.returncode, result.stdout, result.stderr


def conditions(profile):
    """How many rules have conditions."""
    with open(profile, encoding="utf-8") as file:
        return sum(bool(rule.get("args")) for rule in json.load(file)["syscalls"])


def check_program(name, argv, backend):
    """As bare, under each of the profiles; and libseccomp means the same by them."""
    bare = workload.run(argv)
    recordings = [recorded(f"{name}{n}", argv, backend) for n in range(2)]
    counts = []
    for mode in MODES:
        profile = made("--args", mode, *recordings)
        counts.append(conditions(profile))
        got = clamped(profile, argv)
        tap.equal(ending(got), ending(bare), f"{name}, {backend}: as bare under --args {mode}")
        engine = workload.sysclamp("verify", "-p", profile, "--engine", "libseccomp")
        tap.equal(engine.returncode, 0, f"{name}, {backend}: libseccomp enforces --args {mode}", engine.stdout)
    tap.ok(counts[0] == 0 < counts[1] < counts[2], f"{name}, {backend}: the modes differ in rules: {counts}")


def tried(command):
    """What `pinned` says came of each try."""
    lines = command.stdout.decode().splitlines()
    return {name: int(number) for name, number in (line.split(": ") for line in lines)}


def check_refused(program, recording, mode, label, more=None):
    """Values that were not seen are refused, those that were are not, and nothing else changes."""
    argv = [program, *TRIES]
    want = tried(workload.run(argv))
    refused = {name for name, since in TRIES.items() if since and MODES.index(since) <= MODES.index(mode)}
    want.update({name: EACCES for name in refused})
    profile = made("--errno", "EACCES", "--args", mode, recording)
    if more:
        add_names(profile, more)
    got = clamped(profile, argv)
    tap.equal((got.returncode, tried(got)), (0, want), f"{label}: --args {mode} refuses {len(refused)} of {len(TRIES)}",
              got.stderr)


def check_killed(recording):
    """The same with the harshest of answers."""
    profile = made("--default-action", "kill", "--args", "safe", recording)
    tap.equal(clamped(profile, [PINNED]).returncode, 0, "--default-action kill: what was seen goes on")
    tap.equal(clamped(profile, [PINNED, "stuff"]).returncode, 128 + 31, "and another request ends it with SIGSYS")


def add_names(profile, recording):
    """Allow the calls of another recording that the profile does not speak of, as they are."""
    with open(profile, encoding="utf-8") as file:
        data = json.load(file)
    have = {name for rule in data["syscalls"] for name in rule["names"]}
    names = set(workload.Recording(recording).names.values())
    data["syscalls"][0]["names"] += sorted(names - have)
    with open(profile, "w", encoding="utf-8") as file:
        json.dump(data, file)


def check_libraries():
    """A program of one C library under what was recorded of it with the other."""
    if not shutil.which("musl-gcc"):
        tap.skip("musl", "a program recorded with another C library", "no musl-gcc")
        return
    musl = os.path.join(SCRATCH, "pinned.musl")
    subprocess.run(["musl-gcc", "-D_GNU_SOURCE", "-O1", "-o", musl, "tests/programs/pinned.c"], check=True)
    recordings = {program: recorded(os.path.basename(program), [program]) for program in (PINNED, musl)}
    for own, other in ((PINNED, musl), (musl, PINNED)):
        for mode in "safe", "full":
            # Each library makes calls that the other does not; the conditions are of one recording.
            check_refused(own, recordings[other], mode, f"{os.path.basename(own)}, recorded as"
                          f" {os.path.basename(other)}", recordings[own])


def main():
    """All, with each back end."""
    if len(BACKENDS) < 2:
        tap.skip("bpf", "the same with the eBPF back end", ebpf.lack())
    for backend in BACKENDS:
        for name, argv in PROGRAMS.items():
            check_program(name, argv, backend)
        recording = recorded("tries", [PINNED], backend)
        for mode in MODES:
            check_refused(PINNED, recording, mode, f"pinned, {backend}")
    check_killed(recorded("killed", [PINNED]))
    check_libraries()
    tap.done()


if __name__ == "__main__":
    main()
