"""What the live tests share: run sysclamp and strace on a workload and read what they wrote."""
import glob
import json
import os
import re
import shutil
import subprocess

import args_table
import patience

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
SYSCLAMP = os.environ.get("SYSCLAMP", os.path.join(BUILD, "sysclamp"))
PROGRAMS = os.path.join(BUILD, "tests", "programs")
DEADLINE_S = 120 * patience.SLOWER

# What a workload's behaviour may hang on is set here, not inherited.
ENVIRON = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL": "C",
    "TZ": "UTC0",
    "HOME": "/nonexistent",
    "TERM": "dumb",
}
if "LD_LIBRARY_PATH" in os.environ:
    ENVIRON["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]


# Told on the way, before something fails: no errors.
_NOTICE = re.compile(r"sysclamp \w+: (recording with|added what few runs show|\d+ calls allowed"
                     r"|one run was recorded|Landlock: this kernel's ABI \d has not, and denies nowhere)")


def error_lines(text):
    """The lines of standard error that are no notices."""
    return [line for line in text.split("\n")[:-1] if not _NOTICE.match(line)]


def program(name):
    """A test program, built from tests/programs/NAME.c."""
    return os.path.join(PROGRAMS, name)


def share(directory):
    """Use copies that an ordinary user can reach, wherever the source tree is; for root."""
    global SYSCLAMP, PROGRAMS
    if os.geteuid() == 0:
        SYSCLAMP = shutil.copy(SYSCLAMP, os.path.join(directory, "sysclamp"))
        PROGRAMS = shutil.copytree(PROGRAMS, os.path.join(directory, "programs"))


def run(argv, stdin=None, env=None, cwd=None, **kwargs):
    """Run to the end with pipes for output and, for input, one with `stdin` bytes or /dev/null."""
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(argv, capture_output=True, env={**ENVIRON, **(env or {})}, cwd=cwd,
                          timeout=DEADLINE_S, check=False, **source, **kwargs)


def as_user(argv, uid=65534):
    """The command line that runs `argv` as an ordinary user."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", *argv]


def sysclamp(*args, **kwargs):
    """Run sysclamp."""
    return run([SYSCLAMP, *args], **kwargs)


def has_ebpf():
    """Whether the eBPF back end works here."""
    return sysclamp("record", "-q", "--backend", "ebpf", "-o", os.devnull, "--",
                    "true").returncode == 0


def has_i386():
    """Whether this kernel takes 32-bit calls from 64-bit programs (int $0x80)."""
    return run([program("int80")]).returncode == 0


class Recording:
    """A recording file: calls and refused calls by (ABI, number).  Without a file it is empty."""

    def __init__(self, path):
        self.json = {"seq": 0, "complete": None, "workload": {}, "loss": {}, "syscalls": []}
        try:
            with open(path, encoding="utf-8") as file:
                self.json.update(json.load(file))
        except FileNotFoundError:
            pass
        self.status = self.json["workload"].get("status")
        self.complete = self.json["complete"]
        self.calls, self.denied, self.names, self.args = {}, {}, {}, {}
        self.where = set()  # (program, ABI, number)
        for call in self.json["syscalls"]:
            key = (call["abi"], call["nr"] & 0xFFFFFFFF)
            self.where |= {(self.json["programs"][n], *key) for n in call["programs"]}
            self.calls[key] = call["count"]
            self.args[key] = args_table.of_call(call)
            if call["denied"]:
                self.denied[key] = call["denied"]
            if "name" in call:
                self.names[key] = call["name"]


# strace -f -n -e quiet=none -e raw=all: pid, number at entry, then the call or a message.
_LINE = re.compile(r"^(\d+) +\[ *(\d+|\?+)\] (.*)$")
_MODE = re.compile(r"^\[ Process PID=(\d+) runs in (\S+)")
_ODD = re.compile(r"^syscall_0x([0-9a-f]+)\(")
_CALL = re.compile(r"^(\w+)\(([^)<]*)")
_REGISTER = re.compile(r"0x[0-9a-f]+|\d+")
_ABIS = {"64": "x86_64", "32": "i386", "x32": "x32"}


def header_names(bits):
    """The pairs (number, name) of asm/unistd_NN.h."""
    pairs = set()
    for path in glob.glob(f"/usr/include/*/asm/unistd_{bits}.h"):
        with open(path, encoding="ascii") as file:
            pairs |= {(int(m[2]), m[1]) for m in re.finditer(r"__NR_(\w+) (\d+)", file.read())}
    return pairs


# -X raw leaves what is in memory decoded; raw=all shows all arguments as they are in registers.
STRACE_OPTIONS = ["-f", "-n", "-X", "raw", "-e", "raw=all", "-e", "quiet=none", "-s", "0"]


class Straced:
    """What strace saw: calls by (ABI, number), their names, and the registers of those whose arguments are
    recorded.

    A change of ABI is a message.  A new process has that of whichever process strace looked at
    before, without one: there the first call whose number and name occur together in one ABI only
    tells it.
    """

    _native = header_names(64)
    _compat = header_names(32)
    _rows = args_table.by_call()

    def __init__(self, path):
        self.calls = {}
        self.names = {}
        self.registers = {}
        self.abis = {}
        self.unsure = {}
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = _LINE.match(line)
                if match:
                    self._take(int(match[1]), match[2], match[3])
        for pid in list(self.unsure):
            self._settle(pid, "x86_64")

    def _take(self, pid, number, text):
        mode = _MODE.match(text)
        if mode:
            self._settle(int(mode[1]), "x86_64")
            self.abis[int(mode[1])] = _ABIS[mode[2]]
            return
        call = _CALL.match(text)
        if not call:  # a signal, an end, or the second half of a line that was interrupted
            return
        odd = _ODD.match(text)
        if odd:
            self._call(pid, int(odd[1], 16) & 0xFFFFFFFF, None, "")
        else:
            self._call(pid, int(number), call[1], call[2])

    def _call(self, pid, nr, name, args):
        native, compat = (nr, name) in self._native, (nr, name) in self._compat
        if native != compat:
            told = "x86_64" if native else "i386"
            if pid not in self.abis:
                self._settle(pid, told)
            if self.abis[pid] != told:
                raise ValueError(f"strace's {name} ({nr}) of process {pid} is not {self.abis[pid]}")
        if pid in self.abis:
            self._count(self.abis[pid], nr, name, args)
        else:
            self.unsure.setdefault(pid, []).append((nr, name, args))

    def _settle(self, pid, abi):
        self.abis.setdefault(pid, abi)
        for call in self.unsure.pop(pid, []):
            self._count(self.abis[pid], *call)

    def _count(self, abi, nr, name, args):
        self.calls[abi, nr] = self.calls.get((abi, nr), 0) + 1
        if name:
            self.names[abi, nr] = name
        if name in self._rows:
            self.registers.setdefault((abi, nr), set()).add(tuple(int(each, 0) for each in _REGISTER.findall(args)))


def strace(argv, log, prefix=(), **kwargs):
    """Run a workload under strace: its result and what was seen."""
    # -o alone would hide the messages about 32-bit mode.
    result = run([*prefix, shutil.which("strace"), *STRACE_OPTIONS, "-o", log, "--", *argv], **kwargs)
    return result, Straced(log)


def record(argv, out, options=(), prefix=(), **kwargs):
    """Run a workload under sysclamp record: its result and the recording."""
    result = run([*prefix, SYSCLAMP, "record", "-o", out, *options, "--", *argv], **kwargs)
    return result, Recording(out)
