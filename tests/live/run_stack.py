#!/usr/bin/python3
"""sysclamp run: every action, several profiles, flags, programs from files, the starter profiles.

What a call gets is never taken from a book: a program held by `run` is compared with the same
program behind filters that were written by hand (tests/programs/by_hand.c).
"""
import itertools
import json
import os
import random
import resource
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import meaning  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
NATIVE = f"SCMP_ARCH_{os.uname().machine.upper()}"
X86_64 = NATIVE == "SCMP_ARCH_X86_64"
SIGSYS = 31
FLAG = "SECCOMP_FILTER_FLAG_"
STARTERS = "profiles"

# seccomp(2); the kernel's value of each action with the data that a profile gives it.
ACTIONS = {
    "KILL_PROCESS": ({"action": "SCMP_ACT_KILL_PROCESS"}, 0x80000000),
    "KILL_THREAD": ({"action": "SCMP_ACT_KILL_THREAD"}, 0),
    "KILL": ({"action": "SCMP_ACT_KILL"}, 0),
    "TRAP": ({"action": "SCMP_ACT_TRAP"}, 0x00030000),
    "ERRNO": ({"action": "SCMP_ACT_ERRNO"}, 0x00050001),
    "ERRNO 0": ({"action": "SCMP_ACT_ERRNO", "errnoRet": 0}, 0x00050000),
    "ERRNO 95": ({"action": "SCMP_ACT_ERRNO", "errnoRet": 95}, 0x0005005F),
    "ERRNO 4095": ({"action": "SCMP_ACT_ERRNO", "errnoRet": 4095}, 0x00050FFF),
    "TRACE": ({"action": "SCMP_ACT_TRACE"}, 0x7FF00001),
    "TRACE 40000": ({"action": "SCMP_ACT_TRACE", "errnoRet": 40000}, 0x7FF09C40),
    "LOG": ({"action": "SCMP_ACT_LOG"}, 0x7FFC0000),
    "ALLOW": ({"action": "SCMP_ACT_ALLOW"}, 0x7FFF0000),
}
WAYS = ["call", "handled", "thread", "traced"] + (["skipped"] if X86_64 else [])
# SECCOMP_FILTER_FLAG_*, linux/seccomp.h
FLAGS = {"TSYNC": 1, "LOG": 2, "SPEC_ALLOW": 4}
SINCE = {"TSYNC": "3.17", "LOG": "4.14", "SPEC_ALLOW": "4.17", "WAIT_KILLABLE_RECV": "5.19"}


def put(name, content):
    """A file of the scratch directory: bytes, or JSON."""
    path = os.path.join(SCRATCH, name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def profile(name, *rules, default="SCMP_ACT_ALLOW", **more):
    """A profile's file."""
    return put(f"{name}.json", {"defaultAction": default, "syscalls": list(rules), **more})


def held(profiles, *command, options=(), **kwargs):
    """`run` with these profiles."""
    return workload.sysclamp("run", *[word for path in profiles for word in ("-p", path)], *options,
                             "--", *command, **kwargs)


def by_hand(actions, *command, flags=None):
    """The same with filters that were written by hand."""
    return workload.run([workload.program("by_hand"), *(["-f", hex(flags)] if flags else []),
                         *[hex(action) for action in actions], "--", *command])


def seen(done):
    """Output, and the exit status as a shell has it."""
    status = done.returncode
    return done.stdout.decode(), 128 - status if status < 0 else status


def for_getppid(name):
    """The profile that gives getppid an action, as by_hand does."""
    return profile(f"action-{name.replace(' ', '-')}", {"names": ["getppid"], **ACTIONS[name][0]})


def test_actions():
    """Each action, in each way that a program can notice it."""
    for name, (_, value) in ACTIONS.items():
        wrong, right = [], {}
        for way in WAYS:
            command = [workload.program("answered"), way]
            by_run, hand = seen(held([for_getppid(name)], *command)), seen(by_hand([value], *command))
            right[way] = hand
            if by_run != hand:
                wrong.append((way, by_run, hand))
        tap.ok(not wrong, f"{name}: the same as behind a filter that was written by hand", wrong,
               right)
    refused = held([profile("notify", {"names": ["getppid"], "action": "SCMP_ACT_NOTIFY"})],
                   workload.program("answered"), "call")
    tap.ok(refused.returncode == 125 and b"needs a supervisor" in refused.stderr and not refused.stdout,
           "NOTIFY: refused where nobody answers", refused)


def test_precedence():
    """Two profiles, every pair of actions in both orders, as two filters loaded one by one."""
    names = [name for name in ACTIONS if name not in ("KILL", "ERRNO 0", "ERRNO 4095", "TRACE 40000")]
    wrong = []
    for first, last in itertools.product(names, names):
        for way in ("call", "traced"):
            command = [workload.program("answered"), way]
            by_run = seen(held([for_getppid(first), for_getppid(last)], *command))
            hand = seen(by_hand([ACTIONS[first][1], ACTIONS[last][1]], *command))
            if by_run != hand:
                wrong.append((first, last, way, by_run, hand))
    tap.ok(not wrong, f"{len(names) ** 2} pairs of actions: what two filters by hand come to",
           *wrong[:5])
    messages = [seen(held(map(for_getppid, pair), workload.program("answered"), "call"))[0]
                for pair in (("ERRNO", "ERRNO 95"), ("ERRNO 95", "ERRNO"))]
    tap.equal(messages, ["errno 95\n", "errno 1\n"], "of two errnos the last profile's counts")


def test_stacks():
    """Several profiles: one filter, nothing in the profiles for loading the next one."""
    bare = [profile(f"bare{i}", {"names": ["execve", "exit_group"], "action": "SCMP_ACT_ALLOW"},
                    default=default)
            for i, default in enumerate(["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_ERRNO"])]
    for stack in (bare, bare[::-1], bare * 8):
        done = held(stack, workload.program("exit_only"))
        tap.equal(done.returncode, 7, f"{len(stack)} profiles of execve and exit_group: no call is "
                  "needed to load a second filter", done.stderr)
    allow = profile("allow")
    status = held([allow, for_getppid("ERRNO"), allow], "grep", "-E", "^Seccomp", "/proc/self/status")
    tap.equal(status.stdout.split(), [b"Seccomp:", b"2", b"Seccomp_filters:", b"1"],
              "three profiles: one filter is loaded")
    done = held([bare[0]] * 17, "true")
    tap.ok(done.returncode == 2 and b"more than 16 profiles" in done.stderr, "a seventeenth: misuse",
           done)
    done = held(["-", "-"], "true")
    tap.ok(done.returncode == 2 and b"standard input (-) can be read once only" in done.stderr,
           "standard input twice: misuse", done)
    done = held([allow, profile("other", architectures=["SCMP_ARCH_S390X"])], "true")
    tap.ok(done.returncode == 125 and b"other.json: $.architectures" in done.stderr,
           "one that does not list this machine: refused, by its name", done)
    done = held([allow, profile("no-exec", {"names": ["execve"], "action": "SCMP_ACT_ERRNO"})], "true")
    tap.ok(done.returncode == 125 and b"no-exec.json: execve is not allowed" in done.stderr,
           "one that does not allow execve: refused, by its name", done)


def random_rules(rng):
    """Rules about a few calls, with and without arguments."""
    names = ["dup", "dup2", "dup3", "close", "fcntl", "ioctl", "lseek", "getppid", "kill"]
    errno = rng.choice([1, 38, 95])
    says = [{"action": "SCMP_ACT_ALLOW"}, {"action": "SCMP_ACT_ERRNO", "errnoRet": errno},
            {"action": "SCMP_ACT_LOG"}, {"action": "SCMP_ACT_TRAP"}]
    rules = []
    for name in rng.sample(names, 6):
        rule = {"names": [name], **rng.choice(says)}
        if rng.random() < 0.6:
            op = rng.choice(["EQ", "NE", "LT", "GE", "MASKED_EQ"])
            rule["args"] = [{"index": rng.randrange(2), "op": f"SCMP_CMP_{op}",
                             "value": rng.choice([1, 3, 8, 0xFFFFFFFF]),
                             **({"valueTwo": rng.choice([1, 3])} if op == "MASKED_EQ" else {})}]
        rules.append(rule)
    return rules


def strictest(answers):
    """seccomp(2): what several filters come to; the last one is the newest."""
    order = ["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
             "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW"]
    return min(reversed(answers),
               key=lambda says: order.index(says if isinstance(says, str) else says[0]))


def printed(stack, *options):
    """`run --print-profile` of a stack."""
    return workload.sysclamp("run", *[word for path in stack for word in ("-p", path)], *options,
                             "--print-profile")


def test_printed():
    """The effective profile is a profile: read again it is equal, and means what it should."""
    rng = random.Random(8)
    wrong, shown, refused = [], 0, 0
    for i in range(25):
        stack = [profile(f"random{i}-{n}", *random_rules(rng), default="SCMP_ACT_ERRNO",
                         defaultErrnoRet=rng.choice([1, 38]), architectures=[NATIVE])
                 for n in range(rng.choice([1, 2, 3]))]
        done = printed(stack)
        if b"within the budget; split or simplify the conditions of dup" in done.stderr:
            refused += 1
            continue
        if done.returncode:
            wrong.append((i, done.stderr))
            continue
        path = put("printed.json", done.stdout)
        program = put("printed.bpf", workload.sysclamp("convert", "--format", "bpf", path).stdout)
        proof = workload.sysclamp("run", *[word for one in stack for word in ("-p", one)], "--bpf",
                                  program, "--print-profile")
        if proof.returncode or proof.stdout != done.stdout:
            wrong.append((i, proof))
        parts = [meaning.Profile(json.load(open(one, encoding="utf-8"))) for one in stack]
        whole = meaning.Profile(json.loads(done.stdout))
        for name, args in itertools.product(
                ["dup", "fcntl", "ioctl", "kill", "read"],
                itertools.product([0, 1, 2, 3, 8, 9, 0xFFFFFFFF, 1 << 32, 1 << 63], repeat=2)):
            call = [*args, 0, 0, 0, 0]
            want = strictest([part.of(name, call) for part in parts])
            shown += 1
            if whole.of(name, call) != want:
                wrong.append((i, name, args, whole.of(name, call), want))
    tap.ok(not wrong and refused < 3, f"{25 - refused} stacks printed: equal to their filters by proof, "
           f"and by reading the text ({shown} calls); the rest is refused by the name of the call",
           *wrong[:5])
    one = profile("one", {"names": ["dup", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
                  default="SCMP_ACT_ERRNO", architectures=[NATIVE])
    done = workload.sysclamp("run", "-p", one, "--print-profile", "--", "touch",
                             os.path.join(SCRATCH, "started"))
    tap.ok(done.returncode == 0 and json.loads(done.stdout)["syscalls"] ==
           [{"names": ["dup"], "action": "SCMP_ACT_ALLOW"}] and
           not os.path.exists(os.path.join(SCRATCH, "started")),
           "one profile alone: what it comes to here; nothing is run", done)
    done = workload.sysclamp("run", "--print-profile")
    tap.ok(done.returncode == 2 and b"no profile given" in done.stderr, "without a profile: misuse", done)


def gate(nr, flags, errno):
    """A profile under which seccomp(SET_MODE_FILTER) with just these flags fails."""
    return profile("gate", {"names": ["seccomp"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno,
                            "args": [{"index": 0, "value": nr, "op": "SCMP_CMP_EQ"},
                                     {"index": 1, "value": flags, "op": "SCMP_CMP_EQ"}]})


def loads_with(flags, *stack):
    """Whether `run` loads its filter with exactly these flags: a gate denies just that."""
    done = held([gate(1, flags, 99)], workload.SYSCLAMP, "run",
                *[word for path in stack for word in ("-p", path)], "--", "true")
    return done.returncode == 125 and b"Cannot assign requested address" in done.stderr


def flagged(name, *flags):
    """A profile with flags."""
    return profile(name, flags=[FLAG + flag for flag in flags])


def test_flags():
    """What a profile asks for is what the kernel gets."""
    for name, bit in FLAGS.items():
        path = flagged(f"flag-{name}", name)
        by_run, hand = held([path], "true"), by_hand([0x7FFF0000], "/bin/true", flags=bit)
        tap.equal((by_run.returncode, hand.returncode), (0, 0), f"{name}: loaded, as by hand",
                  by_run.stderr, hand.stderr)
        tap.ok(loads_with(bit, path), f"{name}: and with that flag")
    tap.ok(loads_with(0, profile("allow")), "no flags: none")
    path = flagged("killable", "WAIT_KILLABLE_RECV")
    done, hand = held([path], "true"), by_hand([0x7FFF0000], "/bin/true", flags=1 << 5)
    tap.ok(hand.returncode == 2 and b"Invalid argument" in hand.stderr,
           "WAIT_KILLABLE_RECV: refused by the kernel where there is no listener", hand)
    tap.ok(done.returncode == 0 and b"WAIT_KILLABLE_RECV is left out" in done.stderr,
           "so it is left out, and that is said", done)
    tap.ok(loads_with(0, path), "and nothing else is put in its place")


def test_flags_together():
    """Flags of several profiles: of all, but SPEC_ALLOW, which each has to allow."""
    log, tsync, spec = (flagged(name.lower(), name) for name in ("LOG", "TSYNC", "SPEC_ALLOW"))
    both = flagged("both", "SPEC_ALLOW", "LOG")
    tap.ok(loads_with(3, log, tsync) and loads_with(3, tsync, log, profile("allow")),
           "LOG and TSYNC: both")
    tap.ok(loads_with(2, spec, log), "SPEC_ALLOW of one profile alone: not for both")
    tap.ok(loads_with(6, both, both) and loads_with(4, spec, both) is False,
           "SPEC_ALLOW of all: for all")
    done = printed([log, tsync, spec])
    tap.equal(json.loads(done.stdout or b"{}").get("flags"), [FLAG + "TSYNC", FLAG + "LOG"],
              "the profile that is printed has them", done.stderr)
    one, other = (profile(name, listenerPath=f"/{name}", listenerMetadata=name) for name in ("one", "other"))
    done = printed([one, log, one])
    tap.equal([json.loads(done.stdout or b"{}").get(f"listener{key}") for key in ("Path", "Metadata")],
              ["/one", "one"], "and the listener that one of them names", done.stderr)
    done = printed([one, other])
    tap.ok(done.returncode == 125 and b"differ in listenerPath" in done.stderr,
           "two listeners: refused", done)


def test_old_kernels():
    """A kernel that lacks a flag says EINVAL; so does a filter that is put in its place."""
    for name, bit in FLAGS.items():
        done = held([gate(1, bit, 22)], workload.SYSCLAMP, "run", "-p", flagged("old", name), "--", "true")
        words = [FLAG + name, f"came with Linux {SINCE[name]}:", os.uname().release, "old.json: $.flags:"]
        tap.ok(done.returncode == 125 and all(word.encode() in done.stderr for word in words),
               f"{name} is missing: named, with the version that brought it", done)
    done = held([gate(1, 0x28, 22)], workload.SYSCLAMP, "run", "-p",
                flagged("old", "WAIT_KILLABLE_RECV"), "--", "true")
    tap.ok(done.returncode == 125 and b"came with Linux 5.19:" in done.stderr,
           "WAIT_KILLABLE_RECV is missing: the same", done)
    doctor = held([gate(1, 4, 22)], workload.SYSCLAMP, "doctor", "--format", "json")
    lacks = [check for check in json.loads(doctor.stdout)["checks"] if check["name"] == "flags"]
    tap.ok(lacks and "SPEC_ALLOW" not in lacks[0]["value"] and "SPEC_ALLOW (Linux 4.17)" in
           lacks[0].get("mend", ""), "doctor: the same flag is missing", lacks)
    refuses = profile("no-actions", {"names": ["seccomp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95,
                                     "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]})
    for name in ("LOG", "TRACE"):
        done = held([refuses], workload.SYSCLAMP, "run", "-p", for_getppid(name), "--", "true")
        tap.ok(done.returncode == 125 and f"has no SCMP_ACT_{name}, which came".encode() in done.stderr,
               f"an action that the kernel lacks: {name}", done)


def program(*insns):
    """struct sock_filter[]"""
    return b"".join(struct.pack("=HBBI", *insn) for insn in insns)


RET, LOAD, JUMP_EQUAL = 0x06, 0x20, 0x15  # BPF_RET | BPF_K, BPF_LD | BPF_W | BPF_ABS, ...
ALLOW, NOTIFY, TRACE = 0x7FFF0000, 0x7FC00000, 0x7FF00000
BAD_PROGRAMS = [
    ("7 bytes", program((RET, 0, 0, ALLOW))[:7], b"7 bytes are no program"),
    ("no bytes", b"", b"empty file"),
    ("4097 instructions", program((RET, 0, 0, ALLOW)) * 4097, b"larger than the limit"),
    ("an unknown instruction", program((0xFF, 0, 0, 0), (RET, 0, 0, ALLOW)), b"instruction 0"),
    ("a jump out of it", program((JUMP_EQUAL, 5, 0, 0), (RET, 0, 0, ALLOW)), b"the jump leads out"),
    ("no return at the end", program((LOAD, 0, 0, 0)), b"the last instruction is no return"),
    ("a load outside", program((LOAD, 0, 0, 64), (RET, 0, 0, ALLOW)), b"outside of seccomp_data"),
    ("one that kills execve", program((RET, 0, 0, 0x80000000)),
     b"answers the execve that starts the command with SCMP_ACT_KILL_PROCESS"),
    ("one that notifies", program((RET, 0, 0, NOTIFY)), b"instruction 0 returns SCMP_ACT_NOTIFY"),
]


def bpf(path, *options):
    """`run --bpf` of a program that shows that it was started."""
    return workload.sysclamp("run", "--bpf", path, *options, "--", "echo", "started")


def test_programs():
    """Programs from files: held against the profile, or loaded as they are, if that is wanted."""
    path = for_getppid("ERRNO 95")
    raw = workload.sysclamp("convert", "--format", "bpf", path).stdout
    good = put("good.bpf", raw)
    done = workload.sysclamp("run", "-p", path, "--bpf", good, "--", workload.program("answered"), "call")
    tap.equal(seen(done), ("errno 95\n", 0), "a program that says what the profile says", done.stderr)
    done = bpf(good, "-p", for_getppid("ERRNO"))
    tap.ok(done.returncode == 125 and b"getppid(0" in done.stderr and not done.stdout and
           b"the program answers SCMP_ACT_ERRNO (EOPNOTSUPP), the rules say SCMP_ACT_ERRNO (EPERM)"
           in done.stderr, "one that does not: refused, with a call", done)
    done = bpf(good, "-p", path, "-p", for_getppid("KILL"))
    tap.ok(done.returncode == 125 and b"what the profiles say together" in done.stderr and
           not done.stdout, "nor what two profiles say together: refused", done)
    done = bpf(good)
    tap.ok(done.returncode == 2 and b"say --unproven" in done.stderr and not done.stdout,
           "without a profile: refused", done)
    done = workload.sysclamp("run", "--bpf", good, "--unproven", "--", workload.program("answered"), "call")
    tap.equal(seen(done), ("errno 95\n", 0), "without a profile, and --unproven", done.stderr)
    done = workload.sysclamp("run", "--bpf", "-", "--unproven", "--", workload.program("answered"),
                             "call", stdin=raw)
    tap.equal(seen(done), ("errno 95\n", 0), "from standard input", done.stderr)
    for words, text in ((["--unproven", "-p", path], b"is proven"), (["-p", path, "--bpf", good], b"given twice")):
        done = bpf(good, *words)
        tap.ok(done.returncode == 2 and text in done.stderr and not done.stdout,
               f"{' '.join(words[:1])} with more than it goes with: misuse", done)
    done = bpf("-", "-p", "-")
    tap.ok(done.returncode == 2 and b"once only" in done.stderr and not done.stdout,
           "standard input for two: misuse", done)
    done = workload.sysclamp("run", "-p", path, "--unproven", "--", "true")
    tap.ok(done.returncode == 2 and b"--unproven is about a program" in done.stderr,
           "--unproven without a program: misuse", done)


def test_bad_programs():
    """What no kernel would load, or behind what nothing starts, with and without a profile."""
    for name, content, text in BAD_PROGRAMS:
        path = put("bad.bpf", content)
        done = bpf(path, "--unproven")
        tap.ok(done.returncode == 125 and text in done.stderr and not done.stdout and
               done.stderr.count(b"\n") == 1, f"{name}: refused in one line", done)
        done = bpf(path, "-p", profile("allow"))
        tap.ok(done.returncode == 125 and not done.stdout, f"{name}: with a profile too", done)
    done = bpf(put("trace.bpf", program((LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 1, 600), (RET, 0, 0, TRACE),
                                        (RET, 0, 0, ALLOW))), "--unproven")
    tap.ok(done.returncode == 0 and b"ENOSYS" in done.stderr, "one that traces: said", done)
    done = bpf(os.path.join(SCRATCH, "none.bpf"), "--unproven")
    tap.ok(done.returncode == 125 and b"none.bpf: No such file" in done.stderr, "no such file", done)


def test_audit():
    """audit.json stops nothing: 64-bit, 32-bit and x32 calls, known to anybody or not."""
    path = os.path.join(STARTERS, "audit.json")
    numbers = [39, 102, 600] + ([0x40000000 | nr for nr in (39, 102, 520, 600)] if X86_64 else [])
    commands = [[workload.program("call_with"), str(nr)] for nr in numbers]
    if X86_64 and workload.has_i386():
        commands += [[workload.program("call_with"), "int80", "20"], [workload.program("make_calls_i386")],
                     [workload.program("int80")]]
    commands += [["sh", "-c", "ls / | wc -l"], ["true"]]
    wrong = []
    for command in commands:
        free, audited = seen(workload.run(command)), seen(held([path], *command))
        if free != audited:
            wrong.append((command, free, audited))
    tap.ok(not wrong, f"audit.json: {len(commands)} programs do as without it", *wrong)
    one_abi = profile("one-abi", default="SCMP_ACT_LOG", architectures=[NATIVE])
    done = held([one_abi], workload.program("call_with"), str(0x40000000 | 39))
    if X86_64:
        tap.equal(done.returncode, 128 + SIGSYS, "which takes its sub-architectures: without them "
                  "an x32 call is killed")


def test_strict_filter():
    """strict-filter.json: an exact set, and an end that flushes what was printed."""
    path = os.path.join(STARTERS, "strict-filter.json")
    raw = put("strict.bpf", workload.sysclamp("convert", "--format", "bpf", path).stdout)
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    tap.equal(content, {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
        {"names": ["exit", "exit_group", "read", "rt_sigreturn", "write"], "action": "SCMP_ACT_ALLOW"}]},
              "strict-filter.json: strict mode's four calls and exit_group; ENOSYS for others")
    done = workload.run([workload.program("by_hand"), "-b", raw, "one", "two"])
    tap.equal((done.returncode, done.stdout), (7, b"one\ntwo\n"),
              "a program that prints by stdio to a pipe and returns from main: all there, and its "
              "own status", done.stderr)
    done = held([path], "true")
    tap.ok(done.returncode == 125 and b"execve is not allowed" in done.stderr,
           "it does not start a command, and says so", done)


def main():
    """All of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    test_actions()
    test_precedence()
    test_stacks()
    test_printed()
    test_flags()
    test_flags_together()
    test_old_kernels()
    test_programs()
    test_bad_programs()
    test_audit()
    test_strict_filter()
    tap.done()


if __name__ == "__main__":
    main()
