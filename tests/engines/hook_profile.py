#!/usr/bin/python3
"""The annotation io.containers.trace-syscall as oci-seccomp-bpf-hook has it, with podman: the profile that it
asks for lets the same container run again, and not another one.

What a shell and its children do, and a program of six calls; with and without no_new_privs; alone and added
to a profile that is there.
"""
import json
import os
import shlex
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
OUT, BASE = os.path.join(SCRATCH, "out.json"), os.path.join(SCRATCH, "in.json")
# What no program here calls, and no runtime.
EXTRA = ["add_key", "mq_open", "swapon"]
# Argv, status, standard output.
SHELL = (["/bin/sh", "-c", "echo a word | cat; /bin/true && exit 5"], 5, "a word\n")
SHORT = ([hooked.SHORT_LIFE], hooked.SHORT_LIFE_STATUS, "")
# Each with one that calls something else.
PROGRAMS = {"a shell": (SHELL, SHORT), "a program": (SHORT, SHELL)}


def allowed(path):
    """The names that a profile allows; none where there is no profile."""
    try:
        with open(path, encoding="utf-8") as file:
            rules = json.load(file)["syscalls"]
    except FileNotFoundError:
        return set()
    return {name for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}


def generated(engine, asked, argv, nnp):
    """Run a container that asks for a profile: what came of it, when the recorder has ended."""
    if os.path.exists(OUT):
        os.unlink(OUT)
    engine.annotations, engine.seccomp = {hooked.PROFILE: asked}, None
    result = engine.run("asks", argv, nnp=nnp)
    tap.wait_until(lambda: not hooked.recorders(), "the recorder ends with its container")
    return result


def again(engine, argv, nnp):
    """Run a container under the profile."""
    engine.annotations, engine.seccomp = {}, OUT
    return engine.run("again", argv, nnp=nnp)


def outcome(result):
    """What a container does, without what an engine's messages may add to errors."""
    return result.returncode, result.stdout


def check(engine, what, nnp):
    """One program."""
    (argv, *want), (other, *other_want) = PROGRAMS[what]
    name = f"{what}, {'no_new_privs' if nnp else 'new_privs'}"
    first = generated(engine, f"of:{OUT}", argv, nnp)
    tap.equal(outcome(first), tuple(want), f"{name}: it runs as ever when it asks for a profile", first.stderr)
    alone = allowed(OUT)
    second = again(engine, argv, nnp)
    tap.equal(outcome(second), tuple(want), f"{name}: the same container runs again under its profile",
              second.stderr, sorted(alone))
    tap.ok(outcome(again(engine, other, nnp)) != tuple(other_want), f"{name}: another one does not")
    generated(engine, f"if:{BASE};of:{OUT}", argv, nnp)
    tap.ok(alone and allowed(OUT) >= alone | set(EXTRA) and not alone & set(EXTRA),
           f"{name}: a profile that is given is added to", sorted(alone), sorted(allowed(OUT)))
    third = again(engine, argv, nnp)
    tap.equal(outcome(third), tuple(want), f"{name}: the same container runs again under both", third.stderr)
    verified = workload.sysclamp("verify", "-p", OUT, "--engine", "libseccomp")
    tap.equal(verified.returncode, 0, f"{name}: libseccomp enforces it as written", verified.stdout)


def check_named(engine, nnp):
    """The command that generate names for podman."""
    rec = os.path.join(SCRATCH, f"named{nnp}.rec.json")
    argv, *want = SHELL
    engine.annotations, engine.seccomp = {hooked.RECORD: rec}, None
    engine.run("recorded", argv, nnp=nnp)
    hooked.recorded(rec)
    told = workload.sysclamp("generate", "-o", OUT, *([] if nnp else ["--nnp", "no"]), rec).stderr.decode()
    [line] = [line for line in told.splitlines() if line.startswith("  or: podman run ")] or [""]
    options = shlex.split(line)[3:-1]
    engine.annotations, engine.seccomp = {}, OUT if f"seccomp={OUT}" in options else None
    result = engine.run("named", argv, nnp="no-new-privileges" in options)
    tap.equal((outcome(result), f"seccomp={OUT}" in options, "no-new-privileges" in options),
              (tuple(want), True, nnp), f"generate --nnp {'yes' if nnp else 'no'}: what it names runs with podman",
              told, result.stderr)


def main():
    """podman is the one that has the annotation."""
    hooked.need()
    with open(BASE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
                   "syscalls": [{"names": EXTRA, "action": "SCMP_ACT_ALLOW"}]}, file)
    engine = hooked.engine_or_skip("podman", SCRATCH, [workload.program("short_life")])
    if engine:
        with engine:
            for what in PROGRAMS:
                for nnp in (True, False):
                    check(engine, what, nnp)
            for nnp in (True, False):
                check_named(engine, nnp)
    tap.done()


main()
