#!/usr/bin/python3
"""Calls that a filter of the workload, or of its launcher, denies: counted exactly; no others."""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
OWN_FILTER = workload.program("own_filter")
FILTER_RACES = workload.program("filter_races")
GETPPID = ("x86_64", 110)
EXACT = ("ptrace", "ebpf")  # back ends that tell denied calls
TRIES = 10  # for a loss that is declared, see record()

# What own_filter does in each way: getppid made, of these denied.  Repeated where threads or kills
# could hit another moment each time.
WAYS = {
    "errno": (70, 50, 1),
    "allow": (70, 0, 1),
    "log": (30, 0, 1),
    "kill-process": (1, 1, 3),
    "kill-thread": (13, 3, 3),
    "trap": (25, 25, 1),
    "trace": (15, 15, 1),
    "inherit": (30, 30, 3),
    "tsync": (60, 40, 10),
    "stacked": (10, 10, 1),
    "busy": (0, 0, 5),
}


# The leak check of a sanitizer build works neither traced nor with getppid denied: it would wait
# forever.  For where sysclamp is the workload.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}


def record(name, *argv, backend="ptrace", **kwargs):
    """A recording of a command.

    Where another recorder comes in the way of watching returns in time, that is a loss, and it is
    declared: then once more.
    """
    for _ in range(TRIES):
        result, seen = workload.record(argv, os.path.join(SCRATCH, name), ("--backend", backend),
                                       **kwargs)
        if not seen.json["loss"].get("late_returns"):
            break
        tap.equal((result.returncode, seen.complete), (125, False), f"{name}: late, and says so",
                  result)
    return result, seen


def exact_backends():
    """The exact back ends that work here."""
    for backend in EXACT:
        if backend != "ebpf" or workload.has_ebpf():
            yield backend
        else:
            tap.skip("bpf", "the eBPF back end", "it does not work here")


def check_counts(label, result, seen, made, denied, status=0):
    """One recording has exactly these counts of getppid, and denies nothing else."""
    got = (result.returncode, seen.complete, seen.calls.get(GETPPID, 0), seen.denied)
    want = (status, True, made, {GETPPID: denied} if denied else {})
    return tap.equal(got, want, f"{label}: {made} made, {denied} denied", result,
                     f"loss: {seen.json['loss']}")


def check_ways():
    """Every way of own_filter."""
    for way, (made, denied, times) in WAYS.items():
        bare = workload.run([OWN_FILTER, way])
        tap.equal(bare.returncode, 0, f"{way}: bare", bare)
        repeat(OWN_FILTER, way, made, denied, times)


def repeat(program, way, made, denied, times):
    """The same counts in each of several recordings."""
    for backend in exact_backends():
        for n in range(times):
            result, seen = record(f"{way}.rec.json", program, way, backend=backend)
            if not check_counts(f"{way}, {backend}, run {n + 1}", result, seen, made, denied):
                break


# Ways in which a recorder once lost sight of a filter, or waited for ever; each denies five calls.
RACES = {"probe": 1, "leader": 2, "vfork": 2, "failing": 8, "fresh": 2, "int80": 1}


def check_races():
    """Those of filter_races."""
    for way, times in RACES.items():
        if way == "int80" and not workload.has_i386():
            tap.skip("i386", way, "this kernel takes no 32-bit calls")
            continue
        tap.equal(workload.run([FILTER_RACES, way]).returncode, 0, f"{way}: bare")
        repeat(FILTER_RACES, way, 5, 5, times)


def check_syscall_stops():
    """Without our filter the denials of another cannot be told: they count, and none is made up."""
    for way in ("errno", "allow", "trap", "trace", "inherit", "tsync", "busy"):
        made, denied, _times = WAYS[way]
        result, seen = record(f"{way}-syscall.rec.json", OWN_FILTER, way, backend="ptrace-syscall")
        check_counts(f"{way}, --backend ptrace-syscall", result, seen, made, 0)
        if denied:
            tap.ok(b"ptrace-syscall" in result.stderr and b"--backend ptrace " in result.stderr,
                   f"{way}, --backend ptrace-syscall: says what it cannot tell", result)


def check_strict():
    """Strict mode: refused beside our filter, and said so; recorded without it."""
    path = os.path.join(SCRATCH, "strict.rec.json")
    tap.equal(workload.run([OWN_FILTER, "strict"]).returncode, 0, "strict: bare")
    result, seen = record("strict.rec.json", OWN_FILTER, "strict")
    tap.equal((result.returncode, seen.complete, seen.status),
              (125, False, 3), "strict beside the filter: incomplete, 125", result)
    tap.ok(seen.json["loss"]["strict_refused"] > 0, "strict beside the filter: a loss",
           seen.json["loss"])
    tap.ok(b"--backend ptrace-syscall" in result.stderr,
           "strict beside the filter: says what to do", result.stderr)
    made = workload.sysclamp("generate", "--runtime", "none", path)
    tap.equal((made.returncode, made.stdout), (2, b""), "generate refuses that recording", made)
    backends = ["ptrace-syscall", *(b for b in exact_backends() if b != "ptrace")]
    for backend in 3 * backends:
        result, seen = record("strict.rec.json", OWN_FILTER, "strict", backend=backend)
        check_counts(f"strict with --backend {backend}", result, seen, 1, 1)
        tap.ok(b"strict\n" in result.stdout, "strict: what it may write is there", result)


def check_notify():
    """A supervisor answers: that is no denial that could be told, and nothing is made up."""
    for way in ("notify", "notify-all"):
        tap.equal(workload.run([OWN_FILTER, way]).returncode, 0, f"{way}: bare")
        for backend in ("ptrace-syscall", *exact_backends()):
            result, seen = record("notify.rec.json", OWN_FILTER, way, backend=backend)
            check_counts(f"{way}, --backend {backend}", result, seen, 16, 0)
            tap.ok(b"seccomp notification" in result.stderr,
                   f"{way}, --backend {backend}: says so", result.stderr)


def check_launchers():
    """A filter that the launcher of the workload, or of the recorder, has installed."""
    tried = [workload.program("try_call"), "getppid", "getppid", "getpgid"]
    path = os.path.join(SCRATCH, "holder.rec.json")
    for backend in exact_backends():
        result, seen = record("held.rec.json", OWN_FILTER, "hold", *tried, backend=backend)
        check_counts(f"{backend}, held by a launcher", result, seen, 2, 2)

        result = workload.run([OWN_FILTER, "hold", workload.SYSCLAMP, "record", "--backend",
                               backend, "-o", path, "--", *tried], env=NO_LEAK_CHECK)
        check_counts(f"{backend}, the recorder held as well", result, workload.Recording(path),
                     2, 2)

    _result, seen = record("plain.rec.json", workload.program("try_call"), "getpgid")
    profile = os.path.join(SCRATCH, "plain.json")
    made = workload.sysclamp("generate", "--runtime", "none", "--errno", "EPERM", "-o", profile,
                             os.path.join(SCRATCH, "plain.rec.json"))
    tap.equal(made.returncode, 0, "a profile without getppid", made)
    for backend in exact_backends():
        result, seen = record("run.rec.json", workload.SYSCLAMP, "run", "-p", profile, "--",
                              *tried, backend=backend, env=NO_LEAK_CHECK)
        check_counts(f"{backend}, held by sysclamp run", result, seen, 2, 2)
        tap.equal(result.stdout, b"trying\ngetppid: 1\ngetppid: 1\ngetpgid: 0\n",
                  f"{backend}, held by sysclamp run: the workload's own view", result)


def allowed(way):
    """The calls that a profile cut from the recording of `way` allows."""
    made = workload.sysclamp("generate", "--runtime", "none",
                             os.path.join(SCRATCH, f"{way}.rec.json"))
    if not tap.equal(made.returncode, 0, f"{way}: generate", made):
        return set()
    return {name for rule in json.loads(made.stdout)["syscalls"] for name in rule["names"]}


def main():
    """All of it."""
    check_ways()
    check_races()
    check_syscall_stops()
    check_strict()
    check_notify()
    check_launchers()
    tap.ok("getppid" in allowed("errno"), "what was denied at times is in the profile")
    names = allowed("inherit")
    tap.ok("execve" in names and "getppid" not in names,
           "what was always denied is not in the profile", sorted(names))
    tap.done()


if __name__ == "__main__":
    main()
