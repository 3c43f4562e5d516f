#!/usr/bin/python3
"""The file of run --config and the plan of --dry-run=json, by their schemas in docs/.

The schema of the file, the options and the reader agree: on the names, and on each value of a table. Every
plan is valid, and names what was said.
"""
import json
import os
import re
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402

try:
    import jsonschema
except ImportError:
    tap.skip("kubernetes", "schemas", "python3-jsonschema is not there")
    tap.done()

SCRATCH = tap.scratch()
# As user 0 of a namespace, whoever runs this.
ROOT = ["unshare", "--user", "--map-root-user", "--"]


def schema(name):
    """A validator that is strict about itself, too."""
    with open(f"docs/{name}.schema.json", encoding="utf-8") as file:
        text = json.load(file)
    jsonschema.Draft7Validator.check_schema(text)
    return jsonschema.Draft7Validator(text)


FILE, PLAN = schema("sandbox"), schema("plan")


def faults(validator, value):
    """What is wrong with it."""
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(value)]


def run(config, *options):
    """run --config of this value, as JSON, with --dry-run=json."""
    path = os.path.join(SCRATCH, "web.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config if isinstance(config, str) else json.dumps(config))
    return workload.run([*ROOT, workload.SYSCLAMP, "run", "--dry-run=json", "--config", path, *options])


# Field: values that are taken, values that are not.
VALUES = {
    "$schema": (["x"], []),
    "command": ([["true"], ["true", ""]], [[], "true", [1]]),
    "profile": ([f"{SCRATCH}/allow.json", [f"{SCRATCH}/allow.json"] * 2], [1, "", [""], ["x"] * 17]),
    "at": (["main", "launch"], [True, ""]),
    "mode": (["filter"], ["strictly", 1]),
    "then": ([], [1, ""]),
    "within": ([], ["1y", 5]),
    "new-privs": ([True, False], ["yes", 1]),
    "user": (["0:0", "root", 0], ["0:", ":0", -1, True, ""]),
    "group": ([0, "root"], ["", "0:0", False]),
    "group-add": ([0, "0", [0, "root"]], [[""], [[]], True, [-1]]),
    "init-groups": ([False], ["false"]),
    "keep-groups": ([False], [None, 1]),
    "cap-add": (["chown", ["CAP_CHOWN", "kill,net_raw"], "all"], ["", "0", [1]]),
    "cap-drop": (["all", []], ["0 ", [""]]),
    "workdir": (["/"], [".", ""]),
    "umask": (["022", "0777"], [22, "22", "888"]),
    "ulimit": (["nofile=1", ["nofile=1:2", "core=unlimited"]], ["nofile", "nofile=x", [1]]),
    "oom-score-adj": ([5, -5, "7"], [1001, "x", 1.5]),
    "preserve-fd": ([0, "1", ["1,2", 0]], ["x", -1, [""]]),
    "new-session": ([True, False], ["no"]),
    "init": ([True, False], [0]),
    "die-with-parent": ([True, False], ["x"]),
    "tty": ([False], ["x"]),
    "clearenv": ([True, False], ["x"]),
    "unsetenv": (["A", ["A", "B"]], ["A=b", ""]),
    "env": (["A=b", ["A=b", "C"]], ["=b", "", [1, "=", {}]]),
    **{name: (["private", "host", "ns:/x"], ["new", "ns:", "", True])
       for name in ("userns", "pid", "mountns", "ipc", "uts", "cgroupns", "timens")},
    "net": (["private", "none", "host", "ns:/x"], ["bridge"]),
    "unshare-all": ([True, False], ["x"]),
    "uidmap": (["0:0:1", ["0:0:1", "1:1:2"]], ["0:0", "0:0:1:", 5]),
    "gidmap": (["0:0:1"], ["a:0:1"]),
    "hostname": (["web"], ["", 1.5]),
    "domainname": (["example"], [""]),
    "monotonic": ([5, -5, "0.5"], ["x", "1.", 1.5]),
    "boottime": ([5], ["1e3"]),
    "sysctl": ([[]], ["a", "=1"]),
    "root": (["/srv"], [""]),
    "read-only": ([True, False], ["x"]),
    "propagation": (["rslave", "private"], ["r", ""]),
    "private-proc": ([True, False], ["x"]),
    "private-dev": ([True, False], ["x"]),
    "private-tmp": ([True, False], [1]),
    "volume": (["/a:/b:ro", ["/a", "/b:/c"]], ["", [1, ""]]),
    "tmpfs": (["/t", ["/t:size=1m"]], ["t", ""]),
    "mount": (["type=proc,target=/proc"], ["proc", ""]),
    "device": (["/dev/null"], ["", {}]),
    "mask-path": (["/proc/kcore", ["/a", "/b"]], ["a", [""]]),
    "read-only-path": (["/proc/sys"], ["", "./a"]),
    "landlock": (["none", ["rx:/", "make-reg,refer:/var"]], ["", "ro", "ro:a"]),
    "landlock-tcp": (["none", ["bind:80", "bind,connect:1"]], ["80", "listen:80"]),
    "landlock-scope": (["signal", ["abstract-unix-socket"]], ["signals", ""]),
    "landlock-strict": ([True, False], ["x"]),
}


def with_field(name, value):
    """A file with one field beside what it takes to run anything."""
    base = {"command": ["true"], "umask": "022"}
    if name == "at":
        base["profile"] = f"{SCRATCH}/allow.json"
    return {**base, name: value}


def check_values():
    """Schema and reader agree on each value; and what is taken makes a valid plan."""
    for name, (good, bad) in VALUES.items():
        wrong = []
        for value in good:
            done = run(with_field(name, value))
            found = faults(FILE, with_field(name, value))
            if done.returncode or found:
                wrong.append((value, done.stderr, found))
            else:
                wrong += faults(PLAN, json.loads(done.stdout))
        for value in bad:
            done = run(with_field(name, value))
            stated = re.search(rb"web.json: \$\.", done.stderr) or b"--" in done.stderr
            if value is None:  # says nothing
                continue
            if not done.returncode or not stated or not faults(FILE, with_field(name, value)):
                wrong.append((value, done.returncode, done.stderr, "not refused by both"))
        tap.equal(wrong, [], f"{name}: the schema and the reader agree")


def options_of_cage():
    """The long options that --help-cage lists."""
    text = workload.sysclamp("run", "--help-cage").stdout.decode()
    return set(re.findall(r"^  (?:-\w,|   ) --([a-z-]+)", text, re.M))


def options_of_run():
    """The long options that --help lists."""
    text = workload.sysclamp("run", "--help").stdout.decode()
    return set(re.findall(r"^  (?:-\w,|   ) --([a-z-]+)", text, re.M))


# Of the command line alone: where files are, what is shown, who is asked.
ALONE = {"print-profile", "bpf", "unproven", "on-deny", "output", "config", "bundle", "dry-run", "help", "help-cage"}


def check_names():
    """Every option has a field, every field an option, the schema has them all, and the man pages, too."""
    fields = set(FILE.schema["properties"])
    cage, options = options_of_cage(), options_of_run()
    tap.equal(fields - {"$schema", "command"}, cage | (options - ALONE), "fields are options")
    tap.equal(set(VALUES), fields, "each is tried here")
    for page, names in (("sysclamp.1", cage | options - {"help"}), ("sysclamp-sandbox.5", fields - {"$schema"})):
        with open(f"docs/{page}", encoding="utf-8") as file:
            text = file.read()
        text = "\n".join(line for line in text.splitlines() if line.startswith(".It"))
        missing = [name for name in sorted(names) if not re.search(rf"[ -]{name}(?![\w-])", text)]
        tap.equal(missing, [], f"{page}: has them all")


def check_file():
    """What a file of ours is, besides."""
    with open("docs/sandbox.example.json", encoding="utf-8") as file:
        example = json.load(file)
    tap.equal(faults(FILE, example), [], "the example is valid")
    example["profile"] = f"{SCRATCH}/allow.json"
    example["user"] = "0:0"
    done = run(example)
    plan = json.loads(done.stdout or "{}")
    tap.ok(done.returncode == 0 and not faults(PLAN, plan) and plan["command"][0] == "/usr/sbin/nginx",
           "the example is taken", done, faults(PLAN, plan))
    for text, wanted in (("", "empty"), ("{", ":1:1: not valid JSON"), ("[]", "object"), ('{"user": "0:0", "user": "1:1"}', "user"),
                         ('{"hostnam": "a"}', "did you mean hostname"), ('{"User": "0:0"}', "did you mean user"),
                         ('{"umask": "022", "x": {}}', 'unknown field "x"'),
                         ('{"umask": "022"} x', "web.json"), ('{"env": ["A=b", "=b"]}', r"\$\.env\[1\]: ")):
        done = run(text)
        tap.ok(done.returncode == 125 and not done.stdout and done.stderr.count(b"\n") == 1
               and re.search(wanted, done.stderr.decode()), f"{text}: refused", done)
    done = run({"command": ["true"], "env": ["A=1"], "umask": "022", "ulimit": "core=1", "cap-drop": "kill"},
               "--env", "B=2", "--umask", "077", "--ulimit", "nofile=5", "--clearenv", "--", "false", "x")
    plan = json.loads(done.stdout)
    tap.equal((plan["command"], plan["environment"], plan["cage"]["umask"],
               [limit["name"] for limit in plan["cage"]["limits"]]),
              (["false", "x"], ["A=1", "B=2"], 0o077, ["RLIMIT_CORE", "RLIMIT_NOFILE"]),
              "options add to the file, or take the place of what stands once")
    done = workload.run([*ROOT, workload.SYSCLAMP, "run", "--config", "-", "--dry-run=json"],
                        stdin=b'{"command": ["true"], "hostname": "web"}')
    tap.equal(json.loads(done.stdout)["cage"]["hostname"], "web", "from standard input")
    done = run({"umask": "022"})
    tap.ok(done.returncode == 2 and b"no command given" in done.stderr, "no command", done)
    done = run({"command": ["true"]})
    tap.ok(done.returncode == 2 and b"no profile given" in done.stderr, "nothing that holds it", done)
    null = run({"command": ["true"], "umask": "022", "hostname": None})
    tap.ok(null.returncode == 125 and b"$.hostname" in null.stderr, "null is no value", null)


def check_schemas():
    """They are strict themselves: each way to spoil a plan is noticed."""
    plan = json.loads(run({"command": ["true"], "private-dev": True, "user": "0:0", "landlock": "ro:/"}).stdout)
    for what, spoil in {
            "a missing field": lambda p: p["cage"].pop("mounts"), "another one": lambda p: p["cage"].update(x=1),
            "a field of a mount": lambda p: p["cage"]["mounts"][0].update(x=1),
            "a version": lambda p: p.update(version=2),
            "a right": lambda p: p["cage"]["landlock"]["paths"][0].update(rights=1)}.items():
        copy = json.loads(json.dumps(plan))
        spoil(copy)
        tap.ok(faults(PLAN, copy) and not faults(PLAN, plan), f"the plan's schema notices {what}", faults(PLAN, plan))


with open(os.path.join(SCRATCH, "allow.json"), "w", encoding="utf-8") as allow:
    allow.write('{"defaultAction": "SCMP_ACT_ALLOW"}')
if workload.run([*ROOT, "true"]).returncode:
    tap.skip("userns", "files and plans", "no user namespaces")
    tap.done()
for check in (check_names, check_values, check_file, check_schemas):
    check()
tap.done()
