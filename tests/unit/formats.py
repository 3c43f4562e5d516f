#!/usr/bin/env python3
"""What sysclamp convert writes in each format says what the profile says: read back, call by call.

Random profiles go out in every format and are evaluated by readers of those formats (tests/meaning.py)
beside the profile itself; Kubernetes' objects are held against strict schemas (tests/schemas), C headers
are compiled, and what a format cannot say is refused by name.
"""
import errno
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, "tests")
import meaning  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

try:
    import jsonschema
    import yaml
except ImportError:
    tap.skip("kubernetes", "formats read back", "python3-yaml or python3-jsonschema is not there")
    tap.done()

SCHEMAS = "tests/schemas"
ALLOW, KILL = "SCMP_ACT_ALLOW", "SCMP_ACT_KILL_PROCESS"
ERRNOS = {name: code for code, name in errno.errorcode.items()}
ENOSYS = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}
EPERM = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1}
ERRNO_DEFAULTS = [ENOSYS, EPERM, {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13}]
KILLS = {"defaultAction": KILL}
ALLOWS = {"action": ALLOW}
DENIES = [{"action": "SCMP_ACT_ERRNO", "errnoRet": code} for code in (1, 38, 13, 4095)]
ROUNDS = 12

tmp = tap.scratch()


def known_names():
    """The names of x86_64 that the kernel's header and sysclamp know."""
    names = {name for _, name in workload.header_names("64")}
    path = write({**KILLS, "syscalls": [{"names": sorted(names), "action": ALLOW}]})
    told = convert(path, "json")[2]
    return sorted(name for name in names if f'"{name}"' not in told)


def write(profile, name="web"):
    """A profile as a file; its path."""
    path = os.path.join(tmp, f"{name}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(profile, file)
    return path


def convert(path, form, *options):
    """Exit status, standard output, standard error."""
    done = workload.sysclamp("convert", "--format", form, *options, path)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def converted(profile, form, *options):
    """Standard output of a conversion that must work."""
    status, out, err = convert(write(profile), form, *options)
    if status:
        raise AssertionError(f"--format {form}: {err}")
    return out


def difference(profile, reader, names, rng, same=lambda want, got, _name: want == got):
    """A call that is answered otherwise than the profile says, or None."""
    want = meaning.Profile(profile)
    for name in names:
        for args in meaning.sample_args(rng, profile, name):
            if not same(want.of(name, args), reader.of(name, args), name):
                return name, args, want.of(name, args), reader.of(name, args)
    return None


def read_back(title, form, read, same=None, options=(), **choices):
    """Random profiles of these choices, converted, read by `read`, and found to mean the same."""
    rng = meaning.seeded(form + title)
    for _ in range(ROUNDS):
        profile = meaning.random_profile(rng, NAMES, **choices)
        found = difference(profile, read(converted(profile, form, *options)), NAMES, rng,
                           *([same] if same else []))
        if found:
            return tap.ok(False, title, found, json.dumps(profile))
    return tap.ok(True, title)


# Schemas

def validator(name):
    """A schema of ours, with what it refers to as its own: jsonschema's ways to find files differ by version."""
    def load(file):
        with open(os.path.join(SCHEMAS, file), encoding="utf-8") as stream:
            return json.loads(stream.read().replace('"metadata.json#/', '"#/'))
    schema = load(f"{name}.json")
    shared = load("metadata.json")["definitions"]
    schema["definitions"] = {**shared, **schema.get("definitions", {})}
    return jsonschema.Draft7Validator(schema)


def faults(schema, value):
    """What is wrong with it."""
    return [f"{list(error.absolute_path)}: {error.message}" for error in schema.iter_errors(value)]


def check_schema(name, text, spoilt):
    """It is valid; and each way to spoil it is noticed."""
    schema = validator(name)
    tap.equal(faults(schema, yaml.safe_load(text)), [], f"{name}: valid by a schema that is strict")
    for what, spoil in spoilt.items():
        value = yaml.safe_load(text)
        spoil(value)
        tap.ok(faults(schema, value), f"{name}: the schema refuses {what}")


def container_of(patch):
    return patch["spec"]["template"]["spec"]["containers"][0]


def test_schemas():
    profile = {**ENOSYS, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
               "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [
                   {"names": ["read", "execve"], **ALLOWS}, {"names": ["write"], **DENIES[0]},
                   {"names": ["ioctl"], **ALLOWS, "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}]}]}
    for version in ("v1", "v1beta1"):
        form = "seccompprofile" if version == "v1" else "seccompprofile-v1beta1"
        text = converted(profile, form, "--lossy")
        tap.equal(yaml.safe_load(text)["apiVersion"], f"security-profiles-operator.x-k8s.io/{version}",
                  f"{form}: the version of the API")
        check_schema("seccompprofile", text, {
            "a misspelt field": lambda cr: cr["spec"].update(defaultaction=cr["spec"].pop("defaultAction")),
            "defaultErrnoRet": lambda cr: cr["spec"].update(defaultErrnoRet=38),
            "an unknown action": lambda cr: cr["spec"]["syscalls"][0].update(action="SCMP_ACT_ALOW"),
            "a namespace": lambda cr: cr["metadata"].update(namespace="x"),
            "a name in capitals": lambda cr: cr["metadata"].update(name="Web"),
            "a number above 2^63-1": lambda cr: cr["spec"]["syscalls"][-1].update(
                args=[{"index": 0, "op": "SCMP_CMP_EQ", "value": 1 << 63}]),
            "a rule without names": lambda cr: cr["spec"]["syscalls"][0].update(names=[]),
        })
    check_schema("configmap", converted(profile, "configmap", "--namespace", "apps"), {
        "a misspelt field": lambda cm: cm.update(imutable=cm.pop("immutable")),
        "data that is no text": lambda cm: cm.update(data={"a": 1}),
        "a key with a slash": lambda cm: cm.update(data={"a/b": ""}),
    })
    check_schema("patch", converted(profile, "patch"), {
        "a misspelt field": lambda p: container_of(p)["securityContext"].update(seccompprofile={}),
        "an absolute path": lambda p: container_of(p)["securityContext"]["seccompProfile"].update(
            localhostProfile="/a"),
        "a path upwards": lambda p: container_of(p)["securityContext"]["seccompProfile"].update(
            localhostProfile="a/../b"),
        "no path": lambda p: container_of(p)["securityContext"]["seccompProfile"].pop("localhostProfile"),
        "a path beside RuntimeDefault": lambda p: container_of(p)["securityContext"]["seccompProfile"].update(
            type="RuntimeDefault"),
        "a container without its name": lambda p: container_of(p).pop("name"),
    })


# JSON and Kubernetes

def test_json():
    rng = meaning.seeded("json")
    for _ in range(ROUNDS):
        profile = meaning.random_profile(rng, NAMES, ERRNO_DEFAULTS + [KILLS, ALLOWS_ALL], [ALLOWS, *DENIES],
                                         conditional=3)
        once = converted(profile, "json")
        if json.loads(once) != profile or converted(json.loads(once), "json") != once:
            return tap.ok(False, "json: parse and emit are inverse", once)
    return tap.ok(True, "json: parse and emit are inverse")


def of_seccompprofile(text):
    """The spec, as the operator hands it to a runtime."""
    cr = yaml.safe_load(text)
    found = faults(CR_SCHEMA, cr)
    if found:
        raise AssertionError(f"schema: {found}")
    return meaning.Profile(cr["spec"])


def test_seccompprofile():
    read_back("seccompprofile: names only, whatever the default's errno", "seccompprofile",
              of_seccompprofile, defaults=ERRNO_DEFAULTS, actions=[ALLOWS, *DENIES])
    read_back("seccompprofile: names only, other defaults", "seccompprofile", of_seccompprofile,
              defaults=[KILLS, ALLOWS_ALL, {"defaultAction": "SCMP_ACT_LOG"}], actions=[ALLOWS, *DENIES])
    read_back("seccompprofile: arguments, where the default is one that it can say", "seccompprofile",
              of_seccompprofile, defaults=[KILLS, EPERM], actions=[ALLOWS, *DENIES[1:]], conditional=4)
    read_back("seccompprofile --lossy: of other arguments the errno is lost, and nothing else",
              "seccompprofile", of_seccompprofile, options=["--lossy"], defaults=[ENOSYS],
              actions=[ALLOWS], conditional=4,
              same=lambda want, got, _name: want == got or
              (want, got) == (("SCMP_ACT_ERRNO", 38), ("SCMP_ACT_ERRNO", 1)))
    profile = {**EPERM, "syscalls": [{"names": ["read"], **DENIES[1]}, {"names": ["read"], **ALLOWS},
                                     {"names": ["write", "write"], **ALLOWS}]}
    tap.equal(meaning.Profile(yaml.safe_load(converted(profile, "seccompprofile"))["spec"]).of("read", [0] * 6),
              ("SCMP_ACT_ERRNO", 38), "seccompprofile: of two rules the first holds")
    profile = {**ENOSYS, "syscalls": [{"names": ["read"], **DENIES[0]}, {"names": ["read"], **ALLOWS}]}
    tap.equal(meaning.Profile(yaml.safe_load(converted(profile, "seccompprofile"))["spec"]).of("read", [0] * 6),
              ("SCMP_ACT_ERRNO", 1), "also when it says what becomes the default")


def test_configmap():
    profile = meaning.random_profile(meaning.seeded("cm"), NAMES, [ENOSYS], [ALLOWS], conditional=3)
    plain = converted(profile, "json")
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    config = yaml.safe_load(converted(profile, "configmap", "--namespace", "apps"))
    tap.equal(config["data"], {f"web-{digest}.json": plain}, "configmap: the profile, byte for byte")
    tap.equal(config["metadata"], {"name": f"web-{digest}", "namespace": "apps"},
              "configmap: named by its content")
    tap.ok(config["immutable"] is True, "configmap: immutable")
    large = {**ENOSYS, "syscalls": [{"names": [f"{'x' * 50}{n}_{k}" for k in range(4000)], **ALLOWS}
                                    for n in range(5)]}
    status, out, err = convert(write(large), "configmap")
    tap.ok(status == 2 and not out and "1 MiB" in err.splitlines()[-1],
           "configmap: more than 1 MiB is refused", err[-300:])


def test_patch():
    profile = {**ENOSYS, "syscalls": [{"names": ["read", "execve"], **ALLOWS}]}
    path = write(profile)
    os.mkdir(os.path.join(tmp, "kubelet"))
    done = workload.sysclamp("install", "--dry-run", "--kubelet-dir", os.path.join(tmp, "kubelet"), "-p", path,
                             "--name", "shop.web")
    patch = yaml.safe_load(converted(profile, "patch", "--name", "shop.web", "--container", "nginx"))
    named = container_of(patch)["securityContext"]["seccompProfile"]["localhostProfile"]
    tap.ok(named in (done.stdout + done.stderr).decode() and named.startswith("shop.web-"),
           "patch: names the file that install puts in place", patch, done)
    tap.equal(container_of(patch)["name"], "nginx", "patch: --container is whom it is for")
    tap.ok(container_of(patch)["securityContext"]["allowPrivilegeEscalation"] is False,
           "patch: allowPrivilegeEscalation is false")


def coverage(*paths, options=()):
    """The annotation, and the calls that are allowed."""
    done = workload.sysclamp("generate", "--format", "seccompprofile", "--errno", "EPERM", *options, *paths)
    cr = yaml.safe_load(done.stdout)
    tap.equal(faults(CR_SCHEMA, cr), [], "seccompprofile from a recording: valid", done.stderr)
    return (json.loads(cr["metadata"]["annotations"]["spo.x-k8s.io/syscall-coverage"]),
            {name for rule in cr["spec"]["syscalls"] for name in rule["names"]})


def test_coverage():
    seen, recordings = {}, []
    for name in ("web", "compat"):
        with open(f"tests/golden/{name}.rec.json", encoding="utf-8") as file:
            recordings.append(json.load(file))
        for call in {call["name"] for call in recordings[-1]["syscalls"] if "name" in call}:
            seen[call] = seen.get(call, 0) + 1
    got, allowed = coverage("tests/golden/web.rec.json", "tests/golden/compat.rec.json")
    tap.equal(got, {"version": "v1", "total": 2,
                    "syscalls": {name: runs for name, runs in seen.items() if name in allowed}},
              "seccompprofile from recordings: in how many of them each allowed call was seen")
    for call in recordings[0]["syscalls"]:
        if call.get("name") == "close":
            call["denied"] = call["count"]
    denied = os.path.join(tmp, "denied.rec.json")
    with open(denied, "w", encoding="utf-8") as file:
        json.dump(recordings[0], file)
    got, allowed = coverage(denied)
    tap.ok("close" in allowed and "close" not in got["syscalls"] and got["syscalls"]["read"] == 1,
           "a call that is allowed for the runtime alone was seen in none", got)


# minijail and systemd

def as_minijail(want, got, name):
    """minijail kills in its own way, and may do so with calls that not every minijail knows."""
    return got == ("kill" if want == KILL else want) or (got == "kill" and want != ALLOW and name in NEWER)


def of_minijail(text):
    return meaning.Minijail(text, ERRNOS)


def test_minijail():
    for title, choices in {
            "names only": {"conditional": 0}, "arguments as generate checks them": {"conditional": 4, "simple": True},
            "arguments under all operators": {"conditional": 4}}.items():
        read_back(f"minijail: {title}", "minijail", of_minijail, same=as_minijail,
                  defaults=ERRNO_DEFAULTS + [KILLS], actions=[ALLOWS, *DENIES], **choices)
    read_back("minijail --lossy: of two architectures one", "minijail", of_minijail, same=as_minijail,
              options=["--lossy"], defaults=ERRNO_DEFAULTS, actions=[ALLOWS], conditional=2, simple=True,
              abis=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    profile = {**KILLS, "architectures": ["SCMP_ARCH_X86"], "syscalls": [
        {"names": ["ioctl"], **ALLOWS, "args": [{"index": 1, "value": 1 << 32, "op": "SCMP_CMP_EQ"}]},
        {"names": ["fcntl"], **ALLOWS, "args": [{"index": 1, "value": 1 << 32, "op": "SCMP_CMP_LT"}]},
        {"names": ["read"], **ALLOWS, "args": [
            {"index": 1, "value": (1 << 64) - 1, "valueTwo": 7, "op": "SCMP_CMP_MASKED_EQ"}]}]}
    lines = converted(profile, "minijail").splitlines()
    tap.equal([line for line in lines if not line.startswith("#")], ["fcntl: 1", "read: arg1 == 0x7"],
              "minijail: on 32 bits what is always or never so is no expression")


def test_systemd():
    table = meaning.group_table()
    for version, groups in table.items():
        for title, choices in {
                "what is allowed": {"defaults": ERRNO_DEFAULTS + [KILLS], "actions": [ALLOWS]},
                "some with an answer of their own":
                    {"defaults": ERRNO_DEFAULTS + [KILLS], "actions": [ALLOWS, *DENIES, {"action": KILL}]},
                "what is denied": {"defaults": [ALLOWS_ALL], "actions": [*DENIES, {"action": KILL}]}}.items():
            read_back(f"systemd {version}: {title}", "systemd",
                      lambda text, groups=groups: meaning.Unit(text, groups, ERRNOS),
                      same=lambda want, got, _name: got == ("kill" if want == KILL else want) or
                      got == ("SCMP_ACT_ERRNO", 38) and want != ALLOW, **choices)
    test_groups_used(table)
    profile = meaning.random_profile(meaning.seeded("lossy"), NAMES, [ENOSYS], [ALLOWS], conditional=5)
    unit = meaning.Unit(converted(profile, "systemd", "--lossy"), table["252"], ERRNOS)
    names = sorted({name for rule in profile["syscalls"] for name in rule["names"]})
    tap.equal([name for name in NAMES if unit.of(name, []) == ALLOW], [n for n in NAMES if n in names],
              "systemd --lossy: checks of arguments become names")


def test_groups_used(table):
    """All calls of some groups: the groups, and nothing of theirs by name."""
    groups = table["257"]
    allowed = {name for group in ("@default", "@file-system", "@io-event", "@timer") for name in groups[group]}
    allowed |= table["252"]["@default"] | {"ptrace"}
    profile = {**ENOSYS, "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": sorted(allowed), **ALLOWS}]}
    lines = [line for line in converted(profile, "systemd").splitlines() if line.startswith("SystemCallFilter=")]
    tap.ok(lines[1].startswith("SystemCallFilter=@file-system @io-event @timer ") and " ptrace " in " ".join(lines),
           "systemd: groups stand for what they hold", lines)
    tap.ok(not any("~" in line for line in lines), "and nothing is taken out", lines)


def verify_unit(name, profile, *options):
    """What systemd-analyze says of a unit with the drop-in."""
    place = os.path.join(tmp, "units")
    os.makedirs(os.path.join(place, f"{name}.service.d"), exist_ok=True)
    unit = os.path.join(place, f"{name}.service")
    with open(unit, "w", encoding="ascii") as file:
        file.write("[Service]\nExecStart=/bin/true\nSystemCallFilter=@system-service\n")
    with open(f"{unit}.d/sysclamp.conf", "w", encoding="ascii") as file:
        file.write(converted(profile, "systemd", *options))
    done = workload.run(["systemd-analyze", "verify", "--man=no", unit])
    return done.returncode, [line for line in done.stderr.decode().splitlines() if "sysclamp.conf" in line]


def test_verify():
    try:
        workload.run(["systemd-analyze", "--version"])
    except FileNotFoundError:
        return tap.skip("systemd", "systemd-analyze verify", "systemd is not there")
    rng, complaints = meaning.seeded("verify"), []
    for _ in range(5):
        profile = meaning.random_profile(rng, NAMES, ERRNO_DEFAULTS + [KILLS], [ALLOWS, *DENIES, {"action": KILL}])
        complaints.append(verify_unit("web", profile))
    tap.equal({status for status, _ in complaints}, {0}, "systemd-analyze verify accepts the drop-ins")
    # Names that its libseccomp lacks are passed over with a word; so are groups it lacks, and none is used.
    said = [line for _, lines in complaints for line in lines if "system call, ignoring" not in line]
    tap.equal(said, [], "and has nothing to say of their settings")
    place = os.path.join(tmp, "units", "web.service.d", "sysclamp.conf")
    with open(place, "a", encoding="ascii") as file:
        file.write("SystemCallErrorNumber=ENOTHING\n")
    done = workload.run(["systemd-analyze", "verify", "--man=no", os.path.join(tmp, "units", "web.service")])
    return tap.ok(b"Failed to parse error number" in done.stderr, "it would have said something", done.stderr)


# Programs

def test_c():
    source = os.path.join(tmp, "dump.c")
    with open(source, "w", encoding="ascii") as file:
        file.write('#include <unistd.h>\n#include "filter.h"\n#include "filter.h"\n'
                   "int main(void)\n{\n\treturn write(1, web_filter, sizeof(web_filter)) != sizeof(web_filter);\n}\n")
    rng, equal = meaning.seeded("c"), True
    for _ in range(3):
        profile = meaning.random_profile(rng, NAMES, ERRNO_DEFAULTS, [ALLOWS, *DENIES], conditional=3)
        path = write(profile)
        with open(os.path.join(tmp, "filter.h"), "w", encoding="ascii") as file:
            file.write(converted(profile, "c"))
        for standard in ("c99", "gnu17"):
            done = workload.run(["cc", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-o",
                                 os.path.join(tmp, "dump"), source])
            tap.equal((done.returncode, done.stderr), (0, b""), f"c: compiles as {standard}, without a warning")
        raw = workload.sysclamp("convert", "--format", "bpf", path).stdout
        equal &= workload.run([os.path.join(tmp, "dump")]).stdout == raw and len(raw) > 8
    tap.ok(equal, "c: the array is the raw program")


# What is refused

def conditional(name, op, value, **more):
    return {"names": [name], **ALLOWS, "args": [{"index": 1, "value": value, "op": f"SCMP_CMP_{op}", **more}]}


def refusals():
    """Format, profile, pattern, whether --lossy accepts it."""
    some = conditional("ioctl", "EQ", 1)
    listener = {"listenerPath": "/run/agent.sock"}
    notify = {"names": ["read"], "action": "SCMP_ACT_NOTIFY"}
    return [
        ("seccompprofile", {**ENOSYS, "syscalls": [some]}, "no defaultErrnoRet.*: ioctl", True),
        ("seccompprofile", {**EPERM, "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]},
         "read: .*errnoRet 0", False),
        ("seccompprofile", {**EPERM, "syscalls": [conditional("ioctl", "EQ", 1 << 63)]},
         "ioctl: argument 1: .*9223372036854775808", False),
        ("seccompprofile", {**EPERM, "syscalls": [conditional("ioctl", "MASKED_EQ", 1, valueTwo=(1 << 64) - 1)]},
         "ioctl: argument 1: .*18446744073709551615", False),
        ("seccompprofile", {**EPERM, "architectures": ["SCMP_ARCH_LOONGARCH64"], "syscalls": []},
         "SCMP_ARCH_LOONGARCH64", False),
        ("seccompprofile", {**EPERM, **listener, "syscalls": [notify]}, "listenerPath", False),
        ("seccompprofile", {"defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 7, "syscalls": []},
         "defaultErrnoRet.*TRACE", False),
        ("systemd", {**ENOSYS, "syscalls": [some]}, "arguments.*: ioctl", True),
        ("systemd", {"defaultAction": "SCMP_ACT_KILL_THREAD", "syscalls": []}, "not the thread", True),
        ("systemd", {"defaultAction": "SCMP_ACT_LOG", "syscalls": []}, "SCMP_ACT_LOG for all other", False),
        ("systemd", {**ENOSYS, "syscalls": [{"names": ["read"], "action": "SCMP_ACT_LOG"}]}, "logged: read", True),
        ("systemd", {**ENOSYS, "syscalls": [{"names": ["read"], "action": "SCMP_ACT_TRAP"}]},
         "read: .*SCMP_ACT_TRAP", False),
        ("systemd", {**ENOSYS, "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": []},
         "no place for: SECCOMP_FILTER_FLAG_LOG", True),
        ("systemd", {**ENOSYS, "architectures": ["SCMP_ARCH_M68K"], "syscalls": []}, "SCMP_ARCH_M68K", False),
        ("systemd", {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0, "syscalls": []},
         "cannot be 0", False),
        ("minijail", {**ALLOWS_ALL, "syscalls": []}, "SCMP_ACT_ALLOW for all other", False),
        ("minijail", {**ENOSYS, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": []},
         "here x86_64, and kills calls of: i386", True),
        ("minijail", {**ENOSYS, "syscalls": [{**some, "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]},
         r"ioctl: .*ERRNO \(EIO\) for some arguments", False),
        ("minijail", {**ENOSYS, "syscalls": [notify], **listener}, "listenerPath", True),
        ("minijail", {**ENOSYS, "syscalls": [
            {"names": [name], **ALLOWS, "args": [{"index": 0, "value": n, "op": "SCMP_CMP_EQ"}]}
            for name in ("read", "write", "close") for n in range(100)]}, "labels", False),
    ]


def test_refusals():
    for form, profile, pattern, lossy in refusals():
        profile = {"architectures": ["SCMP_ARCH_X86_64"], **profile}
        path = write(profile)
        status, out, err = convert(path, form)
        told = err.splitlines()[-1] if err else ""
        tap.ok(status == 2 and not out and re.search(pattern, told) and
               ("--lossy" in told) == lossy, f"{form} refuses: {pattern}", err)
        if lossy and "NOTIFY" not in json.dumps(profile):
            status, out, err = convert(path, form, "--lossy")
            tap.ok(status == 0 and out and re.search(pattern, err), f"{form} --lossy tells: {pattern}", err)


# Names and texts

def test_names():
    profile = write({**ENOSYS, "syscalls": [{"names": ["read"], **ALLOWS}]}, "My_Server 2.0.rec")
    tap.equal(yaml.safe_load(convert(profile, "seccompprofile")[1])["metadata"]["name"], "my-server-2-0",
              "a name follows from the file's")
    for option, name in [("--name", "Web"), ("--name", "a_b"), ("--name", "-a"), ("--name", "a."), ("--name", ""),
                         ("--name", "a..b"), ("--name", "x" * 201), ("--namespace", "a.b"),
                         ("--namespace", "x" * 64), ("--container", "a.b"), ("--container", "A")]:
        done = workload.sysclamp("convert", "--format", "patch", option, name, profile)
        tap.ok(done.returncode == 2 and not done.stdout and done.stderr.count(b"\n") == 1 and
               option.encode() in done.stderr, f"{option} \"{name[:20]}\" is refused", done)
    with open(profile, "rb") as file:
        text = file.read()
    done = workload.sysclamp("convert", "--format", "configmap", "-", stdin=text)
    tap.ok(done.returncode == 2 and b"--name" in done.stderr, "standard input needs --name", done)
    done = workload.sysclamp("convert", "--format", "systemd", "-", stdin=text)
    tap.ok(done.returncode == 0, "but not where the name is a remark only", done)


HOSTILE = [" ", "yes", "NULL", "~", "1e3", "0x10", "1:20", "- a", "a: b", "#x", "a #b", "'", "\"\\", "&a", "*a",
           "!t", "%d", "@a", "`", "{a}", "[a]", "a\nb\n", " a\nb\n", "a\n\n", "\ta\nb\n", "\x7f", "\u2028\u2029\x85",
           "\U0001f600\ufeff", "\u00e4\u4e2d", "a" * 5000, "\nx\n", "on", "2001-01-01", "a\r\nb\n", "---\n...\n"]


def test_texts():
    wrong = []
    for text in HOSTILE:
        profile = {**EPERM, "listenerPath": "/var/run/security-profiles-operator/a.sock", "listenerMetadata": text,
                   "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}
        out = converted(profile, "seccompprofile")
        if yaml.safe_load(out)["spec"].get("listenerMetadata") != text or not out.isascii():
            wrong.append((text, out[:400]))
        inner = yaml.safe_load(converted(profile, "configmap"))["data"]
        if json.loads(*inner.values())["listenerMetadata"] != text:
            wrong.append((text, "configmap"))
    tap.equal(wrong, [], "YAML: every text comes back as it was")


def test_list():
    done = workload.sysclamp("convert", "--format", "list")
    again = workload.sysclamp("generate", "--format", "list")
    tap.ok(done.returncode == 0 and done.stdout == again.stdout and done.stdout.count(b"\n") >= 10,
           "--format list: the same for both commands", done)
    status, out, err = convert(write({**ENOSYS, "syscalls": []}), "systemdd")
    tap.ok(status == 2 and not out and "did you mean systemd?" in err, "an unknown format, with a suggestion", err)


ALLOWS_ALL = {"defaultAction": ALLOW}
CR_SCHEMA = validator("seccompprofile")
NAMES = known_names()
# Newer than set_mempolicy_home_node (450); numbers from 424 up are the same everywhere.
NEWER = {name for number, name in workload.header_names("64") if number > 450}
tap.ok(len(NAMES) > 330, f"{len(NAMES)} calls to speak of")
for test in (test_schemas, test_json, test_seccompprofile, test_coverage, test_configmap, test_patch, test_minijail, test_systemd,
             test_verify, test_c, test_refusals, test_names, test_texts, test_list):
    test()
tap.done()
