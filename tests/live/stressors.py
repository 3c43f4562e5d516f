#!/usr/bin/python3
"""Workloads that call what nobody calls: stress-ng beside the oracle, in throw-away namespaces.

Numbers that no kernel knows, bad addresses, random arguments: the recorder does not crash, loses
nothing, counts what the oracle counts, and gives no number a name that it does not have.
"""
import glob
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.DEADLINE_S = 600  # thousands of processes, on a machine that may have other work
STRESS_NG = shutil.which("stress-ng", path=workload.ENVIRON["PATH"])
SECONDS = 20 if os.environ.get("STRESS") == "full" else 2
SECONDS_ENOSYS = 3 * SECONDS  # it tries numbers in order first, then at random
# Namespaces besides those of the oracle (pid, mount), and places for files that go with them.
APART = ["unshare", "--mount", "--uts", "--ipc", "--net", "sh", "-c",
         'for place in /dev/shm /var/tmp; do mount -t tmpfs none $place || exit; done; exec "$@"',
         "sh"]
# Calls that enter through a page of the kernel (vsyscall), which the oracle does not watch.
VSYSCALLS = {("x86_64", nr) for nr in (96, 201, 309)}


class Row:
    """Stressors that run together; as an ordinary user unless they need root."""

    def __init__(self, *names, root=False, filters=False):
        self.names = names
        self.root = root
        self.filters = filters  # what a filter denies never enters

    def argv(self, place):
        """The command."""
        seconds = SECONDS_ENOSYS if "enosys" in self.names else SECONDS
        command = [STRESS_NG, "--temp-path", place, "--timeout", f"{seconds}s", "--no-rand-seed"]
        for name in self.names:
            command += [f"--{name}", "1"]
        return command if self.root else workload.as_user(command)


ROWS = [
    Row("syscall"),
    Row("enosys"),
    Row("sysbadaddr"),
    Row("usersyscall"),
    Row("x86syscall"),
    Row("seccomp", root=True, filters=True),
    Row("vdso", "getdent", "futex", "sigq", "timerfd", "sem-sysv", "membarrier", "rseq"),
    Row("clone", "fork", "vfork", "exec", "wait", "zombie", "kill", "pidfd", "session"),
    Row("sigsegv", "bad-altstack", "sigtrap", "signest", "sigsuspend", "mremap", "splice"),
]


HEADERS = {"x86_64": "unistd_64.h", "i386": "unistd_32.h"}


def header_names(abi):
    """The names of numbers, from the headers of the C library's package."""
    names = {}
    for path in glob.glob(f"/usr/include/*/asm/{HEADERS.get(abi)}"):
        with open(path, encoding="ascii") as file:
            names.update({int(m[2]): m[1] for m in re.finditer(r"__NR_(\w+) (\d+)", file.read())})
    return names


def kernel_names():
    """The names of the calls that this kernel has code for."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        return set(re.findall(r" __x64_sys_(\w+)", file.read()))


def invented(seen):
    """Names that neither the headers nor the kernel know by that number, printable."""
    headers, kernel = {abi: header_names(abi) for abi, _ in seen.names}, kernel_names()
    wrong = []
    for (abi, nr), name in seen.names.items():
        known = headers[abi][nr] == name if nr in headers[abi] else name in kernel
        if abi not in HEADERS or not known:
            wrong.append(f"{abi} {nr} is called {name}")
    return wrong


def check(row):
    """One run."""
    label = " ".join(f"--{name}" for name in row.names)
    place = os.path.join(SCRATCH, "files")
    os.mkdir(place)
    os.chmod(place, 0o777)
    out = os.path.join(SCRATCH, "rec.json")
    result, seen, oracle = ebpf.record_watched(row.argv(place), out, "ebpf", prefix=APART)
    shutil.rmtree(place)
    if b"No stress workers invoked" in result.stdout + result.stderr:
        tap.skip("stressors", label, "these stressors do not run on this machine")
        return
    tap.equal((result.returncode, oracle.lost), (0, 0), f"{label}: ends with 0", result)
    tap.ok(seen.complete and not any(seen.json["loss"].values()), f"{label}: complete, nothing lost",
           seen.json["loss"])
    entered = {key: count - seen.denied.get(key, 0) for key, count in seen.calls.items()}
    wrong = ebpf.differences({key: n for key, n in entered.items() if n}, oracle.calls, VSYSCALLS)
    odd = sum(nr >= 1024 for _, nr in seen.calls)
    tap.ok(not wrong, f"{label}: {sum(seen.calls.values())} calls of {len(seen.calls)} numbers,"
           f" {odd} of them odd, are what the oracle counted", *wrong)
    tap.equal(bool(seen.denied), row.filters, f"{label}: denied where there is a filter", seen.denied)
    wrong = invented(seen)
    tap.ok(not wrong, f"{label}: no name is invented", *wrong)


def main():
    """All rows."""
    ebpf.need("stressors")
    if not STRESS_NG:
        tap.skip("bpf", "stressors", "no stress-ng")
        tap.done()
    kernel = ebpf.Kernel()
    for row in ROWS:
        check(row)
    kernel.check("stressors")
    tap.done()


if __name__ == "__main__":
    main()
