#!/usr/bin/python3
"""One annotation and several containers: a container's next life, and replicas that run and end together.

What each of them called is in the recording, each a run of its own; a profile that extends itself grows.
What is there and is something else is kept, and the container does not start.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_work  # noqa: E402
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
REPLICAS = 4
# container_work's sets of calls: no two have one in common.
SETS = "abcd"
ECHO, SHORT = ["/bin/echo", "x"], [hooked.SHORT_LIFE]
# Of SHORT alone, and of neither runtime.
RARE = "sched_rr_get_interval"


def path(engine, name):
    """A file of one engine's containers."""
    return os.path.join(SCRATCH, f"{engine.name}-{name}.json")


def check_lives(engine):
    """One after the other."""
    out = path(engine, "lives")
    engine.annotations = {hooked.RECORD: out}
    open(out, "w", encoding="ascii").close()  # as mktemp makes it
    for argv in (SHORT, ECHO, ECHO):
        engine.run("life", argv)
        seen = hooked.recorded(out)
    tap.equal((len(seen.json["sources"]), seen.complete, hooked.counts(seen).get(RARE), "write" in hooked.counts(seen)),
              (3, True, 1, True), f"{engine.name}: three lives of a container are three runs in its recording")


def check_replicas(engine):
    """At the same time, with the same end."""
    out = path(engine, "replicas")
    engine.annotations = {hooked.RECORD: out}
    works = [container_work.Work(os.path.join(SCRATCH, f"{engine.name}-{each}"), each, 50 + i, 3)
             for i, each in enumerate(SETS)]
    try:
        containers = [engine.start(f"replica{i}", work.argv(), binds=[(work.directory, container_work.FIFOS)])
                      for i, work in enumerate(works)]
        for work in works:
            work.ready()
        for step in (lambda work: work.go(), lambda work: work.done(), lambda work: work.go()):
            for work in works:
                step(work)
        statuses = [container.wait() for container in containers]
    finally:
        for work in works:
            work.close()
    seen = hooked.recorded(out)
    want = {name: n for work in works for name, n in work.counts.items()}
    tap.equal((statuses, len(seen.json["sources"]), seen.complete, container_work.by_name(seen, set(want))),
              ([3] * REPLICAS, REPLICAS, True, want),
              f"{engine.name}: {REPLICAS} replicas that end together are all in one recording")


def allows(file, name):
    """Whether a profile allows a call."""
    with open(file, encoding="ascii") as text:
        return any(name in rule["names"] for rule in json.load(text)["syscalls"])


def check_profile(engine):
    """A profile that is added to."""
    out = path(engine, "profile")
    engine.annotations = {hooked.PROFILE: f"if:{out};of:{out}"}
    for argv in (SHORT, ECHO):
        result = engine.run("grows", argv)
        tap.wait_until(lambda: not hooked.recorders(), "the recorder ends with its container")
    tap.equal((result.stdout, allows(out, RARE), allows(out, "write")), ("x\n", True, True),
              f"{engine.name}: a profile that extends itself begins with nothing, and grows")


def check_others(engine):
    """Files that are neither."""
    out = path(engine, "other")
    for what, annotations, content in [
            ("a recording", {hooked.RECORD: out}, "root:x:0:0\n"),
            ("a recording", {hooked.RECORD: out}, '{"defaultAction": "SCMP_ACT_ALLOW"}\n'),
            ("a profile", {hooked.PROFILE: f"of:{out}"}, "root:x:0:0\n")]:
        with open(out, "w", encoding="ascii") as file:
            file.write(content)
        engine.annotations = annotations
        result = engine.run("other", ECHO)
        with open(out, encoding="ascii") as file:
            kept = file.read()
        tap.ok(result.returncode != 0 and result.stdout == "" and kept == content
               and "what is there is kept: name another file" in result.stderr,
               f"{engine.name}: what is not {what} is not replaced by one", result.returncode, result.stderr, kept)


def main():
    """runc, which calls the hook itself, and podman, which has it do so."""
    hooked.need()
    for name in ("runc", "podman"):
        engine = hooked.engine_or_skip(name, SCRATCH, [workload.program("short_life"), container_work.host_program()])
        if engine:
            with engine:
                for each in (check_lives, check_replicas, check_profile, check_others):
                    each(engine)
    tap.done()


main()
