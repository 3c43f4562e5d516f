#!/usr/bin/env python3
"""sysclamp explain: what fixed recordings say of their calls, for people and as JSON."""
import copy
import json
import os
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402

SYSCLAMP = os.path.abspath(os.environ.get("SYSCLAMP", "build/sysclamp"))
EXAMPLE = os.path.abspath("docs/example.rec.json")
PLACE = tap.scratch()
OK, NO, INPUT = 0, 1, 2
START = 1760000000000000000
ID = "%032x"
LOSSES = ["unreadable", "untraced", "no_memory", "strict_refused", "inherit_failures", "map_full",
          "out_of_range", "missed_recursion", "ring_full", "late_returns"]


def call(abi, nr, name, count, first, last, phases, programs, **more):
    """One element of syscalls; times in microseconds from the start, 0 for none."""
    one = {"abi": abi, "nr": nr, "name": name, "count": count, "runs": 1,
           "first_ns": first and START + first * 1000, "last_ns": last and START + last * 1000,
           "phases": phases, "programs": programs, "denied": 0, "enosys": 0, "args": [], "stack": [],
           **more}
    return {key: value for key, value in one.items() if value is not None}


def values(index, numbers, bits=32):
    return {"index": index, "bits": bits, "values": numbers}


def origin(abi, nr, program, phase, time, registers, stack):
    return {"abi": abi, "nr": nr, "program": program, "phase": phase, "pid": 4711, "tid": 4712,
            "time_ns": START + time * 1000, "values": [hex(one) for one in registers], "stack": stack}


LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
CALLS = [
    call("x86_64", 0, "read", 41, 4182, 9000000, [0, 1], [0, 1]),
    call("x86_64", 41, "socket", 3, 5000, 1500000, [0, 1], [1], denied=1, args=[
        values(0, [1, 2, 16]), values(1, [3, 0x80001]), values(2, [0, 6, 9]),
        {"indexes": [0, 1, 2], "tuples": [[1, 0x80001, 0], [2, 0x80001, 6], [16, 3, 9]]}]),
    call("x86_64", 54, "setsockopt", 90, 5100, 6000, [0], [1], args=[
        values(1, [1, 6]), {"index": 2, "bits": 32, "many": True},
        {"indexes": [1, 2], "many": True}]),
    call("x86_64", 55, "getsockopt", 2, 5200, 6000, [0], [1], args=[
        values(1, [1, 6]), values(2, [4, 9]), {"indexes": [1, 2], "tuples": [[1, 4], [6, 9]]}]),
    call("x86_64", 72, "fcntl", 1, 7000, 7000, [0], [1]),
    call("x86_64", 257, "openat", 5, 4000, 4000, [0], [1], args=[values(2, [0x80000])]),
    call("x86_64", 999, None, 1, 0, 0, [1], [1], enosys=1),
    call("i386", 359, "socket", 1, 8000, 8000, [1], [0], args=[
        values(0, [2]), values(1, [1]), values(2, [0]),
        {"indexes": [0, 1, 2], "tuples": [[2, 1, 0]]}]),
]
ORIGINS = [
    origin("x86_64", 41, 1, 1, 1500000, [16, 3, 9, 0xffffffffffffffff, 0, 0], []),
    origin("x86_64", 41, 1, 0, 5000, [1, 0x80001, 0, 7, 8, 9],
           [f"{LIBC}!__socket+0xb", "/srv/web/bin/web!+0x12f3", "[vdso]!a+b+0x0", "!+0x1"]),
    origin("x86_64", 0, 0, 0, 4182, [3, 0x7f0012345678, 4096, 0, 0, 0], [f"{LIBC}!read+0x10"]),
]


def recording(number, calls, origins):
    name = ID % number
    return {
        "kind": "sysclamp.recording", "version": 1, "id": name, "seq": 1,
        "sources": [{"id": name, "seq": 1, "complete": True}], "complete": True,
        "workload": {"argv": ["web"], "cwd": "/", "started_ns": START, "ended_ns": START + 10**10,
                     "status": 0},
        "host": {"kernel": "6.1.0", "machine": "x86_64"},
        "recorder": {"name": "sysclamp", "version": "0.1.0", "backend": "ptrace"},
        "phases": ["start", "serve"], "programs": ["/bin/sh", "/srv/web/bin/web"], "mapped": [],
        "loss": dict.fromkeys(LOSSES, 0), "syscalls": calls,
        **({"origins": origins} if origins else {}),
    }


def put(name, content):
    with open(os.path.join(PLACE, name), "w", encoding="utf-8") as file:
        json.dump(content, file)


def explain(*words, stdin=b""):
    run = subprocess.run([SYSCLAMP, "explain", *words], cwd=PLACE, input=stdin, capture_output=True,
                         check=False)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def says(words, text, name, status=OK, error=""):
    got = explain(*words)
    tap.equal((got[0], got[2]), (status, error), f"{name}: status and standard error")
    tap.equal(got[1].splitlines(), text.splitlines(), name)


ALL = """\
       first     count   denied  call               phase    program, place
   +0.0040 s         5        0  openat             start    /srv/web/bin/web
   +0.0041 s        41        0  read               start    /bin/sh and 1 more  libc.so.6!read+0x10
   +0.0050 s         3        1  socket             start    /srv/web/bin/web  web+0x12f3
   +0.0051 s        90        0  setsockopt         start    /srv/web/bin/web
   +0.0052 s         2        0  getsockopt         start    /srv/web/bin/web
   +0.0070 s         1        0  fcntl              start    /srv/web/bin/web
   +0.0080 s         1        0  i386:socket        serve    /bin/sh
           -         1        0  #999               serve    /srv/web/bin/web
"""

NATIVE_SOCKET = """\
socket (x86_64, number 41)
  count       3; denied by a filter: 1
  first       +0.0050 s, 2025-10-09 08:53:20.005000 UTC
  last        +1.5000 s, 2025-10-09 08:53:21.500000 UTC
  phases      start
              serve
  programs    /srv/web/bin/web
  argument 0  family: AF_UNIX, AF_INET, AF_NETLINK
  argument 1  type: SOCK_RAW, SOCK_STREAM|SOCK_CLOEXEC
  argument 2  protocol: 0, 6, 9
  together    socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)
              socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)
              socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)
  from        +0.0050 s, phase start, /srv/web/bin/web, process 4711, thread 4712
              socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)
                at libc.so.6!__socket+0xb
                at web+0x12f3
                at [vdso]!a+b+0x0
                at ?+0x1
  from        +1.5000 s, phase serve, /srv/web/bin/web, process 4711, thread 4712
              socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)
"""

I386_SOCKET = """\
i386:socket (i386, number 359)
  count       1
  first       +0.0080 s, 2025-10-09 08:53:20.008000 UTC
  last        +0.0080 s, 2025-10-09 08:53:20.008000 UTC
  phases      serve
  programs    /bin/sh
  argument 0  family: AF_INET
  argument 1  type: SOCK_STREAM
  argument 2  protocol: 0
  together    socket(AF_INET, SOCK_STREAM, 0)
"""

SETSOCKOPT = """\
setsockopt (x86_64, number 54)
  count       90
  first       +0.0051 s, 2025-10-09 08:53:20.005100 UTC
  last        +0.0060 s, 2025-10-09 08:53:20.006000 UTC
  phases      start
  programs    /srv/web/bin/web
  argument 1  level: SOL_SOCKET, IPPROTO_TCP
  argument 2  optname: many: more than 32, or some are not known
  together    many: more than 32, or some are not known
"""

GETSOCKOPT = """\
getsockopt (x86_64, number 55)
  count       2
  first       +0.0052 s, 2025-10-09 08:53:20.005200 UTC
  last        +0.0060 s, 2025-10-09 08:53:20.006000 UTC
  phases      start
  programs    /srv/web/bin/web
  argument 1  level: SOL_SOCKET, IPPROTO_TCP
  argument 2  optname: 4, 9
  together    getsockopt(?, SOL_SOCKET, SO_ERROR)
              getsockopt(?, IPPROTO_TCP, TCP_DEFER_ACCEPT)
"""

FCNTL = """\
fcntl (x86_64, number 72)
  count       1
  first       +0.0070 s, 2025-10-09 08:53:20.007000 UTC
  last        +0.0070 s, 2025-10-09 08:53:20.007000 UTC
  phases      start
  programs    /srv/web/bin/web
  arguments   not recorded
"""

UNNAMED = """\
#999 (x86_64, number 999)
  count       1; unknown to the kernel: 1
  first       -
  last        -
  phases      serve
  programs    /srv/web/bin/web
"""

JOINED = """\
read (x86_64, number 0)
  count       41 at most in one run; in 2 of 2 runs
  first       2025-10-09 08:53:20.004182 UTC
  last        2025-10-09 08:53:29.000000 UTC
  phases      serve
              start
  programs    /bin/sh
              /srv/web/bin/web
  from        2025-10-09 08:53:20.004000 UTC, phase start, /bin/sh, process 4711, thread 4712
              read(5, 0, 7)
"""


def check_list():
    says(["web.rec.json"], ALL, "without a call, a line for each, in the order of their times")
    says(["early.rec.json"], ALL.splitlines()[0] + "\n   -0.0010 s         1        0  getpid             "
         "start    /bin/sh\n", "a call may be before the start of what ran already")


def check_calls():
    says(["setsockopt", "web.rec.json"], SETSOCKOPT, "too many values are many")
    says(["getsockopt", "web.rec.json"], GETSOCKOPT, "an option is named by its level")
    says(["fcntl", "web.rec.json"], FCNTL, "arguments that were not looked at are not recorded")
    says(["socket", "web.rec.json"], NATIVE_SOCKET + "\n" + I386_SOCKET,
         "a name asks for the call of each ABI")
    says(["i386:socket", "web.rec.json"], I386_SOCKET, "an ABI in front asks for one")
    says(["x86_64:socket", "fcntl", "web.rec.json"], NATIVE_SOCKET + "\n" + FCNTL,
         "several calls come in the order in which they are asked for")
    says(["i386:socket", "i386:359", "web.rec.json"], I386_SOCKET, "each once")
    for word in ["999", "#999", "x86_64:999"]:
        says([word, "web.rec.json"], UNNAMED, f"one without a name goes by its number: {word}")


def check_words():
    says(["read", "web.rec.json", "late.rec.json"], JOINED, "several recordings are joined")
    os.rename(os.path.join(PLACE, "late.rec.json"), os.path.join(PLACE, "late"))
    says(["read", "web.rec.json", "./late"], JOINED, "the last is a recording, and one with a slash")
    says(["./late", "read", "web.rec.json"], JOINED, "wherever it stands")
    with open(os.path.join(PLACE, "late"), "rb") as file:
        got = explain("read", "-", "web.rec.json", stdin=file.read())
    tap.equal(got, (OK, JOINED, ""), "- is standard input")
    says(["--", "-1", "late"], "", "a negative number follows --", NO,
         "sysclamp explain: -1 was not called\n")


def check_missing():
    says(["sockt", "web.rec.json"], "", "a name that is not there has a hint", NO,
         "sysclamp explain: sockt was not called; did you mean socket?\n")
    says(["i386:sockt", "web.rec.json"], "", "as it has under an ABI", NO,
         "sysclamp explain: i386:sockt was not called; did you mean socket?\n")
    says(["i386:fcntl", "web.rec.json"], "", "which is looked at", NO,
         "sysclamp explain: i386:fcntl was not called\n")
    says(["frobnicate", "fcntl", "web.rec.json"], FCNTL, "what is there is told all the same", NO,
         "sysclamp explain: frobnicate was not called\n")


def check_misuse():
    put("web", recording(4, CALLS, []))
    for words, error in [
            ([], "no recording given"),
            (["--format", "yaml", "web.rec.json"], '--format is text or json: not "yaml"'),
            (["vax:read", "web.rec.json"], "vax:read: no ABI of that name is known"),
            (["web.rec.json", "socket"], "web.rec.json and socket are swapped: calls go before the recordings, "
             "as in sysclamp explain socket web.rec.json"),
            (["web", "open", "read"], "web and read are swapped: calls go before the recordings, "
             "as in sysclamp explain read web"),
            (["-", "-"], "standard input (-) can be read once only"),
            (["--json", "web.rec.json"], "unknown option --json")]:
        says(words, "", f"misuse: {error}", INPUT,
             f"sysclamp explain: {error}; see sysclamp explain --help\n")
    says(["read", "none.json"], "", "a file that is not there", INPUT,
         "sysclamp explain: none.json: No such file or directory\n")


def check_json():
    status, out, error = explain("--format", "json", "x86_64:socket", "setsockopt", "web.rec.json")
    got = json.loads(out)
    tap.equal((status, error, got["kind"], got["version"]), (OK, "", "sysclamp.explain", 1),
              "the same as JSON")
    socket, setsockopt = got["calls"]
    tap.equal((socket["name"], socket["count"], socket["denied"], socket["phases"], socket["programs"]),
              ("socket", 3, 1, ["start", "serve"], ["/srv/web/bin/web"]), "with names, not indexes")
    tap.equal(socket["arguments"][1], {"index": 1, "name": "type", "values": ["SOCK_RAW", "SOCK_STREAM|SOCK_CLOEXEC"]},
              "with arguments as text")
    tap.equal(socket["together"][1], "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)",
              "and what stood together")
    tap.equal(socket["origins"][1],
              {"program": "/srv/web/bin/web", "phase": "start", "pid": 4711, "tid": 4712,
               "time_ns": START + 5000000, "call": "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)",
               "stack": ["libc.so.6!__socket+0xb", "web+0x12f3", "[vdso]!a+b+0x0", "?+0x1"]},
              "and where it comes from")
    tap.equal((setsockopt["arguments"][1], "together" in setsockopt, setsockopt["origins"]),
              ({"index": 2, "name": "optname", "many": True}, False, []), "many is said, what is not known is left out")
    got = json.loads(explain("--format", "json", "web.rec.json")[1])
    tap.equal([one["nr"] for one in got["calls"]], [one["nr"] for one in CALLS],
              "without a call, all are there")


def check_tame():
    """Names of programs and functions come from the workload, the output goes to a terminal."""
    hostile = recording(1, copy.deepcopy(CALLS), copy.deepcopy(ORIGINS))
    hostile["programs"][1] = "/srv/\x1b[2Jweb"
    hostile["origins"][1]["stack"][0] = "/lib/\x1b[3Jlibc\n!so\x9bcket+0xb"
    hostile["phases"][1] = "se\nrve"
    put("hostile.rec.json", hostile)
    for words in (["hostile.rec.json"], ["socket", "hostile.rec.json"]):
        out = explain(*words)[1]
        tap.ok("/srv/?[2Jweb" in out and "?[3Jlibc?!so" in out and not set(out) & set("\x1b\x9b"),
               f"control characters are not printed: {words[0]}", out)
    tap.ok("se?rve" in out, "nor line ends in names", out)


def check_example():
    status, out, error = explain("setsockopt", EXAMPLE)
    tap.ok(status == OK and "in 1 of 2 runs" in out and not error, "the documented example is explained",
           out, error)


def check_help():
    got = explain("--help")
    lines = got[1].splitlines()
    tap.ok(got[0] == OK and len(lines) <= 24 and max(map(len, lines)) <= 90, "--help fits a screen", *lines)


MMAP = """\
mmap (x86_64, number 9)
  count       9
  first       +0.0010 s, 2025-10-09 08:53:20.001000 UTC
  last        +0.0010 s, 2025-10-09 08:53:20.001000 UTC
  phases      start
  programs    /bin/sh
  argument 3  flags: MAP_SHARED, MAP_PRIVATE, MAP_PRIVATE|MAP_ANONYMOUS,
              MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, MAP_PRIVATE|MAP_DENYWRITE,
              MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE
"""


def check_long():
    flags = values(3, [1, 2, 0x22, 0x32, 0x802, 0x812], 64)
    put("mmap.rec.json", recording(4, [call("x86_64", 9, "mmap", 9, 1000, 1000, [0], [0], args=[flags])], []))
    says(["mmap", "mmap.rec.json"], MMAP, "many values take several lines")


late = recording(2, [call("x86_64", 0, "read", 4, 4300, 9000, [0], [0])],
                 [origin("x86_64", 0, 0, 0, 4000, [5, 0, 7, 0, 0, 0], [])])
put("web.rec.json", recording(1, CALLS, ORIGINS))
put("late.rec.json", late)
put("early.rec.json", recording(3, [call("x86_64", 39, "getpid", 1, -1000, 0, [0], [0])], []))
check_list()
check_calls()
check_long()
check_words()
check_missing()
check_misuse()
check_json()
check_tame()
check_example()
check_help()
tap.done()
