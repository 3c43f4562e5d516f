#!/usr/bin/env python3
"""Measure what a container runtime itself calls between loading the seccomp filter and
execve of the container's program: the rows of profiles/runtime-base.tsv.

    scripts/measure-runtime-base.py [--root DIR] [--runs N] [--runtime NAME]... >rows.tsv
    scripts/measure-runtime-base.py --merge ROWS.tsv... >profiles/runtime-base.tsv
    scripts/measure-runtime-base.py --check [--root DIR] [--runs N] <profiles/runtime-base.tsv

The first form traces each case with strace -ff and takes the union of the calls of the thread
that loaded the filter; every other run is made beside busy loops, so that Go's scheduler and
its signals show up. The second form unites the rows of several versions. The third uses no
tracer: it runs every case under a profile that allows the rows and the one call of the contained
program, answers ENOSYS to the calls of LEFT_OUT, and kills the process for anything else.

Needs root, strace, gcc, mount, unshare and the runtimes; --root takes them from another Debian
root directory. Touches the host only inside a temporary directory and a mount namespace.
"""
import argparse
import collections
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time

NOP_C = """
void _start(void)
{
	__asm__ volatile("mov $231, %eax; xor %edi, %edi; syscall");
	__builtin_unreachable();
}
"""
PAUSE_C = """
void _start(void)
{
	for (;;)
		__asm__ volatile("mov $34, %%eax; syscall" ::: "rax", "rcx", "r11", "memory");
}
"""
PROGRAM_CALLS = ["exit_group", "pause"]
HEADER = """\
# What the container runtime itself calls after it has loaded the seccomp filter, execve of the
# container's program included: a profile for that runtime must allow these calls too.
# Measured by scripts/measure-runtime-base.py; how, and which calls are left out: README.md.
# runtime: runc or crun. nnp: whether noNewPrivileges is set. source: per version measured and
# verb, in how many of the traced runs the call was seen. Sorted by runtime, nnp, syscall.
# runtime\tnnp\tsyscall\tsource
"""
# runc >= 1.2.8 without no_new_privs tries these to get a private procfs and goes on without
# them when they are refused with an error. No engine's default allows them: never in the base.
LEFT_OUT = ["fsconfig", "fsmount", "fsopen", "open_tree"]
# $1 the root to use, $2 this script, then its arguments
ENTER = r"""
umount /sys/fs/cgroup/unified 2>/dev/null # crun wants no cgroup2 beside version 1
set -e
root=$1 script=$2
shift 2
if [ "$root" != / ]; then
	mount --bind "$root" "$root"
	for d in proc sys dev; do mount --rbind /$d "$root/$d"; done
	for d in run tmp mnt; do mount -t tmpfs tmpfs "$root/$d"; done
	cp "$script" "$root/tmp/measure.py"
	script=/tmp/measure.py
	mkdir "$root/mnt/old"
	cd "$root"
	pivot_root . mnt/old
	cd /
	umount -l mnt/old
fi
exec python3 "$script" --inside "$@"
"""
# verb, terminal
CASES = [("create", False), ("run", True), ("exec", False), ("exec", True)]
UIDS = [0, 1000]
LOADED = re.compile(r"^(seccomp\(SECCOMP_SET_MODE_FILTER, [^N].*|"
                    r"prctl\(PR_SET_SECCOMP, SECCOMP_MODE_FILTER.*)= 0$")
NAME = re.compile(r"^([a-z_0-9]+)\(")
START_TIMEOUT_S = 30


def build_rootfs(top):
    root = os.path.join(top, "rootfs")
    for sub in ("proc", "dev", "sys"):
        os.makedirs(os.path.join(root, sub))
    for name, text in (("nop", NOP_C), ("pause", PAUSE_C)):
        source = os.path.join(top, name + ".c")
        with open(source, "w") as f:
            f.write(text)
        subprocess.run(["gcc", "-O1", "-static", "-nostdlib", "-o", os.path.join(root, name),
                        source], check=True)
    subprocess.run(["runc", "spec", "--bundle", top], check=True)
    os.rename(os.path.join(top, "config.json"), os.path.join(top, "spec.json"))


def write_config(top, nnp, uid, terminal, program, seccomp):
    """Write the bundle's config.json; return its process object."""
    with open(os.path.join(top, "spec.json")) as f:
        spec = json.load(f)
    process = spec["process"]
    process["terminal"] = terminal
    process["user"] = {"uid": uid, "gid": uid}
    if uid:
        process["user"]["additionalGids"] = [uid + 1]
        process["user"]["umask"] = 0o22  # podman always sets it
    process["args"] = [program]
    process["noNewPrivileges"] = nnp == "yes"
    spec["linux"]["seccomp"] = seccomp
    with open(os.path.join(top, "config.json"), "w") as f:
        json.dump(spec, f)
    return process


def run_command(argv, terminal, cwd):
    """Run argv to its end on a pseudo-terminal or on pipes; return (status, output)."""
    if not terminal:
        done = subprocess.run(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:
        pass  # EIO: the last writer has gone
    os.close(ours)
    return child.wait(), output


def state_of(runtime, top, name):
    done = subprocess.run([runtime, "--root", top + "/state", "state", name], capture_output=True)
    return json.loads(done.stdout)["status"] if done.returncode == 0 else "none"


def wait_state(runtime, top, name, wanted):
    end = time.monotonic() + START_TIMEOUT_S
    while state_of(runtime, top, name) != wanted:
        if time.monotonic() > end:
            raise RuntimeError(f"{runtime}: {name} did not become {wanted}")
        time.sleep(0.01)


def run_case(runtime, top, nnp, uid, verb, terminal, seccomp, prefix):
    """One run of one case, the measured command behind prefix; return (status, output)."""
    call = [runtime, "--root", top + "/state"]
    name = "measure-" + os.path.basename(top)
    # the filter of an exec'ed process is the one in the container's configuration
    process = write_config(top, nnp, uid, terminal and verb != "exec",
                           "/pause" if verb == "exec" else "/nop", seccomp)
    try:
        if verb == "run":
            status, output = run_command(prefix + call + ["run", name], terminal, top)
        elif verb == "create":
            traced = subprocess.Popen(prefix + call + ["create", name], cwd=top,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
            wait_state(runtime, top, name, "created")
            subprocess.run(call + ["start", name], cwd=top, check=True,
                           stdin=subprocess.DEVNULL)
            output = traced.communicate()[0]
            status = traced.returncode
        else:
            subprocess.run(call + ["run", "--detach", name], cwd=top, check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            process.update(args=["/nop"], terminal=terminal)
            with open(top + "/process.json", "w") as f:
                json.dump(process, f)
            status, output = run_command(
                prefix + call + ["exec", "--process", top + "/process.json", name], terminal, top)
        return status, output.decode(errors="replace").strip()
    finally:
        subprocess.run(call + ["delete", "--force", name], cwd=top, capture_output=True)


def filtered_calls(trace_dir):
    """Calls of the thread that loaded a filter and then exec'ed, execve included."""
    found = []
    for entry in os.listdir(trace_dir):
        with open(os.path.join(trace_dir, entry), errors="replace") as f:
            lines = f.read().splitlines()
        loads = [i for i, line in enumerate(lines) if LOADED.match(line)]
        if not loads:
            continue
        calls = set()
        for line in lines[loads[0] + 1:]:
            if m := NAME.match(line):
                calls.add(m.group(1))
                if m.group(1) == "execve" and line.endswith(" = 0"):
                    found.append(calls)
                    break
        else:
            raise RuntimeError(f"{entry}: filter loaded, but no execve after it")
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} threads loaded a filter and exec'ed, expected one")
    return found[0]


class BusyLoops:
    """Two busy processes per CPU while the block runs, if wanted."""

    def __init__(self, wanted):
        self.count = 2 * os.cpu_count() if wanted else 0

    def __enter__(self):
        self.loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
                      for _ in range(self.count)]

    def __exit__(self, *exc):
        for loop in self.loops:
            loop.kill()
            loop.wait()


def measure(runtime, top, nnp, runs):
    """{call: {verb: runs that made it}}, {verb: runs}"""
    free = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
    seen = collections.defaultdict(collections.Counter)
    total = collections.Counter()
    for verb, terminal in CASES:
        for uid in UIDS:
            for i in range(runs):
                trace = os.path.join(top, "trace")
                shutil.rmtree(trace, ignore_errors=True)
                os.mkdir(trace)
                with BusyLoops(i % 2):
                    status, output = run_case(runtime, top, nnp, uid, verb, terminal, free,
                                              ["strace", "-ff", "-qq", "-o", trace + "/t"])
                if status:
                    raise RuntimeError(f"{runtime} {verb} uid {uid}: {output}")
                total[verb] += 1
                for call in filtered_calls(trace):
                    seen[call][verb] += 1
    return seen, total


def version_of(runtime):
    line = subprocess.run([runtime, "--version"], capture_output=True, text=True).stdout
    return re.search(r"version ([0-9.]+)", line).group(1).rstrip(".")


def print_rows(runtime, nnp, seen, total):
    name = os.path.basename(runtime)
    for call in sorted(set(seen) - set(LEFT_OUT)):
        counts = " ".join(f"{verb} {seen[call][verb]}/{total[verb]}" for verb in sorted(total))
        print(f"{name}\t{nnp}\t{call}\t{name} {version_of(runtime)}: {counts}")
    sys.stdout.flush()


def read_rows(file):
    return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def merge(paths):
    sources = collections.defaultdict(list)
    for path in paths:
        with open(path) as f:
            for *key, source in read_rows(f):
                sources[tuple(key)].append(source)
    print(HEADER, end="")
    for key in sorted(sources):
        print("\t".join(key) + "\t" + "; ".join(sources[key]))


def check(top, rows, runtimes, runs):
    """Run every case with nothing but rows allowed; return the number of failed runs."""
    failed = 0
    for runtime in sorted(runtimes):
        for nnp in ("no", "yes"):
            base = [r[2] for r in rows if r[0] == os.path.basename(runtime) and r[1] == nnp]
            names = sorted(set(base + PROGRAM_CALLS))
            tight = {"defaultAction": "SCMP_ACT_KILL_PROCESS",
                     "architectures": ["SCMP_ARCH_X86_64"],
                     "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"},
                                  {"names": LEFT_OUT, "action": "SCMP_ACT_ERRNO",
                                   "errnoRet": 38}]}
            for verb, terminal in CASES:
                for uid in UIDS:
                    bad = 0
                    for i in range(runs):
                        with BusyLoops(i % 2):
                            status, output = run_case(runtime, top, nnp, uid, verb, terminal,
                                                      tight, [])
                        if status:
                            bad += 1
                            print(f"# status {status} {output}")
                    failed += bad
                    print(f"{runtime} {version_of(runtime)} nnp={nnp} {verb}"
                          f"{' tty' if terminal else ''} uid {uid}: {runs - bad}/{runs} ran "
                          f"under {len(base)} calls", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--runtime", action="append")
    parser.add_argument("--root", default="/")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--merge", nargs="+", metavar="ROWS.tsv")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.merge:
        merge(args.merge)
        return 0
    if not args.inside:
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", ENTER, "sh",
                              os.path.abspath(args.root), os.path.abspath(__file__),
                              *sys.argv[1:]])
    runtimes = args.runtime or ["crun", "runc"]
    top = tempfile.mkdtemp(prefix="sysclamp-base-")
    try:
        build_rootfs(top)
        if args.check:
            return 1 if check(top, read_rows(sys.stdin), runtimes, args.runs) else 0
        print(HEADER, end="")
        for runtime in sorted(runtimes):
            for nnp in ("no", "yes"):
                print_rows(runtime, nnp, *measure(runtime, top, nnp, args.runs))
        return 0
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main())
