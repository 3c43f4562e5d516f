#!/usr/bin/python3
"""Where calls come from: program, phase, thread, time, arguments, functions; with both back ends."""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
BACKENDS = ["ptrace"] if ebpf.lack() else ["ptrace", "ebpf"]
LATE = b"stacks were read late"  # where no CPU was free for the reader
OWN = ["nested_inner", "nested_middle", "nested_outer"]

# Programs that call getppid from known functions: the innermost symbols, and where the first of its own is.
NESTED = [
    ("nested", ["getppid", *OWN, "main"], "nested"),
    ("nested_pointer", ["getppid", *OWN, "main"], "nested_pointer"),
    ("nested_static", ["getppid", *OWN, "main"], "nested_static"),
    ("nested_static_pie", ["getppid", *OWN, "main"], "nested_static_pie"),
    ("nested_stripped", ["getppid", "", "", "", ""], "nested_stripped"),
    ("nested_shared", ["getppid", *OWN, "library_call", "call_library", "main"], "nested_library"),
    ("nested_thread", ["getppid", *OWN, "begin"], "nested_thread"),
    ("nested_signal", ["getppid", *OWN, "handler"], "nested_signal"),
    ("nested_i386", ["__kernel_vsyscall", "getppid", *OWN, "main"], "nested_i386"),
]


# Where threads begin: programs (without a symbol if they have none), and the loader when it has done its work.
BEGINNINGS = {"", "_start", "_dl_start_user"}


class Origin:
    """An origin of a recording."""

    def __init__(self, json, origin):
        self.call = origin.get("name", origin["nr"])
        self.abi = origin["abi"]
        self.program, self.phase = json["programs"][origin["program"]], json["phases"][origin["phase"]]
        self.pid, self.tid, self.time_ns = origin["pid"], origin["tid"], origin["time_ns"]
        self.values = [int(value, 0) for value in origin["values"]]
        self.stack = [self._frame(frame) for frame in origin["stack"]]

    def _frame(self, text):
        """(name of the file, symbol) of "/path/to/file!symbol+0x12"."""
        module, _, rest = text.rpartition("!")
        return os.path.basename(module), rest.rpartition("+")[0]

    @property
    def key(self):
        """What there is one of."""
        return self.abi, self.call, self.program, self.phase


def record(backend, argv, *options, stdin=b""):
    """The recording and the origins of a command."""
    path = os.path.join(SCRATCH, "rec.json")
    for _ in range(ebpf.TRIES):
        result, seen = workload.record(argv, path, ("--backend", backend, *options), stdin=stdin,
                                       env=ebpf.NO_LEAK_CHECK)
        if not ebpf.is_late(seen) and LATE not in result.stderr:
            break
    return seen, [Origin(seen.json, origin) for origin in seen.json.get("origins", [])]


def runs(program):
    """Whether a program can be executed here."""
    try:
        return workload.run([program]).returncode == 0
    except OSError:
        return False


def check_nested(backend, name, symbols, module):
    """Functions that are nested, in a library, without symbols, in a thread, a signal handler."""
    program = workload.program(name)
    if name.endswith("_i386") and not runs(program):
        tap.skip("m32", f"{backend}: {name}", "no 32-bit programs here")
        return
    seen, origins = record(backend, [program], "--stacks")
    mine = [origin for origin in origins if origin.call == "getppid"]
    tap.equal([(each.program, each.phase, [symbol for _, symbol in each.stack[:len(symbols)]]) for each in mine],
              [(program, "start", symbols)], f"{backend}: {name}: the functions that lead to the call",
              *[each.stack for each in mine])
    first = symbols.index("getppid") + 1
    tap.equal([os.path.splitext(each.stack[first][0])[0].removeprefix("lib") for each in mine if each.stack],
              [module], f"{backend}: {name}: and the file that they are in")
    times = seen.json["workload"]
    tap.equal([(each.pid == each.tid, times["started_ns"] <= each.time_ns <= times["ended_ns"]) for each in mine],
              [(name != "nested_thread", True)], f"{backend}: {name}: its thread and time")


def noted(seen):
    """What should have an origin: each call in each of its programs; all in the phase `start` here."""
    names = seen.json["programs"]
    return {(call["abi"], call.get("name", call["nr"]), names[n], "start")
            for call in seen.json["syscalls"] for n in call["programs"]}


def check_all(backend):
    """Each call of each program has an origin, but for the execve that the recorder makes."""
    script = "ls / >/dev/null; cat /dev/null; exec true"
    for options in [(), ("--stacks",)]:
        seen, origins = record(backend, ["sh", "-c", script], *options)
        missing = noted(seen) - {each.key for each in origins}
        tap.equal({key[1] for key in missing}, {"execve"}, f"{backend}: {options}: all calls have an origin")
        tap.equal(len(origins), len({each.key for each in origins}), f"{backend}: {options}: each has one")
        tap.equal({bool(each.stack) for each in origins}, {bool(options)}, f"{backend}: {options}: stacks")
    ends = {each.stack[-1][1] for each in origins}
    tap.equal(ends - BEGINNINGS, set(), f"{backend}: stacks go down to where threads begin")
    return {(each.key, tuple(each.stack)) for each in origins}


def check_values(backend):
    """The registers, as they are."""
    values = [0xdeadbeef00000001, 2, 3, 4, 5, 0xffffffffffffffff]
    line = f"29 {' '.join(f'{value:x}' for value in values)}\n".encode()  # socket
    _, origins = record(backend, [workload.program("make_calls")], stdin=line * 3)
    tap.equal([each.values for each in origins if each.call == "socket"], [values],
              f"{backend}: arguments are as in the registers, whole")
    line = b"1869f 1 2 3 4 5 6\n"  # 99999
    _, origins = record(backend, [workload.program("make_calls")], stdin=line * 3)
    tap.equal([each.values for each in origins if each.call == 99999], [[1, 2, 3, 4, 5, 6]],
              f"{backend}: of a number without a name, too")


def check_denied(backend):
    """A call that a filter refuses comes from somewhere, too."""
    profile = os.path.join(SCRATCH, "deny.json")
    with open(profile, "w", encoding="ascii") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getppid"], "action": '
                   '"SCMP_ACT_ERRNO"}]}')
    program = workload.program("nested")
    seen, origins = record(backend, [workload.SYSCLAMP, "run", "-p", profile, "--", program], "--stacks")
    mine = [each for each in origins if each.call == "getppid"]
    tap.equal((seen.denied, [[symbol for _, symbol in each.stack[:4]] for each in mine]),
              ({("x86_64", 110): 1}, [["getppid", *OWN]]), f"{backend}: a refused call has an origin")


def check_phases(backend):
    """A call has an origin for each phase that it was made in."""
    server = ("import os, socket\n"
              "s = socket.socket(); os.getpgid(0); s.listen(); s.settimeout(0.01)\n"
              "try:\n s.accept()\nexcept TimeoutError:\n pass\n"
              "os.getpgid(0)\n")
    _, origins = record(backend, ["/usr/bin/python3", "-IS", "-c", server])
    tap.equal(sorted(each.phase for each in origins if each.call == "getpgid"), ["serve", "start"],
              f"{backend}: one for each phase")


def main():
    """All, with each back end."""
    if len(BACKENDS) < 2:
        tap.skip("bpf", "the same with the eBPF back end", ebpf.lack())
    all_seen = []
    for backend in BACKENDS:
        for row in NESTED:
            check_nested(backend, *row)
        all_seen.append(check_all(backend))
        check_values(backend)
        check_denied(backend)
        check_phases(backend)
    tap.equal(all_seen[0] ^ all_seen[-1], set(), "both back ends see the same functions")
    shutil.rmtree(SCRATCH, ignore_errors=True)
    tap.done()


main()
