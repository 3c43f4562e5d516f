#!/usr/bin/python3
"""Containers that live for 20 ms, a hundred of them: all that their program calls is in the recording, from
the execve on to exit_group, each call as often as it was made, and nothing that the runtime called.

podman's, and runc's and crun's without an engine, which call the hook once as prestart and once as
createRuntime; with and without no_new_privs, unconfined and with podman's default profile.

What enters a container later is recorded, too, and told apart.  The recorder ends with the container, and
the container does without it.
"""
import collections
import concurrent.futures
import contextlib
import json
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import container_work  # noqa: E402
import ebpf  # noqa: E402
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
DEFAULT_PROFILE = os.path.join(SCRATCH, "default.json")
# In each case, of which podman has 4 and the others 8: 4 * 9 + 8 * 4 + 8 * 4.
TIMES = {"podman": 9, "runc": 4, "crun": 4}
ALL = 100
# Of set d: calls that no runtime makes when it enters a container.
RARE = {"sched_get_priority_max", "sched_get_priority_min"}


def cases(engine):
    """What the containers of an engine differ in: (stage, profile, no_new_privs)."""
    podman = engine.name == "podman"  # which has a profile of its own
    profiles = ("unconfined", None) if podman else (None, DEFAULT_PROFILE)
    return [(stage, profile, nnp) for stage in (("prestart",) if podman else ("prestart", "createRuntime"))
            for profile in profiles for nnp in (True, False)]


def short_life(engine, name, nnp, binds=()):
    """What differs from the expected in one short container; "" if nothing."""
    out = os.path.join(SCRATCH, f"{engine.name}-{name}.json")
    engine.annotations = {hooked.RECORD: out}
    result = engine.run(name, [hooked.SHORT_LIFE], nnp=nnp, binds=binds)
    seen = hooked.recorded(out)
    got = {"status": result.returncode, "complete": seen.complete, "calls": hooked.counts(seen),
           "lost": {way: n for way, n in seen.json["loss"].items() if n}, "denied": seen.denied,
           "argv": seen.json["workload"].get("argv"), "cwd": seen.json["workload"].get("cwd"),
           "programs": seen.json.get("programs"), "phases": seen.json.get("phases")}
    want = {"status": hooked.SHORT_LIFE_STATUS, "complete": True, "calls": hooked.SHORT_LIFE_CALLS,
            "lost": {}, "denied": {}, "argv": [hooked.SHORT_LIFE], "cwd": "/",
            "programs": [hooked.SHORT_LIFE], "phases": ["start"]}
    return " ".join(f"{key}: {got[key]}" for key in want if got[key] != want[key]) + result.stderr


def check_short(engine):
    """All the short containers of an engine: how many are recorded as they are."""
    good = 0
    for number, (stage, profile, nnp) in enumerate(cases(engine)):
        engine.stage, engine.seccomp = stage, profile
        wrong = [short_life(engine, f"short{number}-{i}", nnp) for i in range(TIMES[engine.name])]
        confined = "podman's profile" if profile == DEFAULT_PROFILE or engine.name == "podman" and not profile \
            else "unconfined"
        tap.equal(collections.Counter(wrong), {"": TIMES[engine.name]},
                  f"{engine.name}: {len(wrong)} containers of 20 ms, {stage}, {confined}, "
                  f"{'no_new_privs' if nnp else 'new_privs'}: recorded from execve to exit_group, and no more")
        good += wrong.count("")
    engine.stage, engine.seccomp = "prestart", None
    return good


def check_other_hooks(engine):
    """Hooks that run in the container before its program does are the engine's."""
    ran = os.path.join(SCRATCH, f"{engine.name}-ran")
    # Paths of createContainer are the host's, those of startContainer the container's.
    engine.other_hooks = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"/bin/true; echo >{ran}"]}],
                          "startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "/bin/true; echo >/fifos/ran"]}]}
    binds = os.path.join(SCRATCH, f"{engine.name}-binds")
    os.mkdir(binds)
    wrong = short_life(engine, "hooks", True, [(binds, container_work.FIFOS)])
    engine.other_hooks = {}
    tap.equal((wrong, os.path.exists(ran), os.listdir(binds)), ("", True, ["ran"]),
              f"{engine.name}: hooks that run in the container before its program are not in the recording")


@contextlib.contextmanager
def at_work(engine, name, asks=True):
    """A container with container_work, which waits and will end with 3, and its recording's path."""
    out = os.path.join(SCRATCH, f"{engine.name}-{name}.json")
    work = container_work.Work(os.path.join(SCRATCH, f"{engine.name}-{name}"), "a", 100, 3)
    engine.annotations = {hooked.RECORD: out} if asks else {}
    try:
        container = engine.start(name, work.argv(), binds=[(work.directory, container_work.FIFOS)])
        work.ready()
        yield container, work, out
    finally:
        work.close()


def in_phase(seen, phase):
    """The names of the calls that were made in a phase, whatever other ones."""
    index = seen.json["phases"].index(phase) if phase in seen.json["phases"] else -1
    return {call.get("name"): [seen.json["phases"][n] for n in call["phases"]]
            for call in seen.json["syscalls"] if index in call["phases"]}


def check_marked(engine):
    """A phase that is marked from outside."""
    with at_work(engine, "marked") as (container, work, out):
        marked = workload.sysclamp("mark", "work")
        work.go()
        work.done()
        work.go()
        status = container.wait()
    seen = hooked.recorded(out)
    phases = in_phase(seen, "work")
    tap.equal((marked.returncode, status, seen.complete), (0, 3, True), f"{engine.name}: a phase is marked", marked)
    tap.equal({name: phases.get(name) for name in work.counts}, {name: ["work"] for name in work.counts},
              f"{engine.name}: what the container calls from then on carries it")


def check_entered(engine):
    """A command that enters the container while it is recorded."""
    with at_work(engine, "entered") as (container, work, out), \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        second = container_work.Work(os.path.join(work.directory, "exec"), "d", 120, 5)
        try:
            entered = pool.submit(engine.exec, container, second.argv(directory=f"{container_work.FIFOS}/exec"))
            second.ready()
            for each in (second, work):
                each.go()
                each.done()
            second.go()
            status = entered.result().returncode
        finally:
            second.close()
        work.go()
        statuses = (status, container.wait())
    seen = hooked.recorded(out)
    tap.equal((statuses, seen.complete), ((5, 3), True), f"{engine.name}: a command enters, both end as they do")
    own = set(work.counts)
    names = RARE | own
    tap.equal(container_work.by_name(seen, names),
              {name: n for each in (work, second) for name, n in each.counts.items() if name in names},
              f"{engine.name}: what the command that entered calls is in the recording")
    phases = in_phase(seen, "exec")
    tap.equal({name: phases.get(name) for name in RARE}, {name: ["exec"] for name in RARE},
              f"{engine.name}: it carries the phase exec, and only that")
    tap.equal({name: phases[name] for name in own if name in phases}, {},
              f"{engine.name}: what the container's own program calls does not")


def marks_of(pid):
    """Where a recorder is told of marks, its directory and its socket, as links of /proc have them."""
    with open("/proc/net/unix", encoding="ascii") as file:
        rows = [line.split() for line in file]  # the socket has the name with which it was made
    return ["/run/sysclamp", *(f"socket:[{row[6]}]" for row in rows if row[-1].endswith(f"/.{pid}.new"))]


def check_ends(engine):
    """The recorder ends with the container, also when that is killed."""
    kernel = ebpf.Kernel()
    with at_work(engine, "killed") as (container, work, out):
        running = hooked.recorders()
        tap.equal(len(running), 1, f"{engine.name}: one recorder runs beside the container")
        fds = [os.readlink(f"/proc/{running[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{running[0]}/fd")]
        tap.equal(sorted(name for name in fds if not name.startswith(("anon_inode:", "/dev/null"))), marks_of(running[0]),
                  f"{engine.name}: it holds nothing of the engine's")
        work.go()
        work.done()
        container.stop()
        seen = hooked.recorded(out)
    tap.equal((seen.complete, container_work.by_name(seen)), (True, work.counts),
              f"{engine.name}: the recording of a container that is killed is whole")
    kernel.check(f"{engine.name}: when it has ended")


def check_killed(engine):
    """A recorder that is killed leaves the container alone."""
    kernel = ebpf.Kernel()
    with at_work(engine, "alone") as (container, work, out):
        [recorder] = hooked.recorders()
        os.kill(recorder, signal.SIGKILL)
        tap.wait_until(lambda: not hooked.recorders(), "the recorder is killed")
        kernel.check(f"{engine.name}: a recorder is killed")
        work.go()
        work.done()
        work.go()
        status = container.wait()
    tap.equal((status, bool(workload.Recording(out).complete)), (3, False),
              f"{engine.name}: the container goes on without it, and no recording says that it is whole")


def check_unasked(engine):
    """Without an annotation."""
    with at_work(engine, "unasked", asks=False) as (container, work, _):
        running = hooked.recorders()
        work.go()
        work.done()
        work.go()
        status = container.wait()
    tap.equal((running, status), ([], 3),
              f"{engine.name}: a container without an annotation runs, and nobody records it")


def check_file():
    """The hook file is what oci-hooks(5) says."""
    with open(hooked.HOOK_FILE, encoding="ascii") as file:
        content = json.load(file)
    tap.equal((content["version"], content["stages"]), ("1.0.0", ["prestart"]), "the hook file is of schema 1.0.0")


def main():
    """Each engine that is there."""
    hooked.need()
    hooked.write_default_profile(DEFAULT_PROFILE)
    check_file()
    good = {}
    for name in TIMES:
        engine = hooked.engine_or_skip(name, SCRATCH, [workload.program("short_life"), container_work.host_program()])
        if engine:
            with engine:
                good[name] = check_short(engine)
                if name != "podman":
                    check_other_hooks(engine)
                for each in (check_entered, check_marked, check_ends, check_killed, check_unasked):
                    each(engine)
    if len(good) == len(TIMES):
        tap.equal(sum(good.values()), ALL, "all of a hundred short containers are recorded from their first call on")
    tap.done()


main()
