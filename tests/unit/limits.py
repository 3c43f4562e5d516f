#!/usr/bin/env python3
"""Bad files, as every command that reads one answers them: one line on standard error that names the
file, the place in it and the limit, nothing on standard output, and the status for bad input.
"""
import os
import re
import resource
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402

SYSCLAMP = os.path.abspath(os.environ.get("SYSCLAMP", "build/sysclamp"))
PLACE = tap.scratch()
HUNDRED_MB = 100 * 1000 * 1000
MEMORY = 64 * 1024 * 1024  # less than such a file, more than the command itself
RUN_FAILED, INPUT = 125, 2

HEAD = '{"defaultAction": "SCMP_ACT_ERRNO"'
READERS = {
    "run": (["run", "-p", "bad", "--", "/bin/true"], RUN_FAILED),
    "install": (["install", "-p", "bad", "--name", "x", "--kubelet-dir", "kubelet"], INPUT),
    "convert": (["convert", "--flatten", "bad"], INPUT),
    "generate": (["generate", "bad"], INPUT),
    "merge": (["merge", "bad"], INPUT),
    "merge --union": (["merge", "--union", "bad"], INPUT),
    "explain": (["explain", "bad"], INPUT),
    "report": (["report", "-o", "-", "bad"], INPUT),
}
PROFILE_READERS = ["run", "install", "convert", "merge --union"]


def rule(text):
    return f'{HEAD}, "syscalls": [{{"names": ["read"], "action": "SCMP_ACT_ALLOW"{text}}}]}}'


def cond(text):
    return rule(f', "args": [{{"index": 0, {text}"op": "SCMP_CMP_EQ"}}]')


def conds(count):
    one = '{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}'
    return rule(f', "args": [{", ".join([one] * count)}]')


# What is wrong with the text, for all readers.
TEXTS = {
    "empty": (b"", r"bad: empty file$"),
    "white space": (b" \n ", r"bad:2:1: "),
    "a byte-order mark": (b"\xef\xbb\xbf" + HEAD.encode() + b"}", r"bad:1:1: byte-order mark"),
    "a comment": (b"// x\n" + HEAD.encode() + b"}", r"bad:1:1: not valid JSON"),
    "text behind the end": (HEAD.encode() + b"} x", r"bad:1:\d+: not valid JSON"),
    "a second object": (HEAD.encode() + b"}\n{}", r"bad:2:1: not valid JSON"),
    "bad UTF-8": (HEAD.encode() + b', "comment": "\xff"}', r"bad:1:\d+: not valid JSON"),
    "a surrogate": (HEAD.encode() + b', "comment": "\\ud800"}', r"bad:1:\d+: not valid JSON"),
    "a NUL byte": (HEAD.encode() + b"}\0", r"bad:1:36: NUL byte"),
    "an escaped NUL": (HEAD.encode() + b', "comment": "\\u0000"}', r"bad:1:\d+: not valid JSON"),
    "a key twice": (HEAD.encode() + b',\n "defaultAction": "SCMP_ACT_LOG"}',
                    r"bad:2:\d+: .*duplicate object key"),
    "a depth of 2049": (b"[" * 2049, r"bad:1:33: nested deeper than 32 levels"),
    "a depth of a million": (b"[" * 1000000, r"bad:1:33: nested deeper than 32 levels"),
    "2^64": (cond('"value": 18446744073709551616, ').encode(),
             r"bad:1:\d+: integer larger than 18446744073709551615"),
    "-2^63": (cond('"value": -9223372036854775808, ').encode(), r"bad:1:\d+: integer too small"),
    "4197 integers above 2^63-1": (b"[" + b"9223372036854775808," * 4197,
                                   r"bad:1:\d+: more than 4096 integers above"),
    "objects without number": (b"[" + b"{}," * 300000, r"bad:1:\d+: more than 262144 objects"),
    "YAML": (b"defaultAction: SCMP_ACT_ERRNO\n", r"bad:1:\d+: not valid JSON"),
}

# What is wrong with a profile.
PROFILES = {
    "no default action": ("{}", r'bad: \$: no "defaultAction"'),
    "an unknown action": ('{"defaultAction": "SCMP_ACT_ALOW"}',
                          r"bad: \$\.defaultAction: unknown action .*mean SCMP_ACT_ALLOW\?$"),
    "no action": (f'{HEAD}, "syscalls": [{{"names": ["read"]}}]}}',
                  r'bad: \$\.syscalls\[0\]: "action" is missing$'),
    "a key in another case": (f'{HEAD}, "Syscalls": []}}', r'bad: \$: "Syscalls" .*write "syscalls"$'),
    "an unknown operator": (rule(', "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_IS"}]'),
                            r"bad: \$\.syscalls\[0\]\.args\[0\]\.op: unknown operator"),
    "index 6": (rule(', "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]'),
                r"args\[0\]\.index: 6: arguments are numbered 0 to 5$"),
    "index 2^64-1": (rule(', "args": [{"index": 18446744073709551615, "value": 1, "op": "x"}]'),
                     r"index: 18446744073709551615: arguments are numbered 0 to 5$"),
    "-1": (cond('"value": -1, '), r"args\[0\]\.value: -1 is negative$"),
    "1e3": (cond('"value": 1e3, '), r"args\[0\]\.value: a plain integer expected"),
    "511.0": (cond('"value": 511.0, '), r"args\[0\]\.value: a plain integer expected"),
    "text for a number": (cond('"value": "511", '), r"args\[0\]\.value: a plain integer expected"),
    "errnoRet 4096": (f'{HEAD}, "defaultErrnoRet": 4096}}', r"defaultErrnoRet: 4096 is above 4095"),
    "errnoRet -1": (f'{HEAD}, "defaultErrnoRet": -1}}', r"defaultErrnoRet: -1 is negative$"),
    "an unknown architecture": (f'{HEAD}, "architectures": ["SCMP_ARCH_VAX"]}}',
                                r"\$\.architectures\[0\]: unknown architecture"),
    "257 architectures": (f'{HEAD}, "architectures": [{", ".join(["1"] * 257)}]}}',
                          r"\$\.architectures: 257 elements, at most 256 are accepted$"),
    "33 flags": (f'{HEAD}, "flags": [{", ".join(["1"] * 33)}]}}',
                 r"\$\.flags: 33 elements, at most 32 are accepted$"),
    "65 conditions": (conds(65), r"\$\.syscalls\[0\]\.args: 65 elements, at most 64 are accepted$"),
    "4097 rules": (f'{HEAD}, "syscalls": [{", ".join(["0"] * 4097)}]}}',
                   r"\$\.syscalls: 4097 elements, at most 4096 are accepted$"),
    "4097 names": (f'{HEAD}, "syscalls": [{{"names": [{", ".join(["0"] * 4097)}]}}]}}',
                   r"\$\.syscalls\[0\]\.names: 4097 elements, at most 4096 are accepted$"),
    "a name of 64 characters": (f'{HEAD}, "syscalls": [{{"names": ["{"a" * 64}"]}}]}}',
                                r"names\[0\]: 64 characters; no system call's name has more than 63$"),
    "an empty name": (f'{HEAD}, "syscalls": [{{"names": [""]}}]}}', r"names\[0\]: empty name"),
    "a list for the whole": ("[]", r"bad: \$: an object expected, this is an array$"),
    "a recording": ('{"kind": "sysclamp.recording"}', r"bad: \$: this is a recording, not a profile"),
}

# What is strange and right.
RIGHT = {
    "2^63": (cond('"value": 9223372036854775808, '), r"^$"),
    "2^64-1": (cond('"value": 18446744073709551615, '), r"^$"),
    "an index twice": (conds(2), r"^$"),
    "7 conditions": (conds(7), r"^$"),
    "an unknown name": (f'{HEAD}, "syscalls": [{{"names": ["frobnicate"], "action": "SCMP_ACT_ALLOW"}}]}}',
                        r'names\[0\]: no call known here is named "frobnicate": ignored\n$'),
    "an unknown key": (f'{HEAD}, "x": 1}}', r'bad: \$: unknown key "x" ignored\n$'),
    "a name of 63 characters": (
        f'{HEAD}, "syscalls": [{{"names": ["{"a" * 63}"], "action": "SCMP_ACT_ALLOW"}}]}}', r"ignored\n$"),
}


def put(text):
    with open(os.path.join(PLACE, "bad"), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def sysclamp(args, limit=None):
    """Runs it in the place; @limit: bytes of memory that it may map."""
    def set_limit():
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return subprocess.run([SYSCLAMP, *args], cwd=PLACE, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", check=False, preexec_fn=set_limit)


def is_refused(run, status, says):
    return (run.returncode == status and not run.stdout and len(run.stderr.splitlines()) == 1
            and re.search(says, run.stderr.rstrip("\n")))


def check_refused(readers, what, text, says):
    put(text)
    wrong = []
    for reader in readers:
        args, status = READERS[reader]
        run = sysclamp(args)
        if not is_refused(run, status, says):
            wrong.append(f"{reader}: {run.returncode} {run.stdout}{run.stderr}")
    tap.ok(not wrong, f"{', '.join(readers)}: {what}", *wrong)


def check_large():
    """Refused by its size: there is no memory to read it into."""
    with open(os.path.join(PLACE, "bad"), "wb") as file:
        os.truncate(file.fileno(), HUNDRED_MB)
    limit = None if os.environ.get("SANITIZE") else MEMORY  # shadow memory is larger
    for reader, (args, status) in READERS.items():
        size = "4096" if reader in PROFILE_READERS else "65536"
        run = sysclamp(args, limit)
        tap.ok(is_refused(run, status, rf"bad: larger than the limit of {size} KiB"),
               f"{reader}: 100 MB are refused by their size", run.returncode, run.stderr)


def check_right():
    for what, (text, says) in RIGHT.items():
        put(text)
        run = sysclamp(READERS["convert"][0])
        tap.ok(run.returncode == 0 and run.stdout and re.search(says, run.stderr), f"read: {what}",
               run.returncode, run.stderr)


os.mkdir(os.path.join(PLACE, "kubelet"))
for name, (content, wanted) in TEXTS.items():
    check_refused(list(READERS), name, content, wanted)
for name, (content, wanted) in PROFILES.items():
    check_refused(PROFILE_READERS, name, content, wanted)
check_large()
check_right()
tap.done()
