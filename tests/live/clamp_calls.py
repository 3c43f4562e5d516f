#!/usr/bin/python3
"""sysclamp clamp: whatever call the process is in goes on, as root and as an ordinary user."""
import contextlib
import json
import os
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
TIMES = 3
RESTART = "219"  # asm/unistd_64.h: restart_syscall
MOST = os.path.join(SCRATCH, "most.json")
IPC = {"semop", "semtimedop", "msgrcv"}  # what is left of them goes with their namespace


class Way:
    """A process whose first thread is in one call."""

    def __init__(self, line, user):
        self.name, number, self.result, self.error = line.split()
        self.number, self.user = int(number), user
        argv = [workload.program("in_flight"), self.name]
        if self.name in IPC:
            argv = ["unshare", "--ipc", *argv]
        self.process = subprocess.Popen(workload.as_user(argv) if user else argv, env=workload.ENVIRON,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.pid = self.process.pid
        self.said = []
        self.process.stdout.read(2)

    def is_in_call(self):
        """Whether it sleeps in its call, or in what goes on with it; or has ended before."""
        try:
            with open(f"/proc/{self.pid}/syscall", encoding="ascii") as file:
                number = file.read().split()[0]
        except (OSError, IndexError):
            number = None
        state = tap.state_of(self.pid)
        return state in "Z" or (number in (str(self.number), RESTART) and state == "S")

    def clamp(self):
        """Hold it, some times over."""
        for _ in range(1 if self.user else TIMES):
            tap.wait_until(self.is_in_call, f"it is in {self.name}")
            argv = [workload.SYSCLAMP, "clamp", "--pid", str(self.pid), "-p", MOST]
            result = workload.run(workload.as_user(argv) if self.user else argv)
            if result.returncode:
                self.said.append(result.stderr.decode())

    def end(self):
        """What it says when the call has returned."""
        tap.wait_until(self.is_in_call, f"it is in {self.name}")
        with contextlib.suppress(BrokenPipeError):  # it ends by itself
            self.process.stdin.write(b".")
        said = self.process.stdout.read().decode()
        self.process.wait(workload.DEADLINE_S)
        return said


def write_profile():
    """All is allowed but what nothing here calls."""
    with open(MOST, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getpgid", "quotactl"], "action": "SCMP_ACT_KILL_PROCESS"}]}, file)


def check(user):
    """All ways, side by side."""
    lines = workload.run([workload.program("in_flight")]).stdout.decode().splitlines()
    ways = []
    for line in lines:
        if not user or line.split()[0] not in IPC:
            ways.append(Way(line, user))
            ways[-1].clamp()
    who = "an ordinary user" if user else "root"
    for way in ways:
        said = way.end()
        tap.ok(said == f"{way.name} {way.result} {way.error}\n" and not way.said,
               f"{who}: {way.name} goes on", said, *way.said)
    return len(ways)


def main():
    """All of it."""
    write_profile()
    if os.geteuid() != 0:
        tap.skip("root", "calls in flight", "needs root")
        tap.done()
    tap.ok(check(user=False) > 40, "there were calls")
    check(user=True)
    tap.done()


if __name__ == "__main__":
    main()
