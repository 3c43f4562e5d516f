#!/usr/bin/python3
"""What the commands that start another have handlers for while it runs, against the list of those that
launch_child_signals() of lib/launch.c takes from the child, which shares their memory: none may be missing there.
"""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import deny  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

RESET = {"SIGPIPE", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTSTP", "SIGTTIN", "SIGTTOU",
         "SIGALRM", "SIGCONT", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP"}
OF_LIBC = range(32, 34)  # nptl(7): launch.h leaves them alone


def caught_by(pid):
    """The signals that a process has handlers for."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        mask = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt:"))
    return {signal.Signals(number).name if number <= signal.SIGSYS else str(number)
            for number in range(1, 65) if mask >> (number - 1) & 1 and number not in OF_LIBC}


def is_ours(pid):
    """Whether a process executes sysclamp."""
    try:
        return os.path.samefile(f"/proc/{pid}/exe", workload.SYSCLAMP)
    except OSError:
        return False


def caught_while(argv):
    """What the processes of sysclamp catch while a command runs that echoes its input."""
    with subprocess.Popen([workload.SYSCLAMP, *argv, "--", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=workload.ENVIRON) as process:
        process.stdin.write(b"here\n")
        process.stdin.flush()
        process.stdout.readline()

        def forwards():
            caught = [caught_by(pid) for pid in tap.descendants() if is_ours(pid)]
            return set().union(*caught) if any("SIGTERM" in each for each in caught) else None
        found = tap.wait_until(forwards, "a handler for SIGTERM")
        process.stdin.close()
    return found


def main():
    profile = deny.profile(os.path.join(tap.scratch(), "all.json"))
    commands = {
        "run": ["run", "-p", profile],
        "run --at main": ["run", "-p", profile, "--at", "main"],
        "run --on-deny explain": ["run", "-p", profile, "--on-deny", "explain"],
        "run --on-deny learn": ["run", "--on-deny", "learn", "-o", os.devnull],
        "record, ptrace": ["record", "--backend", "ptrace", "-o", os.devnull],
    }
    if workload.has_ebpf():
        commands["record, ebpf"] = ["record", "--backend", "ebpf", "-o", os.devnull]
    else:
        tap.skip("bpf", "record, ebpf", "no eBPF back end here")
    for name, argv in commands.items():
        caught = caught_while(argv)
        tap.ok(caught <= RESET, f"{name}: what it has handlers for is taken from the child",
               f"not reset by launch_child_signals(): {sorted(caught - RESET)}")
    tap.done()


main()
