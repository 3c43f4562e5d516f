"""What the tests of the eBPF back end share: whether it can be had here, the oracle that counts beside
it, what is in the kernel, and a limit on processes.
"""
import contextlib
import json
import os
import shutil
import subprocess

import tap
import workload

BTF = "/sys/kernel/btf/vmlinux"
TRIES = 5
LISTINGS = 500
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"} if os.environ.get("SANITIZE") else {}
BPFTOOL = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
# capabilities(7)
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}


def capabilities():
    """The effective capabilities of this process, as a mask."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))


def lack():
    """Why these tests cannot run here, judged without the product; "" if they can."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        initial = file.read().split() == ["0", "0", str((1 << 32) - 1)]
    if os.geteuid() or not initial:
        return "not root"
    missing = [name for name, bit in CAPABILITIES.items() if not capabilities() >> bit & 1]
    if missing:
        return f"no {' and '.join(missing)}"
    if not os.access(BTF, os.R_OK):
        return f"no {BTF}: a kernel without CONFIG_DEBUG_INFO_BTF"
    if not os.access(workload.program("oracle"), os.X_OK):
        return "built without eBPF (BPF=0)"
    return "" if BPFTOOL else "no bpftool"


def need(name):
    """End the test with a skip where the back end cannot be had."""
    why = lack()
    if why:
        tap.skip("bpf", name, why)
        tap.done()


class Oracle:
    """Counts by (ABI, number) that the oracle saw, and how many it lost itself."""

    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            data = json.load(file)
        self.lost = data["lost"]
        self.calls = {(abi, nr): count for abi, nr, count in data["calls"]}


def watched(argv, out, prefix=(), env=None, **kwargs):
    """Run a recorder beside the oracle: its result and what the oracle saw."""
    # A sanitizer looks for leaks in a process of its own, which the oracle would count.
    env = {**(env or {}), **NO_LEAK_CHECK}
    # The oracle's processes are in a pid namespace: ending it ends them all.
    result = workload.run([*prefix, workload.program("oracle"), out, *argv], env=env, **kwargs)
    return result, Oracle(out)


def is_late(seen):
    """Whether late_returns is all that was lost: where others attach programs meanwhile, which all
    wait for each other, the watch for returns may come too late.  That is said, and no fault."""
    return {way for way, count in seen.json["loss"].items() if count} == {"late_returns"}


def record_watched(argv, out, backend, **kwargs):
    """`record` beside the oracle: its result, the recording, and what the oracle saw."""
    for _ in range(TRIES):
        result, oracle = watched([workload.SYSCLAMP, "record", "-q", "--backend", backend, "-o",
                                  out, "--", *argv], out + ".oracle", **kwargs)
        seen = workload.Recording(out)
        if not is_late(seen):
            break
    return result, seen, oracle


def strace_watched(argv, log, **kwargs):
    """`strace -f` beside the oracle: its result, what it saw, and what the oracle saw."""
    result, seen = watched([shutil.which("strace"), *workload.STRACE_OPTIONS, "-o", log, "--", *argv],
                           log + ".oracle", **kwargs)
    return result, workload.Straced(log), seen


def differences(left, right, apart=()):
    """Where two tables of counts differ, printable, but for some keys."""
    return [f"{key}: {left.get(key, 0)} and {right.get(key, 0)}"
            for key in sorted(set(left) | set(right))
            if left.get(key) != right.get(key) and key not in apart]


def held_by(pid):
    """The ids of the programs, maps and links that a process holds: {("prog", 7), ...}."""
    found = set()
    try:
        fds = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return found
    for fd in fds:
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        for line in text.splitlines():
            kind, _, value = line.partition("_id:")
            if kind in ("prog", "map", "link") and value.strip().isdigit():
                found.add((kind, int(value)))
    return found


def listed(kind):
    """The ids of all objects of a kind; bpftool fails when one goes while it lists them."""
    for _ in range(LISTINGS):
        result = subprocess.run([BPFTOOL, "-j", kind, "list"], capture_output=True, check=False)
        if not result.returncode:
            return {(kind, entry["id"]) for entry in json.loads(result.stdout or b"[]")}
    raise OSError(f"bpftool {kind} list: {result.stdout} {result.stderr}")


def in_kernel():
    """The ids of all programs, maps and links."""
    return listed("prog") | listed("map") | listed("link")


def pinned():
    """What is in the file system of pinned objects."""
    return {os.path.join(top, name) for top, dirs, names in os.walk("/sys/fs/bpf")
            for name in dirs + names}


class Kernel:
    """What is in the kernel now, to find what is left later."""

    def __init__(self):
        self.before = in_kernel()
        self.pinned = pinned()

    def left(self):
        """Objects that are new and that no process holds: others may be recording meanwhile."""
        new = in_kernel() - self.before
        if new:
            for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
                new -= held_by(pid)
        return new & in_kernel()

    def check(self, name):
        """Nothing stays: the kernel frees some time after the last descriptor is closed."""
        # What others leave meanwhile for a moment is not in two looks.
        staying = [self.left()]
        try:
            tap.wait_until(lambda: not staying[-1] or staying.append(staying[-1] & self.left()),
                           "all is freed")
        except TimeoutError:
            pass
        tap.ok(not staying[-1] and pinned() <= self.pinned,
               f"{name}: no program, map, link or pin is left in the kernel", staying[-1],
               pinned() - self.pinned)


def cgroup_root(controller):
    """The root of the hierarchy with a controller, version 1 or 2; None if there is none."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        mounts = [line.split() for line in file]
    for _, place, kind, options, *_ in mounts:
        if kind == "cgroup" and controller in options.split(","):
            return place
    for _, place, kind, *_ in mounts:
        try:
            with open(f"{place}/cgroup.subtree_control", encoding="ascii") as file:
                if kind == "cgroup2" and controller in file.read().split():
                    return place
        except OSError:
            pass
    return None


@contextlib.contextmanager
def pids_limit(limit):
    """A cgroup with at most so many processes: its directory, or None where it cannot be had."""
    root = cgroup_root("pids")
    place = root and os.path.join(root, f"sysclamp-test-{os.getpid()}")
    made = False
    try:
        os.mkdir(place)
        made = True
        with open(f"{place}/pids.max", "w", encoding="ascii") as file:
            file.write(str(limit))
    except (OSError, TypeError):
        place = None
    try:
        yield place
    finally:
        if made:
            tap.end_descendants()
            tap.wait_until(lambda: removed(os.path.join(root, f"sysclamp-test-{os.getpid()}")),
                           "the cgroup is empty")


def removed(directory):
    """Remove a cgroup, when it is empty."""
    try:
        os.rmdir(directory)
    except OSError:
        return False
    return True
