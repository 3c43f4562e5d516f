#!/usr/bin/python3
"""Every error: one line that names the thing and the place, its exit status, nothing touched."""
import json
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PLACE = os.path.join(SCRATCH, "place")
USAGE, OWN, NOT_EXECUTABLE, NOT_FOUND = 2, 125, 126, 127
PRINTABLE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*")


def snapshot():
    """All files of the place, with what is in them."""
    seen = {}
    for top, dirs, names in os.walk(PLACE):
        for name in dirs + names:
            path = os.path.join(top, name)
            seen[path] = os.readlink(path) if os.path.islink(path) else None
            readable = os.path.isfile(path) and os.access(path, os.R_OK)
            if readable and os.path.getsize(path) < 1 << 20:
                with open(path, "rb") as file:
                    seen[path] = file.read()
    return seen


def check(label, args, status, *wanted, user=False, **kwargs):
    """One row: run it in the place, look at everything."""
    before = snapshot()
    prefix = workload.as_user([]) if user and os.geteuid() == 0 else []
    got = workload.run([*prefix, workload.SYSCLAMP, *args], **{"cwd": PLACE, **kwargs})
    stderr = got.stderr.decode()
    lines = workload.error_lines(stderr)
    faults = []
    if got.returncode != status:
        faults.append(f"status {got.returncode}, not {status}")
    if got.stdout:
        faults.append("standard output is not empty")
    if len(lines) != 1 or not stderr.endswith("\n") or not lines[0].startswith("sysclamp"):
        faults.append(f"{len(lines)} lines, not one of sysclamp")
    if not PRINTABLE.fullmatch(stderr):
        faults.append("control characters")
    faults += [f"no {text!r} in it" for text in wanted if not re.search(text, stderr)]
    if snapshot() != before:
        faults.append("files have changed")
    tap.ok(not faults, f"{label}: {status}", *faults, got)


def put(name, data, mode=0o644):
    """A file of the place."""
    path = os.path.join(PLACE, name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return name


def changed(recording, *path, to=None):
    """The text of a recording with one value changed; `to` None: removed."""
    copy = json.loads(recording)
    at = copy
    for step in path[:-1]:
        at = at[step]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return json.dumps(copy)


def damaged_texts(good):
    """Name, text that is not even JSON as we take it, what the error must say."""
    text = good.decode()
    yield "empty", b"", "empty"
    yield "white space", b" \n\n", "blank"
    yield "cut in the middle", good[:len(good) // 2], "blank:.*(line )?[0-9]+"
    yield "cut by two bytes", good[:-2], "blank:.*[0-9]+"
    yield "no JSON", b"#!/bin/sh\necho hello\n", "blank:.*[0-9]+"
    yield "nesting", b'{"kind": ' + b"[" * 100, "blank:.*(deep|nest)"
    yield "nesting that would take the stack", b"[" * 1000000, "blank:.*(deep|nest)"
    yield "objects in objects", b'{"a":' * 100000, "blank:.*(deep|nest)"
    yield "NUL", good.replace(b'"kind"', b'"ki\0nd"'), "blank:.*[0-9]+"
    yield "escaped NUL in a key", good.replace(b'"kind"', b'"ki\\u0000nd"'), "blank:"
    yield "byte-order mark", b"\xef\xbb\xbf" + good, "blank:.*(byte.order|BOM)"
    yield "UTF-16", text.encode("utf-16"), "blank:"
    yield "bad UTF-8", good.replace(b"sysclamp.recording", b"sysclamp\xff"), "blank:.*[0-9]+"
    yield "lone surrogate", good.replace(b"sysclamp.recording", b"\\ud800"), "blank:.*[0-9]+"
    yield "text behind it", good + b"{}", "blank:.*[0-9]+"
    yield "comment", b"// c\n" + good, "blank:.*[0-9]+"
    yield "duplicate key", good.replace(b'"version"', b'"version": 1, "version"', 1), (
        "blank:.*(duplicate|twice)")
    yield "duplicate key, far inside", good.replace(b'"nr"', b'"nr": 1, "nr"', 1), (
        "blank:.*(duplicate|twice)")
    yield "number out of all bounds", good.replace(b'"seq":', b'"seq": 1e999, "x":', 1), "blank:"
    yield "number of many digits", re.sub(rb'"count": ?\d+', b'"count": ' + b"9" * 400, good,
                                          count=1), "blank:.*[0-9]+"
    yield "2^64", re.sub(rb'"count": ?\d+', b'"count": 18446744073709551616', good, count=1), (
        "blank:.*[0-9]+")


def damaged_values(good):
    """Name, text that is JSON but no recording, what the error must say."""
    first = ("syscalls", 0)
    yield "a list", "[]", "blank:"
    yield "a string", '"sysclamp.recording"', "blank:"
    yield "null", "null", "blank:"
    yield "an empty object", "{}", "blank:.*kind"
    yield "no kind", changed(good, "kind"), "blank:.*kind"
    yield "another kind", changed(good, "kind", to="other.thing"), "blank:.*kind.*other.thing"
    yield "no version", changed(good, "version"), "blank:.*version"
    yield "version 2", changed(good, "version", to=2), "blank:.*version.*2"
    yield "version 0", changed(good, "version", to=0), "blank:.*version.*0"
    yield "version \"1\"", changed(good, "version", to="1"), "blank:.*version"
    yield "version 1.5", changed(good, "version", to=1.5), "blank:.*version"
    yield "no syscalls", changed(good, "syscalls"), "blank:.*syscalls"
    yield "syscalls an object", changed(good, "syscalls", to={}), "blank:.*syscalls"
    yield "unknown key", changed(good, "surprise", to=1), "blank:.*surprise"
    yield "unknown key in a call", changed(good, *first, "surprise", to=1), (
        r"blank:.*syscalls\[0\].*surprise")
    yield "key that writes to the terminal", changed(good, "\x1b[31mred\nnext\x9bK", to=1), "blank:"
    yield "value that writes to the terminal", changed(good, "kind", to="\x1b[2J\r\n\x7f"), "blank:"
    yield "complete no boolean", changed(good, "complete", to="yes"), "blank:.*complete"
    yield "id too short", changed(good, "id", to="abc"), "blank:.*id"
    yield "unknown ABI", changed(good, *first, "abi", to="pdp11"), r"syscalls\[0\].abi.*pdp11"
    yield "number beyond 32 bits", changed(good, *first, "nr", to=1 << 32), r"syscalls\[0\].nr"
    yield "number no integer", changed(good, *first, "nr", to=1.5), r"syscalls\[0\].nr"
    yield "number a string", changed(good, *first, "nr", to="0"), r"syscalls\[0\].nr"
    yield "negative count", changed(good, *first, "count", to=-1), r"syscalls\[0\].count"
    yield "program that is none", changed(good, *first, "programs", to=[99]), (
        r"syscalls\[0\].programs")
    yield "more denied than made", changed(good, *first, "denied", to=1 << 40), r"syscalls\[0\]"
    calls = json.loads(good)["syscalls"]
    yield "one call twice", changed(good, "syscalls", to=[calls[0], calls[0]]), "syscalls.*twice"
    yield "name of another call", changed(good, *first, "name", to="uname"), r"syscalls\[0\].*uname"
    yield "loss unknown", changed(good, "loss", "surprise", to=1), "blank:.*loss.*surprise"
    yield "status beyond a byte", changed(good, "workload", "status", to=1 << 20), (
        "blank:.*workload.*status")


def check_recordings(good):
    """What generate says to files that are no recordings."""
    for texts in (damaged_texts, damaged_values):
        for name, text, wanted in texts(good):
            put("bad.rec.json", text)
            wanted = wanted.replace("blank", r"bad\.rec\.json")
            check(f"generate: {name}", ["generate", "-o", "out", "bad.rec.json"], USAGE,
                  r"bad\.rec\.json", wanted)
    os.unlink(os.path.join(PLACE, "bad.rec.json"))
    incomplete = json.loads(changed(good, "complete", to=False))
    incomplete["sources"][0]["complete"] = False
    put("incomplete.rec.json", json.dumps(incomplete))
    for name, text in (("half.rec.json", good[:300]), ("good.rec.json", good)):
        put(name, text)
    check("generate: a recording that is incomplete",
          ["generate", "-o", "out", "incomplete.rec.json"], USAGE, r"incomplete\.rec\.json",
          "--allow-incomplete")
    check("generate: a good one and a bad one",
          ["generate", "-o", "out", "good.rec.json", "half.rec.json"], USAGE, r"half\.rec\.json:")
    check("generate: standard input that is cut", ["generate", "-o", "out", "-"], USAGE,
          "standard input", stdin=good[:300])
    check("generate: standard input that is empty", ["generate", "-o", "out", "-"], USAGE,
          "standard input.*empty")
    check("generate: a file too large to be one", ["generate", "huge"], USAGE, "huge", "large")
    check("generate: a profile", ["generate", "-o", "out", "profile.json"], USAGE,
          r"profile\.json", "profile")


def check_files():
    """Files that cannot be read or written."""
    for command, status in ((["generate"], USAGE), (["run", "-p"], OWN),
                            (["install", "--kubelet-dir", "kubelet", "--name", "n", "-p"], USAGE)):
        rest = ["--", "true"] if command[0] == "run" else []
        check(f"{command[0]}: a missing file", [*command, "none/such", *rest], status,
              "none/such: .*No such file")
        check(f"{command[0]}: a directory", [*command, "kubelet", *rest], status,
              "kubelet: .*directory")
        check(f"{command[0]}: an empty file", [*command, "empty", *rest], status, "empty: .*empty")
        check(f"{command[0]}: a file that may not be read", [*command, "secret", *rest], status,
              "secret: .*Permission denied", user=True)
        check(f"{command[0]}: a file below a file", [*command, "empty/x", *rest], status,
              "empty/x: .*Not a directory")
    generate, record = ["generate", "--runtime", "none"], ["record", "-q"]
    for label, out, wanted in (("a directory that is not there", "none/out", "No such file"),
                               ("a directory", "kubelet", "director"),
                               ("a full device", "/dev/full", "No space left")):
        check(f"generate -o {label}", [*generate, "-o", out, "good.rec.json"], USAGE, out, wanted)
        check(f"record -o {label}", [*record, "-o", out, "--", "true"], OWN, out, wanted)
    for command in ([*generate, "-o", "", "good.rec.json"], [*record, "-o", "", "--", "true"],
                    ["merge", "-o", "", "good.rec.json"], ["report", "-o", "", "good.rec.json"],
                    ["convert", "--format", "json", "-o", "", "allow.json"]):
        check(f"{command[0]} -o no name", command, USAGE, "-o \"\": its value is empty")
    check("generate -o a directory that may not be written", [*generate, "-o", "closed/out",
          "good.rec.json"], USAGE, "closed/out: .*Permission denied", user=True)
    check("record -o a directory that may not be written",
          [*record, "-o", "closed/out", "--", "true"], OWN, "closed/out: .*Permission denied",
          user=True)
    check("record in a directory that may not be written", [*record, "--", "true"], OWN,
          "true.rec.json: .*Permission denied", user=True, cwd=os.path.join(PLACE, "closed"))
    check("generate -o the recording itself", [*generate, "-o", "good.rec.json", "good.rec.json"],
          USAGE, r"good\.rec\.json")


def check_full_output():
    """Standard output that takes nothing."""
    for args in (["--help"], ["--version"], ["record", "--help"],
                 ["generate", "--runtime", "none", "good.rec.json"]):
        for label, redirect in (("full", ">/dev/full"), ("closed", ">&-")):
            got = workload.run(["sh", "-c", f'"$0" "$@" {redirect}', workload.SYSCLAMP, *args],
                               cwd=PLACE)
            tap.ok(got.returncode == USAGE and b"standard output" in got.stderr,
                   f"{' '.join(args)}, standard output {label}: {USAGE}", got)


def check_profiles():
    """What run and install say to files that are no profiles."""
    rows = (
        ("a recording", "good.rec.json", None, "recording"),
        ("an empty object", "p", "{}", "defaultAction"),
        ("cut", "p", '{"defaultAction": "SCMP_', "[0-9]+"),
        ("an unknown action", "p", '{"defaultAction": "SCMP_ACT_ALOW"}', "SCMP_ACT_ALOW"),
        ("a rule without action", "p",
         '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["uname"]}]}',
         r"syscalls\[0\]"),
        ("a stricter rule about no call", "p",
         '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":'
         ' [{"names": ["unamme"], "action": "SCMP_ACT_ERRNO"}]}', "unamme"),
        ("an argument that is none", "p",
         '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["uname"], "action":'
         ' "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}',
         r"syscalls\[0\].args\[0\].index"),
        ("rules that disagree", "p",
         '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": ['
         '{"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args":'
         ' [{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}]},'
         '{"names": ["dup"], "action": "SCMP_ACT_KILL_PROCESS", "args":'
         ' [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]}', "dup"),
        ("nesting", "p", "[" * 100000, "deep|nest"),
        ("a duplicate key", "p",
         '{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ERRNO"}',
         "duplicate|twice"),
    )
    for label, name, text, wanted in rows:
        if text:
            put(name, text)
        check(f"run -p: {label}", ["run", "-p", name, "--", "sh", "-c", "echo ran"], OWN,
              re.escape(name), wanted)
        check(f"install -p: {label}", ["install", "-p", name, "--name", "n", "--kubelet-dir",
                                       "kubelet"], USAGE, re.escape(name), wanted)
    check("run: a profile without execve", ["run", "-p", "profile.json", "--", "true"], OWN,
          r"profile\.json", "execve")


def check_commands():
    """Commands that cannot be run."""
    for command in (["record", "-q", "-o", "out", "--"], ["run", "-p", "allow.json", "--"]):
        name = command[0]
        for label, argv, status, wanted in (
                ("no such command", ["no-such-command"], NOT_FOUND, "no-such-command"),
                ("no such file", ["./no-such-file"], NOT_FOUND, "./no-such-file"),
                ("an empty name", [""], NOT_FOUND, ""),
                ("a name of two lines", ["no\nsuch\x1b[31m"], NOT_FOUND, "no.*such"),
                ("not executable", ["./secret2"], NOT_EXECUTABLE, "./secret2"),
                ("a directory", ["./kubelet"], NOT_EXECUTABLE, "./kubelet"),
                ("a directory in /", ["/usr"], NOT_EXECUTABLE, "/usr"),
                ("a file below a file", ["./empty/x"], NOT_EXECUTABLE, "./empty/x"),
                ("no format that the kernel knows", ["./odd"], NOT_EXECUTABLE, "./odd"),
                ("an interpreter that is missing", ["./orphan"], NOT_FOUND, "./orphan")):
            check(f"{name}: {label}", [*command, *argv], status, wanted)


def check_misuse():
    """The command line."""
    for label, args, wanted in (
            ("nothing", [], "no command"),
            ("unknown command", ["recrod"], "recrod"),
            ("a command cut short", ["rec"], "rec"),
            ("an option in front of the command", ["-o", "x", "record"], "-o"),
            ("record: no command", ["record"], "no command"),
            ("record: no command behind --", ["record", "-o", "out", "--"], "no command"),
            ("record: unknown option", ["record", "--bogus", "true"], "--bogus"),
            ("record: unknown short option", ["record", "-x", "true"], "-x"),
            ("record: unknown short option behind a known", ["record", "-qx", "true"], "x"),
            ("record: an option cut short", ["record", "--back", "ptrace", "true"], "--back"),
            ("record: cut short, with a value", ["record", "--outp=out", "true"], "--outp"),
            ("record: no value", ["record", "-o"], "-o"),
            ("record: no value for a long one", ["record", "--backend"], "--backend"),
            ("record: a value too many", ["record", "--quiet=yes", "true"], "--quiet"),
            ("record: unknown back end", ["record", "--backend", "magic", "true"], "magic"),
            ("record: an empty directory", ["record", "--all-containers", "-d", ""], '-d "": its value is empty'),
            ("record: the same behind another letter", ["record", "--all-containers", "-qd", ""], ' -d "": '),
            ("record: the same by its long name", ["record", "--directory=", "true"], '--directory "": '),
            ("record: an empty cgroup", ["record", "--cgroup", ""], '--cgroup "": '),
            ("install: an empty directory", ["install", "-p", "allow.json", "--name", "n", "--kubelet-dir", ""],
             '--kubelet-dir "": its value is empty'),
            ("generate: no notes", ["generate", "--notes", "", "good.rec.json"], '--notes "": '),
            ("generate: an empty base", ["generate", "--base=", "good.rec.json"], '--base "": '),
            ("run: an empty profile", ["run", "-p", "", "true"], '-p "": '),
            ("run: an empty bundle", ["run", "--bundle", ""], '--bundle "": '),
            ("run: an empty root", ["run", "--root", "", "true"], '--root "": '),
            ("run: an empty switch", ["run", "--init=", "true"], '--init "": '),
            ("generate: no recording", ["generate"], "no recording"),
            ("generate: unknown option", ["generate", "--bogus", "x"], "--bogus"),
            ("generate: an option cut short", ["generate", "--run", "none", "x"], "--run"),
            ("generate: no value", ["generate", "--runtime"], "--runtime"),
            ("generate: runtime", ["generate", "--runtime", "docker", "x"], "docker"),
            ("generate: nnp", ["generate", "--nnp", "maybe", "x"], "maybe"),
            ("generate: action", ["generate", "--default-action", "allow", "x"], "allow"),
            ("generate: format", ["generate", "--format", "yaml", "x"], "yaml"),
            ("generate: errno", ["generate", "--errno", "EFOO", "x"], "EFOO"),
            ("generate: errno 0", ["generate", "--errno", "0", "x"], "0"),
            ("generate: errno 4096", ["generate", "--errno", "4096", "x"], "4096"),
            ("generate: errno and kill", ["generate", "--errno", "1", "--default-action", "kill",
                                          "x"], "--errno"),
            ("generate: standard input twice", ["generate", "-", "-"], "standard input"),
            ("run: no profile", ["run", "--", "true"], "-p"),
            ("run: no command", ["run", "-p", "allow.json"], "no command"),
            ("run: unknown option", ["run", "--bogus", "true"], "--bogus"),
            ("run: an option cut short", ["run", "--prof", "allow.json", "true"], "--prof"),
            ("install: no profile", ["install", "--name", "n"], "-p"),
            ("install: no name", ["install", "-p", "allow.json"], "--name"),
            ("install: an option cut short", ["install", "--dry", "-p", "allow.json", "--name",
                                              "n"], "--dry"),
            ("install: a word too many", ["install", "-p", "allow.json", "--name", "n", "more"],
             "more")):
        check(label, args, USAGE, wanted)


def check_install():
    """Names and places that install refuses."""
    install = ["install", "-p", "allow.json", "--kubelet-dir"]
    for name in ("", "/abs", "..", "../up", "a/../b", "a//b", "a/", ".", "./a", "a b", "a\nb",
                 "x" * 300):
        check(f"install --name {name[:12]!r}", [*install, "kubelet", "--name", name], USAGE)
    check("install: a place that is a file", [*install, "empty", "--name", "n"], USAGE, "empty")
    check("install: a place below a file", [*install, "empty/x", "--name", "n"], USAGE, "empty/x")
    check("install: a link in the way", [*install, "linked", "--name", "n"], USAGE, "seccomp")
    check("install: a link below", [*install, "linked2", "--name", "away/n"], USAGE, "away")
    check("install: a place that may not be written", [*install, "closed", "--name", "n"], USAGE,
          "closed.*Permission denied", user=True)


def furnish():
    """Fill the place; returns the bytes of a good recording."""
    os.mkdir(PLACE)
    for path in ("kubelet", "elsewhere", "linked", "linked2/seccomp"):
        os.makedirs(os.path.join(PLACE, path))
    os.symlink("../elsewhere", os.path.join(PLACE, "linked", "seccomp"))
    os.symlink("../../elsewhere", os.path.join(PLACE, "linked2", "seccomp", "away"))
    put("out", "the old file\n")
    put("empty", "")
    put("secret", "{}", 0)
    os.mkdir(os.path.join(PLACE, "closed"), 0o555)
    put("secret2", "#!/bin/sh\n", 0o644)
    put("odd", b"\x00\x01\x02 no program", 0o755)
    put("orphan", "#!/no/such/interpreter\n", 0o755)
    put("allow.json", '{"defaultAction": "SCMP_ACT_ALLOW"}\n')
    put("profile.json", '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls":'
        ' [{"names": ["uname"], "action": "SCMP_ACT_ALLOW"}]}\n')
    os.truncate(os.path.join(PLACE, put("huge", b"")), 64 * 1024 * 1024 + 1)
    path = os.path.join(SCRATCH, "good.rec.json")
    result, seen = workload.record(["true"], path)
    tap.ok(result.returncode == 0 and seen.complete, "a good recording", result)
    shutil.copy(path, os.path.join(PLACE, "good.rec.json"))
    with open(path, "rb") as file:
        return file.read()


def main():
    """All of it."""
    workload.share(SCRATCH)
    good = furnish()
    check_recordings(good)
    check_files()
    check_full_output()
    check_profiles()
    check_commands()
    check_misuse()
    check_install()
    tap.done()


if __name__ == "__main__":
    main()
