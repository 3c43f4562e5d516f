#!/usr/bin/python3
"""Which back end is taken with which privileges, and what is said about it.

"auto" takes the best that works and says why when that is not the best; --backend ebpf fails with
what lacks and how to get it.  Whatever is taken records the same.
"""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
GETPPID = ("x86_64", 110)
HOW = "setpriv --inh-caps +bpf,+perfmon --ambient-caps +bpf,+perfmon"


def user(*capabilities, uid=65534):
    """The command that gives up root for an ordinary user with some capabilities."""
    caps = ",".join(["-all", *[f"+{name}" for name in capabilities]])
    return ["setpriv", f"--reuid={uid}", "--regid=65534", "--clear-groups", f"--inh-caps={caps}",
            f"--ambient-caps={caps}", "--"]


def without(*capabilities):
    """The command that takes some capabilities away from root, for good."""
    caps = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}", "--"]


NO_BTF = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"]
# Who; the command in front; what lacks, in the words of the message: "" for nothing.
ROWS = [
    ("root", [], ""),
    ("a user with CAP_BPF and CAP_PERFMON", user("bpf", "perfmon"), ""),
    ("a user with CAP_SYS_ADMIN", user("sys_admin"), ""),
    ("an ordinary user", user(), "needs CAP_BPF and CAP_PERFMON: "),
    ("a user with CAP_BPF", user("bpf"), "needs CAP_PERFMON: "),
    ("a user with CAP_PERFMON", user("perfmon"), "needs CAP_BPF: "),
    ("root without them", without("bpf", "perfmon", "sys_admin"), "needs CAP_BPF and CAP_PERFMON: "),
    # One of whom nobody else runs processes.
    ("a user with room for three processes",
     [*user("bpf", "perfmon", uid=1_000_000 + os.getpid()), "prlimit", "--nproc=3"], ""),
    ("root without room for files", ["prlimit", "--nofile=16"], "raise ulimit -n"),
    # A sanitizer has no room for its shadow either.
    *([] if os.environ.get("SANITIZE") else
      [("root without room for the types", ["prlimit", "--as=10000000"], "raise ulimit -v")]),
    ("root of a user namespace", ["unshare", "--user", "--map-root-user"],
     "in a user namespace capabilities do not count"),
    ("root without the types of the kernel", NO_BTF, ebpf.BTF),
]


def record(name, prefix, *options):
    """Record a program of known counts: the result and the recording."""
    path = os.path.join(SCRATCH, "out", "rec.json")
    if os.path.exists(path):
        os.unlink(path)
    result, seen = workload.record([workload.program("calls_static")], path, options, prefix)
    if result.returncode != 125:
        tap.equal((result.returncode, result.stdout, seen.complete, seen.calls.get(GETPPID)),
                  (0, b"called\n", True, 1000), f"{name}: {' '.join(options)}: exact", result)
    return result, seen


def check_auto(name, prefix, lack):
    """What is taken without being told, and whether it is said why."""
    result, seen = record(name, prefix)
    want = "ptrace" if lack else "ebpf"
    tap.equal(seen.json.get("recorder", {}).get("backend"), want, f"{name}: {want} is taken", result)
    said = [line for line in result.stderr.decode().split("\n") if "recording with" in line]
    if lack:
        tap.ok(len(said) == 1 and "recording with ptrace (ebpf: " in said[0] and lack in said[0],
               f"{name}: says once what lacks", result.stderr)
    else:
        tap.equal(said, ["sysclamp record: recording with ebpf"],
                  f"{name}: nothing lacks, it says what it takes")


def check_named(name, prefix, lack):
    """--backend ebpf: that or nothing.  --backend ptrace always."""
    result, seen = record(name, prefix, "-q", "--backend", "ebpf")
    lines = result.stderr.decode().split("\n")[:-1]
    if not lack:
        tap.equal((seen.json["recorder"]["backend"], lines), ("ebpf", []),
                  f"{name}: --backend ebpf", result)
    else:
        tap.ok(result.returncode == 125 and not result.stdout and not seen.calls
               and len(lines) == 1 and lack in lines[0],
               f"{name}: --backend ebpf fails in one line and starts nothing", result)
        tap.ok("CAP_" not in lack or HOW in lines[0], f"{name}: says how to get it", lines)
    result, seen = record(name, prefix, "-q", "--backend", "ptrace")
    tap.equal((seen.json["recorder"]["backend"], result.stderr), ("ptrace", b""),
              f"{name}: --backend ptrace", result)


def check_setuid():
    """A set-user-ID program under the recorder of an ordinary user: eBPF is no hindrance to it."""
    program = shutil.copy(shutil.which("id"), os.path.join(SCRATCH, "setuid-id"))
    os.chmod(program, 0o4755)
    path = os.path.join(SCRATCH, "out", "setuid.rec.json")
    for backend, want in (("ebpf", b"0\n"), ("ptrace", b"65534\n")):
        result, seen = workload.record([program, "-u"], path, ("-q", "--backend", backend),
                                       user("bpf", "perfmon"))
        tap.equal((result.returncode, result.stdout, seen.complete), (0, want, True),
                  f"{backend}: the effective user of a set-user-ID program", result)
        os.unlink(path)


def main():
    """All rows."""
    ebpf.need("privileges")
    workload.share(SCRATCH)
    os.mkdir(os.path.join(SCRATCH, "out"))
    os.chmod(os.path.join(SCRATCH, "out"), 0o1777)
    kernel = ebpf.Kernel()
    for name, prefix, lack in ROWS:
        check_auto(name, prefix, lack)
        check_named(name, prefix, lack)
    check_setuid()
    kernel.check("privileges")
    tap.done()


if __name__ == "__main__":
    main()
