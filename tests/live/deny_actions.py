#!/usr/bin/python3
"""`run --on-deny explain` does to a denied call what the kernel does with a filter written by hand.

Each action is met in each way by a program that prints all it can see of it: values, signals, ends.
The two outputs and statuses are equal, but for the differences in DIFFERS, which are documented.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PROBE = workload.program("deny_probe")

# name: (what the filter returns, action and errno of the profile); linux/seccomp.h.
ACTIONS = {
    "KILL_PROCESS": (0x80000000, "SCMP_ACT_KILL_PROCESS", None),
    "KILL_THREAD": (0, "SCMP_ACT_KILL_THREAD", None),
    "TRAP": (0x30000, "SCMP_ACT_TRAP", None),
    "ERRNO EPERM": (0x50001, "SCMP_ACT_ERRNO", 1),
    "ERRNO 0": (0x50000, "SCMP_ACT_ERRNO", 0),
    "ERRNO 4095": (0x50fff, "SCMP_ACT_ERRNO", 4095),
    "TRACE 7": (0x7ff00007, "SCMP_ACT_TRACE", 7),
    "LOG": (0x7ffc0000, "SCMP_ACT_LOG", None),
    "ALLOW": (0x7fff0000, "SCMP_ACT_ALLOW", None),
}
WAYS = ["call", "handler", "blocked", "ignored", "thread", "child", "compat"]

KILLS = ("KILL_PROCESS", "KILL_THREAD")
SIGSYS, SIGKILL = 31, 9
LIVES = "the process lives\n"


def code(text):
    """TRAP: si_code is SI_QUEUE, as SYS_SECCOMP is the kernel's alone."""
    return text.replace("code 1\n", "code -1\n")


def killed(text):
    """Who is killed ends by SIGKILL as seen by its parent."""
    return text.replace(f"signal {SIGSYS}\n", f"signal {SIGKILL}\n")


# (action, way): how the kernel's (status, output) has to be changed to be ours.
DIFFERS = {
    **{("TRAP", way): lambda status, text: (status, code(text)) for way in WAYS},
    **{(action, "child"): lambda status, text: (status, killed(text)) for action in KILLS},
    # The thread takes its process along.
    ("KILL_THREAD", "thread"): lambda status, text: (128 + SIGSYS, text.replace(LIVES, "")),
}


def profile(action, errno):
    """A profile that says this of getppid, of both ABIs, and allows everything else."""
    rule = {"names": ["getppid"], "action": action}
    if errno is not None:
        rule["errnoRet"] = errno
    path = os.path.join(SCRATCH, "profile.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW" if action != "SCMP_ACT_ALLOW" else "SCMP_ACT_LOG",
                   "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": [rule]}, file)
    return path


def ended(result):
    """Status, as a shell has it, and output."""
    status = result.returncode
    return status if status >= 0 else 128 - status, result.stdout.decode()


def check(name, way):
    """One action met in one way."""
    returns, action, errno = ACTIONS[name]
    kernel = ended(workload.run([workload.program("plain_filter"), hex(returns), PROBE, way]))
    want = DIFFERS[name, way](*kernel) if (name, way) in DIFFERS else kernel
    path = profile(action, errno)
    got = workload.sysclamp("run", "-p", path, "--on-deny", "explain", "--", PROBE, way)
    tap.equal(ended(got), want, f"{name}, {way}: as the kernel does", got.stderr.decode())
    plain = workload.sysclamp("run", "-p", path, "--", PROBE, way)
    tap.equal(ended(plain), kernel, f"{name}, {way}: without explain exactly so", plain.stderr.decode())


def main():
    """The table."""
    workload.share(SCRATCH)
    ways = WAYS if workload.has_i386() else [way for way in WAYS if way != "compat"]
    if ways != WAYS:
        tap.skip("m32", "the same with 32-bit calls", "this kernel takes none")
    for name in ACTIONS:
        for way in ways:
            check(name, way)
    tap.done()


if __name__ == "__main__":
    main()
