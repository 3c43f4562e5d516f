#!/usr/bin/env python3
"""sysclamp convert --flatten on podman's defaults and on a file of Docker's kind.

What a container of given capabilities, machine and kernel gets is worked out here once more from the
same file, call by call, and compared with what the command wrote.  That the result compiles and that
its filter is proven equal to it is the command's own condition for writing anything.
"""
import errno
import json
import os
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402

SYSCLAMP = os.environ.get("SYSCLAMP", "build/sysclamp")
PODMAN_FILE = "/usr/share/containers/seccomp.json"  # golang-github-containers-common
ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
PODMAN_CAPS = {f"CAP_{cap}" for cap in (
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT").split()}  # containers.conf(5), default_capabilities
CAPS = {"none": set(), "podman": PODMAN_CAPS,
        "default": PODMAN_CAPS | {"CAP_MKNOD", "CAP_NET_RAW", "CAP_AUDIT_WRITE"},
        "CAP_SYS_ADMIN": {"CAP_SYS_ADMIN"}, "all": None}

# A file of Docker's kind: what podman's has not, as in moby's default.json.
DOCKER_FILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": None},
                {"architecture": "SCMP_ARCH_LOONGARCH64", "subArchitectures": None}],
    "syscalls": [
        {"names": ["read", "write", "execve", "exit_group"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["process_vm_readv", "ptrace"], "action": "SCMP_ACT_ALLOW",
         "includes": {"minKernel": "4.8"}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
        {"names": ["bpf", "clone", "clone3", "mount"], "action": "SCMP_ACT_ALLOW",
         "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
         "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
         "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
    ],
}


def applies(rule, caps, arch, kernel):
    """Whether a rule counts, as Docker's reader has it."""
    wants, spares = rule.get("includes") or {}, rule.get("excludes") or {}

    def held(cap):
        return caps is None or cap in caps

    def reached(scope):
        return kernel >= tuple(map(int, scope["minKernel"].split(".")))
    if wants.get("arches") and arch not in wants["arches"] or arch in spares.get("arches", []):
        return False
    if not all(map(held, wants.get("caps", []))) or any(map(held, spares.get("caps", []))):
        return False
    return not ("minKernel" in wants and not reached(wants)
                or "minKernel" in spares and reached(spares))


def number(text, ret):
    return getattr(errno, text) if text else ret


def answer(action, code):
    return f"{action}({1 if code is None else code})" if action == "SCMP_ACT_ERRNO" else action


def arg(cond):
    return (cond["index"], cond["op"], cond["value"],
            cond.get("valueTwo", 0) if cond["op"] == "SCMP_CMP_MASKED_EQ" else 0)


def meaning(profile, caps, arch, kernel):
    """The answers to each name, in order, and the default."""
    calls = {}
    for rule in profile["syscalls"]:
        if not applies(rule, caps, arch, kernel):
            continue
        said = answer(rule["action"], number(rule.get("errno"), rule.get("errnoRet")))
        for name in rule["names"]:
            calls.setdefault(name, []).append((said, [arg(c) for c in rule.get("args") or []]))
    default = number(profile.get("defaultErrno"), profile.get("defaultErrnoRet"))
    return answer(profile["defaultAction"], default), calls


def architectures(profile, abi):
    for entry in profile["archMap"]:
        if entry["architecture"] == f"SCMP_ARCH_{abi.upper()}":
            return [entry["architecture"]] + (entry["subArchitectures"] or [])
    return None


def convert(path, *options):
    return subprocess.run([SYSCLAMP, "convert", "--flatten", *options, path],
                          capture_output=True, text=True, check=False)


def first(calls, name):
    return calls.get(name, [("default", [])])[0][0]


def check(label, path, source, abi, caps, kernel):
    """One target; returns what the calls of the result get."""
    what = f"{label}, {abi}, {caps}, {kernel}"
    run = convert(path, "--arch", abi, "--caps", caps, "--kernel", kernel)
    if not tap.equal(run.returncode, 0, f"{what}: is compiled, proven and written", run.stderr):
        return {}
    result = json.loads(run.stdout)
    tap.equal(sorted(set(result) | {key for rule in result["syscalls"] for key in rule}
                     - {"args", "errnoRet", "names", "action"}),
              ["architectures", "defaultAction", "defaultErrnoRet", "syscalls"],
              f"{what}: only keys that all engines read")
    tap.equal(result["architectures"], architectures(source, abi), f"{what}: architectures")
    version = tuple(map(int, kernel.split(".")))
    want = meaning(source, CAPS[caps], ARCHES[abi], version)
    got = meaning(result, set(), "", (0, 0))
    tap.ok(got == want, f"{what}: every call gets what the file says",
           *[f"{name}: {got[1].get(name)}, not {want[1].get(name)}"
             for name in sorted(set(got[1]) | set(want[1])) if got[1].get(name) != want[1].get(name)])
    return got[1]


def check_podman():
    if not os.path.exists(PODMAN_FILE):
        tap.skip("podman-file", "podman's defaults", f"no {PODMAN_FILE}")
        return
    with open(PODMAN_FILE, encoding="utf-8") as file:
        source = json.load(file)
    got = {}
    for abi in ARCHES:
        for caps in CAPS:
            for kernel in ("4.7", "6.18"):
                got[abi, caps, kernel] = check("podman", PODMAN_FILE, source, abi, caps, kernel)
    # By hand, from the file of containers/common 0.50.1.
    rows = [("x86_64", "none", "bpf", "SCMP_ACT_ERRNO(1)"), ("x86_64", "all", "bpf", "SCMP_ACT_ALLOW"),
            ("x86_64", "CAP_SYS_ADMIN", "bpf", "SCMP_ACT_ALLOW"),
            ("x86_64", "none", "chroot", "SCMP_ACT_ERRNO(1)"),
            ("x86_64", "default", "chroot", "SCMP_ACT_ALLOW"),
            ("x86_64", "podman", "socket", "SCMP_ACT_ERRNO(22)"),
            ("x86_64", "default", "socket", "SCMP_ACT_ALLOW"),
            ("x86_64", "none", "ptrace", "SCMP_ACT_ALLOW"), ("x86_64", "none", "clone3", "SCMP_ACT_ALLOW"),
            ("x86_64", "none", "mount", "SCMP_ACT_ALLOW"),
            ("x86_64", "none", "arch_prctl", "SCMP_ACT_ALLOW"), ("aarch64", "none", "arch_prctl", "default"),
            ("x86_64", "none", "breakpoint", "default"), ("aarch64", "none", "breakpoint", "SCMP_ACT_ALLOW")]
    for abi, caps, name, want in rows:
        for kernel in ("4.7", "6.18"):
            tap.equal(first(got[abi, caps, kernel], name), want, f"podman, {abi}, {caps}: {name}")


def check_docker():
    path = os.path.join(tap.scratch(), "docker.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(DOCKER_FILE, file)
    got = {(abi, caps, kernel): check("docker", path, DOCKER_FILE, abi, caps, kernel)
           for abi in ARCHES for caps in CAPS for kernel in ("4.7", "6.18")}
    rows = [("x86_64", "none", "4.7", "ptrace", "default"),
            ("x86_64", "none", "6.18", "ptrace", "SCMP_ACT_ALLOW"),
            ("x86_64", "none", "6.18", "clone3", "SCMP_ACT_ERRNO(38)"),
            ("x86_64", "CAP_SYS_ADMIN", "6.18", "clone3", "SCMP_ACT_ALLOW"),
            ("x86_64", "default", "6.18", "mount", "default"),
            ("x86_64", "all", "6.18", "mount", "SCMP_ACT_ALLOW")]
    for abi, caps, kernel, name, want in rows:
        tap.equal(first(got[abi, caps, kernel], name), want, f"docker, {abi}, {caps}, {kernel}: {name}")
    run = convert(path, "--caps", "none", "--kernel", "4.7")
    tap.ok("podman and CRI-O do not read minKernel" in run.stderr,
           "where podman would read it in another way is said", run.stderr)
    flat = convert(path, "--caps", "none", "--kernel", "6.18").stdout
    with open(path, "w", encoding="utf-8") as file:
        file.write(flat)
    again = convert(path)
    to = os.path.join(os.path.dirname(path), "named.json")
    named = convert(path, "-o", to)
    tap.equal((named.returncode, named.stdout, named.stderr), (0, "", f"sysclamp convert: wrote {to}\n"),
              "into a file, which is said")
    tap.ok(again.stdout == flat and not again.stderr, "what was flattened is plain, and stays as it is",
           again.stderr)


def check_usage():
    """Everything that is refused: status 2, nothing on standard output, one line."""
    folder = tap.scratch()
    weak, path, out = (os.path.join(folder, name) for name in ("weak.json", "docker.json", "out.json"))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(DOCKER_FILE, file)
    overlap = [{"names": ["read"], "action": action,
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}]}
               for action in ("SCMP_ACT_ALLOW", "SCMP_ACT_TRAP")]
    with open(weak, "w", encoding="utf-8") as file:
        json.dump({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": overlap}, file)
    rows = [
        ([path], "nothing to do: say --format or --flatten"),
        (["--flatten"], "no profile given"),
        (["--flatten", path, path], "unexpected argument"),
        (["--flatten", "--caps", "SYS_ADMINS", path], 'did you mean SYS_ADMIN?'),
        (["--flatten", "--caps"], "option --caps needs a value"),
        (["--flatten", "--kernel", "six", path], '--kernel: "six" is no kernel version'),
        (["--flatten", "--arch", "vax", path], '--arch: "vax" is no architecture'),
        (["--flatten", path], "$.syscalls[1].includes.minKernel: depends on the kernel"),
        (["--flatten", "--kernel", "6.1", path], "$.syscalls[3].includes.caps: depends on"),
        (["--flatten", folder], "is a directory"),
        (["--flatten", weak], "$.syscalls[0] and $.syscalls[1] can both match"),
        (["--flatten", "-o", os.path.join(folder, "no", "x"), "--caps", "none", "--kernel", "6.1", path],
         "No such file or directory"),
        (["--format", "json", "-o", os.path.join(folder, ".", "docker.json"), path], "would overwrite the profile"),
    ]
    for options, says in rows:
        run = subprocess.run([SYSCLAMP, "convert", *options], capture_output=True, text=True, check=False)
        tap.ok(run.returncode == 2 and not run.stdout and says in run.stderr
               and len(run.stderr.splitlines()) == 1, f"refused: {says}", run.returncode, run.stderr)
    run = convert(path, "--caps", "none", "--kernel", "6.1", "-o", out)
    with open(out, encoding="utf-8") as file:
        written = file.read()
    tap.ok(run.returncode == 0 and not run.stdout
           and written == convert(path, "--caps", "none", "--kernel", "6.1").stdout, "-o writes a file")


check_podman()
check_docker()
check_usage()
tap.done()
