#!/usr/bin/python3
"""Arguments of calls: values, tuples and "many", as known programs make them, with both back ends."""
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import args_table  # noqa: E402
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
BACKENDS = ["ptrace"] if ebpf.lack() else ["ptrace", "ebpf"]
ABI = "x86_64"
NUMBERS = {name: number for number, name in workload.header_names(64)}
ROWS = {call: rows for call, rows in args_table.by_call().items() if call in NUMBERS}
REGISTERS = 6
# Above the lower half: what the kernel does not look at where its own type has 32 bits.
ABOVE = 0xdeadbeef << 32
# Nothing that any call knows, so none does what it is for; two of each, of which the second differs in all.
UNKNOWN = [0x7ffffff1, 0x7ffffff2]
# CLONE_SIGHAND without CLONE_VM: a part of what is unknown to clone would have it start a process untraced.
KNOWN_TO_FAIL = {"clone": [0x800, 0x10800]}
NO_FD = 0xffffffff
SOCKET, DUP3, NO_FAMILY = NUMBERS["socket"], NUMBERS["dup3"], 1000
FLAG = 0x7f000000  # that dup3 does not know
BOUND = args_table.SETS_MAX


def registers(rows, values):
    """The registers of a call: values where rows are, zeros elsewhere."""
    each = [0] * REGISTERS
    for row, value in zip(rows, values):
        each[row.index] = value
    return tuple(each)


def lines(calls):
    """What make_calls reads: of [(number, registers)]."""
    return "".join(f"{number:x} {' '.join(f'{value:x}' for value in each)}\n"
                   for number, each in calls).encode()


def file_of(calls):
    """The same, in a file: its path."""
    path = os.path.join(SCRATCH, f"calls-{len(os.listdir(SCRATCH))}")
    with open(path, "wb") as file:
        file.write(lines(calls))
    return path


def isolated():
    """What comes before a recorder for a workload that may make objects of System V."""
    return ["unshare", "-i"] if os.geteuid() == 0 else ["unshare", "-r", "-i"]


def record(backend, argv, stdin=b""):
    """A recording of a command."""
    path = os.path.join(SCRATCH, "rec.json")
    for _ in range(ebpf.TRIES):
        result, seen = workload.record(argv, path, ("-q", "--backend", backend), isolated(), stdin=stdin,
                                       env=ebpf.NO_LEAK_CHECK)
        if not ebpf.is_late(seen):
            break
    if result.returncode or not seen.complete:
        raise ChildProcessError(f"{backend}: {result.returncode} {result.stderr} {seen.json['loss']}")
    return seen


def sets(seen):
    """What a recording has of arguments, by call."""
    return {seen.names[key]: value for key, value in seen.args.items() if key[0] == ABI}


def record_calls(backend, calls):
    """The same of make_calls, which makes some calls of its own."""
    return sets(record(backend, [workload.program("make_calls")], lines(calls)))


def differing(got, want):
    """Where two tables differ, printable."""
    return [f"{call}: {got.get(call)}, not {want[call]}" for call in want if got.get(call) != want[call]]


def check_rows(backend):
    """Each row of the table: two tuples, of which the kernel sees what is within its width."""
    made = {}
    for call, rows in ROWS.items():
        values = [value | ABOVE for value in KNOWN_TO_FAIL.get(call, UNKNOWN)]
        made[call] = [registers(rows, [value] * len(rows)) for value in values]
    own = record_calls(backend, [])
    want = {call: args_table.union(own.get(call), args_table.of_registers(ROWS[call], made[call]))
            for call in made}
    got = record_calls(backend, [(NUMBERS[call], each) for call in made for each in made[call]])
    tap.equal(differing(got, want), [], f"{backend}: {len(want)} calls of the table, with the kernel's widths")
    others = set(got) - set(ROWS)
    tap.equal([call for call in others if got[call]], [], f"{backend}: of {len(others)} others nothing is recorded")


# What is made, [(number, registers)], and what is recorded of that call.
BOUNDS = [
    ("as many values as are kept", "dup3", [(DUP3, (0, 0, FLAG + n, 0, 0, 0)) for n in range(BOUND)]),
    ("one value more", "dup3", [(DUP3, (0, 0, FLAG + n, 0, 0, 0)) for n in range(BOUND + 1)]),
    ("few values, above which there is this and that", "dup3",
     [(DUP3, (0, 0, FLAG + n // 40 | n << 32, 0, 0, 0)) for n in range(160)]),
    ("as many tuples as are kept", "socket",
     [(SOCKET, (NO_FAMILY + n, n % 3, n % 2, 0, 0, 0)) for n in range(BOUND)]),
    ("many tuples of few values", "socket",
     [(SOCKET, (NO_FAMILY + n % 6, n // 6, 0, 0, 0, 0)) for n in range(42)]),
    ("one argument with many values, and two without", "socket",
     [(SOCKET, (NO_FAMILY + n, n % 3, 7, 0, 0, 0)) for n in range(100)]),
    ("a new value when there are many tuples", "socket",
     [(SOCKET, (NO_FAMILY + n, 1, 0, 0, 0, 0)) for n in range(100)] + [(SOCKET, (NO_FAMILY, 9, 8, 0, 0, 0))]),
    # The kernel's part remembers a call by the lowest bits of a sum of its arguments.
    ("tuples that go by one sum, each differing from the one before in one argument", "socket",
     [(SOCKET, (NO_FAMILY + 32 * (n & 1), 32 * (n >> 1 & 1), 32 * (n >> 2), 0, 0, 0))
      for n in (0, 1, 3, 2, 6, 7, 5, 4)]),
    ("the last of six arguments", "splice",
     [(NUMBERS["splice"], (NO_FD, 0, NO_FD, 0, 0, 32 * (n % 2))) for n in range(4)]),
    ("the same again and again", "socket", [(SOCKET, (NO_FAMILY + n % 2, 1, 0, 0, 0, 0)) for n in range(500)]),
]


def check_bounds(backend):
    """What is over a bound is "many", and what is not is whole."""
    for name, call, calls in BOUNDS:
        want = {call: args_table.of_registers(ROWS[call], [each for _, each in calls])}
        tap.equal(differing(record_calls(backend, calls), want), [], f"{backend}: {name}")


def check_several(backend):
    """Processes side by side."""
    made = [[(SOCKET, (NO_FAMILY + n, process, 0, 0, 0, 0)) for n in range(7)] * 30 for process in range(4)]
    files = [file_of(calls) for calls in made]
    script = "".join(f"{workload.program('make_calls')} <{path} & " for path in files)
    seen = record(backend, ["sh", "-c", f"{script} wait"])
    want = args_table.of_registers(ROWS["socket"], [each for calls in made for _, each in calls])
    tap.equal(sets(seen)["socket"], want, f"{backend}: four processes at a time")


def check_programs(backend):
    """Programs one after the other, on one CPU: what one has called does not hide the other's calls."""
    other = shutil.copy(workload.program("make_calls"), os.path.join(SCRATCH, f"other-{backend}"))
    path = file_of([(SOCKET, (NO_FAMILY, 1, 0, 0, 0, 0))])
    cpu = str(min(os.sched_getaffinity(0)))
    seen = record(backend, ["taskset", "-c", cpu, "sh", "-c",
                            f"{workload.program('make_calls')} <{path}; {other} <{path}"])
    tap.equal({os.path.basename(path) for path, *key in seen.where if key == [ABI, SOCKET]},
              {"make_calls", os.path.basename(other)}, f"{backend}: another program that makes the same call is noted")


def check_denied(backend):
    """A call that a filter refuses is a call with arguments."""
    profile = os.path.join(SCRATCH, "deny.json")
    with open(profile, "w", encoding="ascii") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": '
                   '"SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}]}]}')
    calls = [(SOCKET, (NO_FAMILY, kind | ABOVE, 0, 0, 0, 0)) for kind in (1, 5, 2)]
    # The filter looks at whole registers.
    calls.append((SOCKET, (NO_FAMILY, 5, 3, 0, 0, 0)))
    argv = [workload.SYSCLAMP, "run", "-p", profile, "--", workload.program("make_calls")]
    seen = record(backend, argv, lines(calls))
    tap.equal((seen.calls[ABI, SOCKET], seen.denied.get((ABI, SOCKET)), sets(seen)["socket"]),
              (4, 1, args_table.of_registers(ROWS["socket"], [each for _, each in calls])),
              f"{backend}: a refused call is recorded with its arguments")


def check_i386(backend):
    """32-bit programs: other numbers and registers, and no argument is wider than those."""
    program, numbers = workload.program("make_calls_i386"), {name: nr for nr, name in workload.header_names(32)}
    try:
        lacks = workload.run([program]).returncode
    except OSError as error:
        lacks = error
    if lacks:
        tap.skip("m32", f"{backend}: 32-bit programs", f"none here: {lacks}")
        return
    made = {call: [registers(ROWS[call], [value, value + 1, value + 2]) for value in UNKNOWN]
            for call in ("ioctl", "socket", "setsockopt", "dup3", "seccomp", "arch_prctl")}
    seen = record(backend, [program], lines([(numbers[call], each) for call in made for each in made[call]]))
    got = {seen.names[key]: value for key, value in seen.args.items() if key[0] == "i386"}
    want = {call: args_table.of_registers(ROWS[call], made[call]) for call in made}
    tap.equal(differing(got, want), [], f"{backend}: {len(want)} calls of a 32-bit program")
    bits = {arg["bits"] for call in seen.json["syscalls"] if call["abi"] == "i386" for arg in call["args"] if "bits" in arg}
    tap.equal(bits, {32}, f"{backend}: with the widths of its registers")


LIBC_PROGRAM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	int fds[2], number = 0, one = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return 1;
	(void)setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	(void)shutdown(fds[0], SHUT_WR);
	/* The request is negative as an int, which is what musl takes it for. */
	(void)ioctl(fds[0], 0x80045430, &number);
	(void)fcntl(fds[0], F_GETFL);
	(void)flock(fds[0], LOCK_UN);
	(void)lseek(fds[0], 0, SEEK_END);
	(void)fchownat(AT_FDCWD, "", -1, -1, AT_EMPTY_PATH);
	return 0;
}
"""
LIBC_CALLS = ["socketpair", "setsockopt", "shutdown", "ioctl", "fcntl", "flock", "lseek", "fchownat"]


def check_libc(backends):
    """One program with two C libraries."""
    if not shutil.which("musl-gcc"):
        tap.skip("musl", "glibc and musl: equal sets", "no musl-gcc")
        return
    source = os.path.join(SCRATCH, "libc.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(LIBC_PROGRAM)
    for compiler in "gcc", "musl-gcc":
        subprocess.run([compiler, "-o", os.path.join(SCRATCH, f"{compiler}.out"), source], check=True)
    for backend in backends:
        seen = [sets(record(backend, [os.path.join(SCRATCH, f"{compiler}.out")])) for compiler in ("gcc", "musl-gcc")]
        calls = [{call: each.get(call) for call in LIBC_CALLS} for each in seen]
        tap.equal(calls[0], calls[1], f"{backend}: glibc and musl: equal sets")
        tap.equal((calls[0]["ioctl"], calls[0]["lseek"]), ({1: {0x80045430}}, {2: {2}}),
                  f"{backend}: and they are what the program asks for")


def main():
    """All, with each back end."""
    if len(BACKENDS) < 2:
        tap.skip("bpf", "the same with the eBPF back end", ebpf.lack())
    for backend in BACKENDS:
        check_rows(backend)
        check_bounds(backend)
        check_several(backend)
        check_programs(backend)
        check_denied(backend)
        check_i386(backend)
    check_libc(BACKENDS)
    tap.done()


main()
