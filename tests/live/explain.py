#!/usr/bin/env python3
"""The names that sysclamp explain has for arguments are those that strace has.

Calls that cannot do anything, for a descriptor, a process or an address that is not there, are made with
all sorts of values.
"""
import fnmatch
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import args_table  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
NUMBERS = {name: number for number, name in workload.header_names(64)}
NONE = 0xffffffffffffffff  # no descriptor, no process
AT = 0xdeadbeef  # where nothing is mapped
BITS = [0] + [1 << bit for bit in range(32)]
SMALL = list(range(64))
PAIRS = [1 << low | 1 << high for low, high in ((0, 1), (1, 2), (6, 7), (11, 19), (16, 22), (12, 20))]

# What is tried, where "x" stands in the arguments.
X = "x"
TRIED = {
    "socket": ([X, NONE, 0], SMALL),
    "socketpair": ([0, X, 0, AT], BITS + SMALL + PAIRS),
    "accept4": ([NONE, 0, 0, X], BITS),
    "setsockopt": ([NONE, X, 0, AT, 0], SMALL + [255, 263, 270]),
    "sendmsg": ([NONE, AT, X], BITS),
    "recvmsg": ([NONE, AT, X], BITS),
    "shutdown": ([NONE, X], SMALL[:4]),
    "openat": ([NONE, AT, X, 0], BITS + SMALL[:4] + PAIRS),
    "pipe2": ([AT, X], BITS),
    "dup3": ([NONE, NONE, X], BITS),
    "epoll_ctl": ([NONE, X, NONE, AT], SMALL[:6]),
    "eventfd2": ([0, X], [1, 0x800, 0x80000]),
    "signalfd4": ([NONE, AT, 8, X], BITS),
    "inotify_add_watch": ([NONE, AT, X], BITS),
    "access": ([AT, X], [1, 2, 4, 6]),
    "faccessat2": ([NONE, AT, 0, X], BITS),
    "newfstatat": ([NONE, AT, AT, X], BITS),
    "statx": ([NONE, AT, 0, X, AT], [1 << bit for bit in range(13)]),
    "linkat": ([NONE, AT, NONE, AT, X], BITS),
    "unlinkat": ([NONE, AT, X], [0x200]),
    "renameat2": ([NONE, AT, NONE, AT, X], [1, 2, 4]),
    "fallocate": ([NONE, X, 0, 0], BITS[:8]),
    "lseek": ([NONE, 0, X], SMALL[:8]),
    "flock": ([NONE, X], SMALL[:9]),
    "fcntl": ([NONE, X, 0], SMALL[:12] + list(range(1024, 1040))),
    "fadvise64": ([NONE, 0, 0, X], SMALL[:8]),
    "ioctl": ([NONE, X, 0], list(range(0x5400, 0x5460)) + list(range(0x8910, 0x8914)) + [0x80045430]),
    "mmap": ([0, 0, X, 0x22, NONE, 0], BITS[:5] + [5, 7]),
    "mprotect": ([AT, 0, X], BITS[:5] + [1 << 24, 1 << 25]),
    "mremap": ([AT, 0, 0, X, 0], BITS[:4]),
    "madvise": ([AT, 0, X], SMALL[:30] + [100, 101]),
    "msync": ([AT, 0, X], BITS[:4]),
    "mlock2": ([AT, 0, X], [1]),
    "memfd_create": ([0, X], BITS[:4]),
    "futex": ([1, X, 0, 0, 0, 0], SMALL[:14]),
    "setns": ([NONE, X], BITS),
    "kill": ([0x7ffffff1, X], SMALL[1:32]),
    "rt_sigprocmask": ([X, AT, 0, 8], SMALL[:4]),
    "wait4": ([0x7ffffff1, 0, X, 0], BITS),
    "waitid": ([X, 0x7ffffff1, 0, 1, 0], SMALL[:4]),
    "prctl": ([X, AT, AT, AT, AT], [2, 3, 21, 23, 25, 37, 39, 42, 55, 58]),
    "arch_prctl": ([X, AT], [0x1003, 0x1004]),
    "bpf": ([X, 0, 0], SMALL[:22]),
    "ptrace": ([X, 0x7ffffff1, 0, 0], SMALL[1:25]),
    "kcmp": ([0x7ffffff1, 0x7ffffff1, X, 0, 0], SMALL[:9]),
    "prlimit64": ([0x7ffffff1, X, 0, 0], SMALL[:17]),
    "getrusage": ([X, AT], [0, 1]),
    "clock_gettime": ([X, AT], SMALL[:12]),
    "clock_nanosleep": ([0, X, AT, 0], [0, 1]),
    "timerfd_create": ([X, NONE], SMALL[:10]),
    "getrandom": ([AT, 0, X], BITS[:4]),
    "membarrier": ([X, NONE], [0] + BITS[1:10]),
    "shmctl": ([NONE, X, AT], SMALL[:4]),
}
# One number, two names: ours, and what strace writes.
ALIASES = {
    "IPPROTO_IP": "SOL_IP", "IPPROTO_ICMP": "SOL_ICMP", "IPPROTO_TCP": "SOL_TCP", "IPPROTO_UDP": "SOL_UDP",
    "IPPROTO_IPV6": "SOL_IPV6", "IPPROTO_ICMPV6": "SOL_ICMPV6", "IPPROTO_RAW": "SOL_RAW",
    "PTRACE_PEEKUSR": "PTRACE_PEEKUSER", "PTRACE_POKEUSR": "PTRACE_POKEUSER", "WUNTRACED": "WSTOPPED",
}
# What strace has a name for and explain has none: not of this call, obsolete, or never set by a program.
UNNAMED = {
    "sendmsg": "MSG_PROBE MSG_FIN MSG_SYN MSG_RST MSG_SENDPAGE_NOTLAST MSG_BATCH MSG_NO_SHARED_FRAGS "
               "MSG_CMSG_COMPAT",
    "recvmsg": "MSG_PROBE MSG_FIN MSG_SYN MSG_RST MSG_SENDPAGE_NOTLAST MSG_BATCH MSG_NO_SHARED_FRAGS "
               "MSG_CMSG_COMPAT",
    "setsockopt": "AF_VSOCK",
    "socketpair": "SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET SOCK_DCCP SOCK_PACKET",
    "openat": "O_ACCMODE __O_SYNC __O_TMPFILE",
    "pipe2": "O_* __O_* FASYNC", "dup3": "O_* __O_* FASYNC", "newfstatat": "AT_*", "linkat": "AT_*",
    "inotify_add_watch": "IN_UNMOUNT IN_Q_OVERFLOW IN_IGNORED",
    "ptrace": "PTRACE_GETFPXREGS PTRACE_SETFPXREGS PTRACE_OLDSETOPTIONS",
    "clock_gettime": "CLOCK_SGI_CYCLE",
    "ioctl": "SNDCTL_* TIOCSER* TIOCGLCKTRMIOS TIOCSLCKTRMIOS TCGETX TCSETX TCSETXF TCSETXW SIOCSIFLINK",
}


# Names that strace 6.1 does not have.
NEW = ["F_GET_RW_HINT", "F_SET_RW_HINT", "F_GET_FILE_RW_HINT", "F_SET_FILE_RW_HINT", "AT_STATX_FORCE_SYNC",
       "AT_STATX_DONT_SYNC"]


def registers(template, value):
    return [value if one == X else one for one in template] + [0] * (6 - len(template))


def index_of(template):
    return template.index(X)


def straced():
    """What strace says of each value: {call: [text]}."""
    calls = [(NUMBERS[call], registers(template, value)) for call, (template, values) in TRIED.items()
             for value in values]
    lines = "".join(f"{number:x} {' '.join(f'{one:x}' for one in each)}\n" for number, each in calls)
    path = os.path.join(SCRATCH, "strace")
    result = workload.run(["strace", "-o", path, "-e", "signal=none", workload.program("make_calls")],
                          stdin=lines.encode())
    if result.returncode:
        raise ChildProcessError(result.stderr)
    said = {call: [] for call in TRIED}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = re.match(r"(\w+)\((.*)\)\s+= ", line)
            if match and match[1] in said:
                said[match[1]].append(arguments(match[2]))
    return {call: [each[index_of(template)] for each in said[call][-len(values):]]
            for call, (template, values) in TRIED.items()}


def arguments(text):
    """The arguments of a call, without comments and names of parameters."""
    text = re.sub(r" ?/\*.*?\*/", "", text)
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [re.sub(r"^\w+=", "", part.strip()) for part in parts]


def recording(call, index, values):
    source = "0" * 32
    return {
        "kind": "sysclamp.recording", "version": 1, "id": source, "seq": 1, "complete": False,
        "sources": [{"id": source, "seq": 1, "complete": False}],
        "workload": {"argv": [], "cwd": "/", "started_ns": 1},
        "host": {"kernel": "", "machine": ""},
        "recorder": {"name": "sysclamp", "version": "", "backend": ""},
        "phases": [], "programs": [], "mapped": [],
        "loss": dict.fromkeys(["unreadable", "untraced", "no_memory", "strict_refused", "inherit_failures",
                               "map_full", "out_of_range", "missed_recursion", "ring_full",
                               "late_returns"], 0),
        "syscalls": [{"abi": "x86_64", "nr": NUMBERS[call], "count": 1, "runs": 1, "first_ns": 0, "last_ns": 0,
                      "phases": [], "programs": [], "denied": 0, "enosys": 0, "stack": [],
                      "args": [{"index": index, "bits": 32, "values": values}]}],
    }


def explained(call):
    """What explain says of each value: {value: text}."""
    template, values = TRIED[call]
    values, said = sorted(set(values)), {}
    while values:
        some, values = values[:args_table.SETS_MAX], values[args_table.SETS_MAX:]
        result = workload.sysclamp("explain", "--format", "json", call, "-", stdin=json.dumps(
            recording(call, index_of(template), some)).encode())
        argument = json.loads(result.stdout)["calls"][0]["arguments"][0]
        said.update(zip(some, argument["values"]))
    return said


def names(text):
    """The names in it; where strace knows two devices' commands, both."""
    return {part for part in re.split(r"\|| or ", text) if re.fullmatch(r"\w+", part) and not part[0].isdigit()}


def is_unnamed(call, name):
    """Whether explain need not have the name."""
    return any(fnmatch.fnmatchcase(name, one) for one in UNNAMED.get(call, "").split())


def differs(call, ours, theirs):
    """Whether explain has a name that strace has not, or lacks one."""
    ours = {ALIASES.get(name, name) if ALIASES.get(name, name) in theirs else name for name in ours}
    lacks = [name for name in theirs - ours if not is_unnamed(call, name)]
    return bool(ours - theirs - set(NEW)) or bool(lacks)


def check():
    theirs, compared = straced(), 0
    for call, (_, values) in TRIED.items():
        ours, wrong = explained(call), []
        tap.ok(len(theirs[call]) == len(values), f"{call} was made {len(values)} times")
        for value, text in zip(values, theirs[call]):
            compared += len(names(text) & names(ours[value]))
            if differs(call, names(ours[value]), names(text)):
                wrong.append(f"{value:#x}: {ours[value]}, strace: {text}")
        tap.ok(not wrong, f"{call}: the names of strace", *wrong)
    tap.ok(compared > 500, f"{compared} names were compared")


check()
tap.done()
