#!/usr/bin/python3
"""What `sysclamp hook` does not do: it says so in one line, and the engine does not start the container.

Each annotation that cannot be heeded, and a recorder that cannot record, under runc, crun and podman; and
without an engine, what is no state of a container.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
OUT = os.path.join(SCRATCH, "out.json")
STARTED = "it has started"
ARGV = ["/bin/echo", STARTED]
IN_STATE = "sysclamp hook: state: $.annotations."
# Annotations, and what the hook says.
REFUSED = [
    ("a relative path", {hooked.PROFILE: "of:out.json"},
     f'{IN_STATE}io.containers.trace-syscall: "out.json" is no absolute path'),
    ("a relative path for a recording", {hooked.RECORD: "out.json"},
     f'{IN_STATE}dev.sysclamp.record: "out.json" is no absolute path'),
    ("an unknown key", {hooked.PROFILE: f"of:{OUT};zf:/x"},
     f'{IN_STATE}io.containers.trace-syscall: "zf:/x": if:/absolute/in.json;of:/absolute/out.json expected'),
    ("no output", {hooked.PROFILE: "if:/x.json"},
     f'{IN_STATE}io.containers.trace-syscall: no output: of:/absolute/out.json is missing'),
    ("a profile to extend that is missing", {hooked.PROFILE: f"if:/no/in.json;of:{OUT}"},
     "sysclamp hook: /no/in.json: No such file or directory"),
    ("a directory that is missing", {hooked.RECORD: "/no/such/out.json"},
     "sysclamp hook: /no/such/out.json: cannot write a recording there: No such file or directory"),
]
PID = os.getpid()
STATE = {"ociVersion": "1.0.2", "id": "x", "status": "created", "pid": PID, "bundle": SCRATCH}


def text(**changes):
    """A state with changes, None for none."""
    return json.dumps({key: value for key, value in {**STATE, **changes}.items() if value is not None})


ASKS = {hooked.RECORD: OUT}
STAGES = "call this hook as prestart or createRuntime"
# crun shows what a hook says only where this annotation tells it to.
CRUN_SHOWS, SAID = "run.oci.hooks.stderr", os.path.join(SCRATCH, "said")
# Standard input, and what the hook says behind its name: on misuse.
STATES = [
    ("no state", "", "standard input: empty file"),
    ("garbage", "\x00\xff{", None),
    ("half a state", text()[:-1], None),
    ("an array", "[]", "state: $: an object expected, this is an array"),
    ("a state that is too large", " " * (1 << 20) + text(),
     "standard input: larger than the limit of 1024 KiB for such a file"),
    ("no pid", text(pid=None, annotations=ASKS), 'state: $: "pid" is missing'),
    ("pid 0", text(pid=0, annotations=ASKS), f"state: $.pid: the container has no process yet: {STAGES}"),
    ("a negative pid", text(pid=-1, annotations=ASKS), None),
    ("no id", text(id=None, annotations=ASKS), 'state: $: "id" is missing'),
    ("no bundle", text(bundle=None, annotations=ASKS), 'state: $: "bundle" is missing'),
    ("a container that runs", text(status="running", annotations=ASKS),
     f"state: $.status: the container is running already: {STAGES}"),
    ("annotations that are none", text(annotations=[1]), None),
    ("an annotation that is none", text(annotations={hooked.RECORD: 1}), None),
]


def check_states():
    """Without an engine."""
    for name, state, says in STATES:
        result = workload.sysclamp("hook", stdin=state.encode("latin-1"))
        lines = result.stderr.decode("utf-8", "replace").splitlines()
        tap.ok(result.returncode == 2 and len(lines) == 1 and lines[0].startswith("sysclamp hook: ")
               and (says is None or lines[0] == f"sysclamp hook: {says}"), f"{name}: refused in one line", lines, says)
    result = workload.sysclamp("hook", stdin=text(pid=1 << 30, annotations=ASKS).encode())
    tap.ok(result.returncode == 1 and result.stderr.count(b"\n") == 1, "no such process: it fails in one line",
           result.returncode, result.stderr)
    for name, state in [("no annotations", text()), ("other annotations", text(annotations={"a": "b"}))]:
        result = workload.sysclamp("hook", stdin=state.encode())
        tap.equal((result.returncode, result.stdout, result.stderr), (0, b"", b""), f"{name}: nothing is done or said")
    tap.equal(hooked.recorders(), [], "no recorder is left by any of them")


def check_directory():
    """Files outside of the directory that the hook is given, without an engine: links and dots included."""
    inside, outside = (os.path.join(SCRATCH, name) for name in ("inside", "inside-not"))
    os.mkdir(inside)
    os.mkdir(outside)
    os.symlink(outside, os.path.join(inside, "way"))
    there = os.path.join(outside, "there.json")
    open(there, "w", encoding="ascii").close()
    os.symlink(there, os.path.join(inside, "link.json"))
    for path in (f"{outside}/out.json", f"{inside}/../out.json", f"{inside}/way/out.json", f"{inside}/link.json", "/out.json"):
        for annotations in ({hooked.RECORD: path}, {hooked.PROFILE: f"of:{path}"},
                            {hooked.PROFILE: f"if:{path};of:{inside}/out.json"}):
            result = workload.sysclamp("hook", "-d", inside, stdin=text(annotations=annotations).encode())
            tap.equal((result.returncode, result.stderr.decode()),
                      (1, f"sysclamp hook: {path}: is not in {inside}, where alone this hook has files\n"),
                      f"{annotations}: refused")
    tap.equal((os.listdir(outside), os.path.getsize(there), hooked.recorders()), (["there.json"], 0, []), "nothing is written there")
    result = workload.sysclamp("hook", "-d", "none", stdin=text(annotations=ASKS).encode())
    tap.equal((result.returncode, result.stderr.decode()), (1, "sysclamp hook: -d none: No such file or directory\n"),
              "-d none: refused")


def refuses(engine, name, says):
    """The container does not start, for this reason."""
    with open(SAID, "w+", encoding="utf-8") as file:
        engine.annotations[CRUN_SHOWS] = SAID
        result = engine.run("refused", ARGV)
        told = result.stdout + result.stderr + file.read()
    # An engine may show it in a log line, with its quotes escaped.
    tap.ok(result.returncode != 0 and STARTED not in told and says in told.replace('\\\\', '\\').replace('\\"', '"'),
           f"{engine.name}: {name}: the container does not start, and it is said why", result.returncode, told, says)
    tap.equal((hooked.recorders(), os.path.exists(OUT)), ([], False), f"{engine.name}: {name}: nothing is left")


def check(engine):
    """With an engine."""
    engine.annotations, plain = {hooked.RECORD: OUT}, engine.hook
    engine.hook = {**plain, "args": [*plain["args"], "-d", SCRATCH]}
    result = engine.run("starts", ARGV)
    engine.hook = plain
    tap.equal((result.returncode, result.stdout), (0, f"{STARTED}\n"), f"{engine.name}: a good annotation: it starts",
              result.stderr)
    hooked.recorded(OUT)
    os.unlink(OUT)
    for name, annotations, says in REFUSED:
        engine.annotations = dict(annotations)
        refuses(engine, name, says)
    engine.annotations, able = {hooked.RECORD: OUT}, engine.hook
    engine.hook = {"path": hooked.UNABLE[0], "args": hooked.UNABLE}
    refuses(engine, "no privileges for eBPF", "sysclamp hook: ebpf: ")
    engine.hook = able


def main():
    """The hook alone, and each engine."""
    hooked.need()
    check_states()
    check_directory()
    for name in ("runc", "crun", "podman"):
        engine = hooked.engine_or_skip(name, SCRATCH, [])
        if engine:
            with engine:
                check(engine)
    tap.done()


main()
