"""What the tests of `run --on-deny` share: profiles, what explain says, the two processes of a run."""
import json
import os
import re
import subprocess

import tap
import workload

KILLED = "killed"
SYSCLAMP_EXE = "sysclamp"
_LINE = re.compile(r"^sysclamp run: denied (\S+?)\((.*)\) = (.+?)  in (.+)\[(\d+)\] (.*)$")
_COUNT = re.compile(r"^sysclamp run: (\d+) calls? denied, of (\d+) kinds?(.*)$")
NOTHING = "sysclamp run: nothing was denied"


def profile(path, *rules, default="SCMP_ACT_ALLOW", **extra):
    """A profile file: rules are (names, action) or (names, action, errno) or with args behind."""
    syscalls = []
    for names, action, *rest in rules:
        rule = {"names": names if isinstance(names, list) else [names], "action": action}
        if rest and rest[0] is not None:
            rule["errnoRet"] = rest[0]
        if len(rest) > 1:
            rule["args"] = rest[1]
        syscalls.append(rule)
    with open(path, "w", encoding="ascii") as file:
        json.dump({"defaultAction": default, "syscalls": syscalls, **extra}, file)
    return path


class Told:
    """What explain told on standard error."""

    def __init__(self, text):
        self.denials = []  # (call, arguments, result, comm, program)
        self.stacks = []
        self.total = self.kinds = None
        self.rest = []  # other lines, and what is behind the counts
        for line in text.splitlines():
            self._take(line)

    def _take(self, line):
        denial, count = _LINE.match(line), _COUNT.match(line)
        if denial:
            call, args, result, comm, _pid, program = denial.groups()
            self.denials.append((call, args, result, comm, program))
            self.stacks.append([])
        elif line.startswith("    at ") and self.stacks:
            self.stacks[-1].append(line[7:])
        elif count:
            self.total, self.kinds = int(count[1]), int(count[2])
            self.rest += [count[3]] if count[3] else []
        elif line == NOTHING:
            self.total = self.kinds = 0
        else:
            self.rest.append(line)


def explain(path, *argv, prefix=(), **kwargs):
    """Run under a profile, explained: the result and what was told."""
    result = workload.run([*prefix, workload.SYSCLAMP, "run", "-p", path, "--on-deny", "explain", "--",
                           *argv], **kwargs)
    return result, Told(result.stderr.decode(errors="replace"))


def start(options, argv, **kwargs):
    """Start a supervised command, with pipes unless told otherwise."""
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen([workload.SYSCLAMP, "run", *options, "--", *argv], env=workload.ENVIRON,
                            **{**pipes, **kwargs})


def is_ours(pid):
    """Whether it executes sysclamp."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith(SYSCLAMP_EXE)
    except OSError:
        return False


def supervisor_of(process):
    """The supervisor's number, once it has started the command, and the command's."""
    def find():
        for child in tap.children_of(process.pid):
            below = [pid for pid in tap.children_of(child) if not is_ours(pid)]
            if is_ours(child) and below:
                return child, below[0]
        return None
    return tap.wait_until(find, "the command runs below its supervisor")
