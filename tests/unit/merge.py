#!/usr/bin/python3
"""sysclamp merge: recordings into one, whatever their order; profiles into one; what does not go together."""
import itertools
import json
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import synthetic  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
GOLDEN = "tests/golden"
MISUSE = 2


def path(name):
    return os.path.join(SCRATCH, name)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def write(name, value):
    with open(path(name), "w", encoding="utf-8") as file:
        json.dump(value, file)
    return path(name)


def merge(*args, stdin=None):
    return workload.sysclamp("merge", *args, stdin=stdin)


def profile(name, rules, default="SCMP_ACT_ERRNO", **keys):
    return write(name, {"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64"], **keys,
                        "syscalls": [{"action": "SCMP_ACT_ALLOW", **rule} for rule in rules]})


def names(*which, **keys):
    return {"names": list(which), **keys}


def test_recordings():
    files = [synthetic.write(path(f"{seed}.json"), 40, seed=seed) for seed in "abc"]
    wanted = merge(*files)
    tap.equal((wanted.returncode, wanted.stderr), (0, b""), "three recordings are joined without a word")
    named = merge("-o", path("all.json"), *files)
    with open(path("all.json"), "rb") as file:
        tap.equal((named.returncode, named.stderr, file.read()),
                  (0, f"sysclamp merge: wrote {path('all.json')}\n".encode(), wanted.stdout), "into a file, which is said")
    for order in itertools.permutations(files):
        tap.equal(merge(*order).stdout, wanted.stdout, "in any order: the same bytes")
    joined = json.loads(wanted.stdout)
    tap.equal(len(joined["sources"]), 3, "all three are in it")
    tap.ok(any("phases_seen_in" in call for call in joined["syscalls"]),
           "and which of them saw a call in which phase")
    for pair in (files[:2], files[1:]):
        merge("-o", path(f"pair{files.index(pair[0])}.json"), *pair)
    tap.equal(merge(path("pair0.json"), path("pair1.json")).stdout, wanted.stdout,
              "{a, b} and {b, c} are {a, b, c}")
    tap.equal(merge(*files, files[0], path("pair1.json")).stdout, wanted.stdout, "given twice: once")
    tap.equal(merge(*files[:2], "-", stdin=read(files[2])).stdout, wanted.stdout, "one from standard input")
    tap.equal(merge(files[0]).stdout, merge(files[0], files[0]).stdout, "one alone is itself")
    shutil.copy(files[0], path("grows.json"))
    result = merge("-o", path("grows.json"), path("grows.json"), *files[1:])
    tap.equal((result.returncode, read(path("grows.json"))), (0, wanted.stdout),
              "-o may be one of them: it is in what replaces it")
    for command in (["generate"], ["report", "-o", "-"]):
        tap.equal(workload.sysclamp(*command, path("grows.json")).stdout, workload.sysclamp(*command, *files).stdout,
                  f"{command[0]}: the join is as good as its parts")


def test_incomplete():
    lost = synthetic.write(path("lost.json"), 20, seed="d", lost=3)
    whole = synthetic.write(path("whole.json"), 20, seed="e")
    merge("-o", path("both.json"), lost, whole)
    joined = json.loads(read(path("both.json")))
    tap.equal((joined["complete"], joined["loss"]["map_full"]), (False, 3), "what was lost stays said")
    tap.equal(workload.sysclamp("generate", path("both.json")).returncode, MISUSE,
              "and no profile is cut from it unasked")


def allowed(result):
    """The names of each rule, and how many arguments it looks at."""
    return [(rule["names"], rule["action"], len(rule.get("args", []))) for rule in
            json.loads(result.stdout)["syscalls"]]


def test_profiles():
    domain = {"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}
    a = profile("a.json", [names("read", "write"), names("socket", **domain)], defaultErrnoRet=38)
    b = profile("b.json", [names("socket", "read")], defaultErrnoRet=38)
    union, both = merge("--union", a, b), merge("--intersect", a, b)
    tap.equal((union.returncode, union.stderr), (0, b""), "a union, without a word")
    tap.equal(allowed(union), [(["read", "socket", "write"], "SCMP_ACT_ALLOW", 0)], "has what any allows")
    tap.equal(allowed(both), [(["read"], "SCMP_ACT_ALLOW", 0), (["socket"], "SCMP_ACT_ALLOW", 1)],
              "an intersection has what both allow")
    tap.equal(merge("--union", b, a).stdout, union.stdout, "in the other order the same bytes")
    tap.equal(merge("--intersect", b, a).stdout, both.stdout, "of an intersection, too")
    tap.equal(merge("--union", a, "-", stdin=read(b)).stdout, union.stdout, "one from standard input")
    tap.equal(merge("--union", "-o", path("union.json"), a, b).returncode, 0, "-o writes a file")
    tap.equal(read(path("union.json")), union.stdout, "the same bytes")
    none = merge("--intersect", a, profile("c.json", [names("close")], defaultErrnoRet=38))
    tap.equal((none.returncode, allowed(none)), (0, []), "nothing in common is a profile that allows nothing")
    tap.ok(b"no rule is left" in none.stderr, "and that is said", none.stderr)
    kill = merge("--union", a, profile("k.json", [], default="SCMP_ACT_KILL_PROCESS"))
    tap.equal(json.loads(kill.stdout)["defaultErrnoRet"], 38, "of two defaults a union has the less strict")


def test_many_files():
    files = [synthetic.write(path(f"n{i}.json"), 12, seed=f"n{i}") for i in range(300)]
    joined = json.loads(merge(*files).stdout)
    runs = {}
    for name in files:
        for call in json.loads(read(name))["syscalls"]:
            runs[call["name"]] = runs.get(call["name"], 0) + 1
    tap.equal(len(joined["sources"]), 300, "300 recordings are joined")
    tap.equal({call["name"]: call["runs"] for call in joined["syscalls"]}, runs,
              "each call with the number of those that saw it")


def test_refused():
    recording = synthetic.write(path("rec.json"), 10)
    plain = profile("plain.json", [names("read")])
    both = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    wide = profile("wide.json", [names("write")], architectures=both)
    bad = write("bad.json", {"defaultAction": "SCMP_ACT_NONE"})
    unknown = profile("unknown.json", [names("read", "nosuchcall")])
    enosys = profile("enosys.json", [names("read")], defaultErrnoRet=38, architectures=["SCMP_ARCH_AARCH64"])
    flags = profile("flags.json", [], flags=["SECCOMP_FILTER_FLAG_LOG"])
    rows = {
        "nothing": ([], "no recording given"),
        "no profile": (["--union"], "no profile given"),
        "both options": (["--union", "--intersect", plain], "--union and --intersect exclude each other"),
        "profiles without an option": ([plain, plain], "plain.json is a profile: .* --union or --intersect"),
        "a recording and a profile": ([recording, plain], "plain.json is a profile: .* recordings"),
        "recordings with an option": (["--union", recording], "rec.json: .* this is a recording, not a profile"),
        "a profile and a recording": (["--intersect", plain, recording], "rec.json: .* this is a recording, not a profile"),
        "standard input twice": (["-", "-"], "can be read once"),
        "-o on a profile": (["--union", "-o", plain, plain], "would overwrite the profile"),
        "a missing file": ([path("none.json")], "none.json: No such file"),
        "a missing profile": (["--union", path("none.json")], "none.json: No such file"),
        "a bad profile": (["--union", plain, bad], r"bad.json: \$.defaultAction: unknown action"),
        "other architectures": (["--union", plain, wide], "read should be answered .* list the same arch"),
        "other architectures and defaults, and a name that is ignored": (
            ["--union", unknown, enosys], "^sysclamp merge: .*unknown.json and .*enosys.json: under .* should get .*; list"),
        "nothing in common": (["--intersect", unknown, enosys], "unknown.json and .*enosys.json: no arch.*; list one"),
        "other flags": (["--union", plain, flags], "plain.json and .*flags.json differ in flags"),
        "an unknown option": (["--difference", plain], "unknown option --difference"),
    }
    for name, (args, pattern) in rows.items():
        with open(path("kept"), "w", encoding="ascii") as file:
            file.write("before")
        out = [] if "-o" in args else ["-o", path("kept")]
        result = merge(*out, *args)
        text = result.stderr.decode()
        tap.ok(result.returncode == MISUSE and text.count("\n") == 1 and not result.stdout
               and re.search(pattern, text), f"{name}: status 2 and one line that says what", result)
        tap.equal(read(path("kept")), b"before", f"{name}: nothing is written")


def main():
    test_recordings()
    test_incomplete()
    test_profiles()
    test_many_files()
    test_refused()
    tap.done()


main()
