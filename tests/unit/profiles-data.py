#!/usr/bin/env python3
"""The data below profiles/ keeps the rules of profiles/README.md."""
import collections
import ctypes
import itertools
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests")
import tap  # noqa: E402

PODMAN_FILE = "/usr/share/containers/seccomp.json"  # golang-github-containers-common
HEADERS = "/usr/include/x86_64-linux-gnu/asm/unistd_{}.h"  # linux-libc-dev
# name in the tables: SCMP_ARCH_* (seccomp.h), base of its numbers, header
ABIS = {"x86_64": (0xC000003E, 0, "64"), "x86": (0x40000003, 0, "32"),
        "x32": (0x4000003E, 0x40000000, "x32")}
AUDIT_ARCH = {"x86_64": 0xC000003E, "x86": 0x40000003, "x32": 0xC000003E}
ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # SECCOMP_RET_*, linux/seccomp.h
EPERM, EINVAL, ENOSYS = 1, 22, 38
OPS = {f"SCMP_CMP_{op}": i for i, op in enumerate("NE LT LE EQ GE GT MASKED_EQ".split(), 1)}
CONDITIONAL = {"clone", "personality", "socket"}

# What the JSON answers otherwise than podman's file in Debian 12 (containers/common 0.50.1) does
# to a container without capabilities: ours, podman's, reason, names.
DIFFERENCES = [
    ("EPERM", "allow", "Docker and containerd refuse it; podman leaves it to the kernel",
     "fsconfig fsmount fsopen fspick get_mempolicy keyctl mbind mount mount_setattr move_mount "
     "open_tree pidfd_getfd pivot_root reboot set_mempolicy setns signal syslog umount umount2 "
     "unshare"),
    ("args", "allow", "Docker and containerd check the flags", "clone"),
    ("ENOSYS", "allow", "Docker and containerd answer ENOSYS, so that libraries fall back to clone",
     "clone3"),
    ("ENOSYS", "allow", "i386 only; Docker, containerd and podman's later file do not list it",
     "readdir sigaction sigpending sigsuspend"),
    ("ENOSYS", "EPERM", "Docker and containerd allow it", "io_pgetevents vmsplice"),
    ("allow", "ENOSYS", "newer than the file; podman's later file allows it",
     "fchmodat2 futex_requeue futex_wait futex_waitv futex_wake"),
    ("EPERM", "ENOSYS", "newer than the file; podman's later file answers EPERM", "quotactl_fd"),
]
NO_NUMBER = {"swapcontext", "timerfd"}  # listed in that file, a number on no x86 ABI


def read_text(path):
    with open(path, encoding="utf-8", newline="") as f:
        return f.read()


def read_rows(path):
    return [line.split("\t") for line in read_text(path).splitlines() if line[:1] != "#"]


def unique_keys(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError(f"duplicate key among {[key for key, _ in pairs]}")
    return dict(pairs)


def load_libseccomp():
    try:
        lib = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    lib.seccomp_init.restype = ctypes.c_void_p
    return lib


# The text and its grammar

def check_text(text):
    tap.ok(text.isascii() and text.endswith("}\n") and "\r" not in text,
           "JSON: plain text with a final newline and no byte order mark")
    tap.ok(not re.search(r'": *"?-|: *\d+[.eE]|": *"\d', text), "JSON: plain decimal integers")


def check_grammar(profile):
    bad = []

    def expect(held, what):
        if not held:
            bad.append(what)

    expect(set(profile) == {"defaultAction", "defaultErrnoRet", "architectures", "syscalls"},
           "keys")
    expect(profile["defaultAction"] == "SCMP_ACT_ERRNO", "defaultAction")
    expect(profile["defaultErrnoRet"] == ENOSYS, "defaultErrnoRet")
    expect(profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
           "architectures")
    for i, rule in enumerate(profile["syscalls"]):
        expect(set(rule) <= {"names", "action", "errnoRet", "args"}, f"rule {i}: keys")
        expect(rule["names"] and rule["names"] == sorted(set(rule["names"])), f"rule {i}: names")
        expect(rule["action"] in ("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"), f"rule {i}: action")
        expect(("errnoRet" in rule) == (rule["action"] == "SCMP_ACT_ERRNO"), f"rule {i}: errnoRet")
        expect(rule.get("errnoRet", 1) in range(1, 4096), f"rule {i}: errnoRet out of range")
        expect((rule["action"], rule.get("errnoRet")) != ("SCMP_ACT_ERRNO", ENOSYS),
               f"rule {i}: says what the default says")
        for arg in rule.get("args", []):
            expect(set(arg) == {"index", "value", "valueTwo", "op"}, f"rule {i}: keys of args")
            expect(arg["index"] in range(6) and arg["op"] in OPS, f"rule {i}: index or op")
            expect(arg["op"] == "SCMP_CMP_MASKED_EQ" and 0 < arg["value"] < 1 << 32 and
                   arg["valueTwo"] & ~arg["value"] == 0, f"rule {i}: mask and value in 32 bits")
    tap.equal(bad, [], "JSON: nothing but the portable subset, masks within 32 bits")


def groups_of(profile):
    return [json.dumps([rule["action"], rule.get("errnoRet"), rule.get("args")] +
                       (rule["names"] if "args" in rule else [])) for rule in profile["syscalls"]]


def can_both_match(a, b):
    """Two lists of masked conditions, no index twice: is there an argument that meets both?"""
    other = {arg["index"]: arg for arg in b}
    return not any((arg["valueTwo"] ^ other[arg["index"]]["valueTwo"]) & arg["value"] &
                   other[arg["index"]]["value"] for arg in a if arg["index"] in other)


def check_rules(profile):
    unconditional = [n for rule in profile["syscalls"] if "args" not in rule for n in rule["names"]]
    conditional = collections.defaultdict(list)
    for rule in profile["syscalls"]:
        if "args" in rule:
            for name in rule["names"]:
                conditional[name].append(rule["args"])
    tap.equal([n for n, c in collections.Counter(unconditional).items() if c > 1], [],
              "JSON: no call in two unconditional rules")
    tap.equal(set(conditional) & set(unconditional), set(),
              "JSON: no call in conditional and unconditional rules")
    tap.equal(set(conditional), CONDITIONAL, "JSON: the calls with argument rules")
    tap.equal([g for g, c in collections.Counter(groups_of(profile)).items() if c > 1], [],
              "JSON: one group per action, errno and arguments")
    tap.equal([(n, a) for n, rules in conditional.items() for a in rules
               if len({arg["index"] for arg in a}) != len(a)], [],
              "JSON: no argument twice in a rule")
    tap.equal([(n, a, b) for n, rules in conditional.items()
               for a, b in itertools.combinations(rules, 2) if can_both_match(a, b)], [],
              "JSON: no two rules of a call match the same arguments")


# What the profile means

def condition_holds(arg, args):
    value, op = args[arg["index"]], arg["op"]
    if op == "SCMP_CMP_MASKED_EQ":
        return value & arg["value"] == arg["valueTwo"]
    return (value == arg["value"]) == (op == "SCMP_CMP_EQ")


def answer_of(rules, name, args):
    """The value that a filter returns; rules as (names, action, args)."""
    for names, action, conditions in rules:
        if name in names and all(condition_holds(c, args) for c in conditions):
            return action
    return ERRNO | ENOSYS


def rules_of(profile):
    return [(set(rule["names"]),
             ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ERRNO | rule["errnoRet"],
             rule.get("args") or []) for rule in profile["syscalls"]]


def check_meaning(profile):
    rules = rules_of(profile)

    def says(name, *args):
        return answer_of(rules, name, args)

    high = 1 << 32
    tap.equal({f for f in range(64) if says("socket", f, 1, 0) != ALLOW}, {38, 40},
              "socket: all families below 64 but AF_ALG and AF_VSOCK")
    tap.equal({says("socket", f | h, 1, 0) for f in (38, 40) for h in (0, high, high << 31)},
              {ERRNO | EPERM}, "socket: AF_ALG and AF_VSOCK get EPERM, whatever the upper half")
    tap.equal({p for p in range(32) if says("socket", 16, 3, p) != ALLOW}, {9},
              "socket: all netlink protocols below 32 but NETLINK_AUDIT")
    tap.equal(says("socket", 16 | high, 3, 9 | high), ERRNO | EINVAL,
              "socket: NETLINK_AUDIT gets EINVAL")
    tap.equal({says("socket", 2, 1, p) for p in (0, 6, 9, 255)}, {ALLOW},
              "socket: the protocol of other families is free")
    tap.equal({v for v in [*range(0x40000), 0xFFFFFFFF, 0xFFFFFFFE]
               if says("personality", v | high) == ALLOW}, {0, 8, 0x20000, 0x20008, 0xFFFFFFFF},
              "personality: five values")
    tap.equal({bit for bit in range(64) if says("clone", 1 << bit | 17) != ALLOW},
              {17, 25, 26, 27, 28, 29, 30}, "clone: the seven namespace bits are refused")
    tap.equal({says(n) for n in ("clone3", "io_uring_setup", "mseal", "no_such_call")},
              {ERRNO | ENOSYS}, "what is not listed gets ENOSYS, clone3 too")


# Names

def check_names(rows, profile, lib):
    if not lib:
        tap.skip("libseccomp", "every name is known to libseccomp", "no libseccomp.so.2")
    else:
        names = {n for rule in profile["syscalls"] for n in rule["names"]}
        names |= {row[2] for row in read_rows("profiles/runtime-base.tsv")}
        tap.equal(sorted(n for n in names if lib.seccomp_syscall_resolve_name(n.encode()) == -1),
                  [], "every name of the JSON and of runtime-base.tsv is known to libseccomp")
    if not os.path.exists(HEADERS.format("64")):
        tap.skip("headers", "abis: as in the kernel headers", "no x86 kernel headers")
        return
    known = {abi: set(re.findall(r"^#define __NR_(\w+)", read_text(HEADERS.format(suffix)), re.M))
             for abi, (_, _, suffix) in ABIS.items()}
    wrong = []
    for name, abis, *_ in rows:
        have = "+".join(abi for abi in ABIS if name in known[abi]) or "-"
        if have != abis and not (have == "-" and name in NEWER_THAN_HEADERS):
            wrong.append((name, abis, have))
    tap.equal(wrong, [], "runtime-default.tsv: abis as in the kernel headers")


# Linux 6.5 to 6.13; Debian 12's headers are those of 6.1
NEWER_THAN_HEADERS = set(
    "cachestat fchmodat2 futex_requeue futex_wait futex_wake getxattrat listmount listxattrat "
    "lsm_get_self_attr lsm_list_modules lsm_set_self_attr map_shadow_stack mseal removexattrat "
    "setxattrat statmount uretprobe".split())


# Tables

def check_table(path, patterns, key_columns):
    rows = read_rows(path)
    wrong = [row for row in rows if len(row) != len(patterns) or
             not all(re.fullmatch(p, cell) for p, cell in zip(patterns, row))]
    tap.equal(wrong, [], f"{path}: {len(patterns)} columns, each of its form")
    keys = [row[:key_columns] for row in rows]
    tap.equal([k for k, c in collections.Counter(map(tuple, keys)).items() if c > 1], [],
              f"{path}: no duplicates")
    return rows, keys


def check_tables():
    name = r"[a-z_][a-z0-9_]*"
    answer = r"(-|(allow|args|EPERM|ENOSYS)(/CAP_[A-Z_]+(,CAP_[A-Z_]+)*)?)"
    rows, keys = check_table("profiles/runtime-default.tsv",
                             [name, r"-|(x86_64|x86|x32)(\+(x86|x32))*"] + [answer] * 3, 1)
    tap.ok(keys == sorted(keys), "profiles/runtime-default.tsv: sorted")
    part = r"a[0-5]&0x[0-9a-f]{1,8}==0x[0-9a-f]{1,8}"
    _, keys = check_table("profiles/runtime-default-args.tsv",
                          [name, "allow|EPERM|EINVAL", rf"{part}( {part})*", ".+"], 3)
    tap.ok([k[0] for k in keys] == sorted(k[0] for k in keys),
           "profiles/runtime-default-args.tsv: sorted by call")
    return rows


def check_base(profile):
    path = "profiles/runtime-base.tsv"
    rows, keys = check_table(path, ["crun|runc", "no|yes", r"[a-z_][a-z0-9_]*",
                                    r"(crun|runc) [0-9].*\d+/\d+.*"], 3)
    tap.ok(keys == sorted(keys), f"{path}: sorted")
    base = collections.defaultdict(set)
    for runtime, nnp, call, _ in rows:
        base[runtime, nnp].add(call)
    tap.equal(sorted(base), [("crun", "no"), ("crun", "yes"), ("runc", "no"), ("runc", "yes")],
              f"{path}: both runtimes, with and without no_new_privs")
    tap.equal([k for k, calls in base.items() if not {"close", "execve"} <= calls], [],
              f"{path}: close and execve in every group")
    tap.equal({r: base[r, "yes"] - base[r, "no"] for r in ("crun", "runc")},
              {"crun": set(), "runc": set()}, f"{path}: no_new_privs never needs more")
    allowed = set(profile["syscalls"][0]["names"])
    tap.equal(set().union(*base.values()) - allowed, set(),
              f"{path}: nothing that the engines' defaults refuse")


def check_closure(path, groups, key_columns):
    name = r"[a-z_][a-z0-9_]*"
    rows, _ = check_table(path, [name, rf"-|{name}(\|{name})*", groups, r'[^"\\]+', r'[^"\\]+'],
                          key_columns)
    return rows


def check_implied():
    path = "profiles/implied.tsv"
    rows = check_closure(path, "abort|clock|exit|fallback|memory|signal|thread", 1)
    tap.ok(len([row for row in rows if row[1] == "-"]) <= 16,
           f"{path}: what every profile gets stays few")


def check_arch():
    path = "profiles/arch.tsv"
    groups = "generic|wide|time64|multiplex|none|i386|x86_64|x32|arm|mips(el)?(64(n32)?)?"
    rows = check_closure(path, groups, 3)
    tap.equal([row for row in rows if row[0] == row[1] or "|" in row[1]], [],
              f"{path}: one other call in each row")


def check_portable():
    path = "profiles/portable.tsv"
    deeds = set(re.findall(r"DEED\((\w+)\)", read_text("tests/programs/libc_calls.c")))
    named = set()
    for *_, source in read_rows(path):
        for listed in re.findall(r"libc_calls ([\w, ]+)", source):
            named |= set(listed.split(", "))
    check_closure(path, "glibc|musl", 3)
    tap.equal(named - deeds, set(), f"{path}: what was measured is something that libc_calls does")


def check_groups():
    path, script = "profiles/systemd-groups.tsv", "scripts/measure-systemd-groups.py"
    rows, keys = check_table(path, ["@[a-z-]+", r"[a-z_][a-z0-9_]*", r"\d+(,\d+)*"], 2)
    tap.ok(keys == sorted(keys), f"{path}: sorted")
    measured = dict(re.findall(r"(\d+) \(([^)]*)\)", re.search("^# systemd: (.*)$", read_text(path), re.M)[1]))
    tap.equal({version for *_, versions in rows for version in versions.split(",")}, set(measured),
              f"{path}: the versions of the rows are those of the head")
    done = subprocess.run(["/usr/bin/python3", script, "/"], capture_output=True, text=True, check=False)
    found = re.search(r"^# systemd: (\d+) \((.*)\)$", done.stdout, re.M)
    if not found or measured.get(found[1]) != found[2]:
        return tap.skip("systemd", f"{path}: measured again", "no systemd of a version that was measured")
    again = [line.split("\t")[:2] for line in done.stdout.splitlines() if line[:1] == "@"]
    return tap.equal(again, [row[:2] for row in rows if found[1] in row[2].split(",")],
                     f"{path}: what systemd {found[1]} says is what is here")


# Against podman's file, its Docker-only keys resolved for no capability on amd64

def podman_rules(path):
    rules = []
    for rule in json.loads(read_text(path))["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if includes.get("caps") or "amd64" not in includes.get("arches", ["amd64"]):
            continue
        if "amd64" in excludes.get("arches", []):
            continue
        action = ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ERRNO | rule["errnoRet"]
        rules.append((set(rule["names"]), action, rule["args"] or []))
    return rules


def word_of(rules, name):
    mine = [rule for rule in rules if name in rule[0]]
    if any(conditions for _, _, conditions in mine):
        return "args"
    words = {ALLOW: "allow", ERRNO | EPERM: "EPERM", ERRNO | ENOSYS: "ENOSYS"}
    return words[answer_of(mine, name, ())]


def check_podman(profile, rows):
    if not os.path.exists(PODMAN_FILE):
        tap.skip("podman-file", "agrees with podman's default profile", f"no {PODMAN_FILE}")
        return
    ours, podman = rules_of(profile), podman_rules(PODMAN_FILE)
    nowhere = {name for name, abis, *_ in rows if abis == "-"} | NO_NUMBER
    names = set().union(*(rule[0] for rule in ours + podman)) - nowhere
    words = {name: (word_of(ours, name), word_of(podman, name)) for name in names}
    listed = set()
    for mine, theirs, reason, text in DIFFERENCES:
        listed |= set(text.split())
        tap.equal({n: words.get(n) for n in text.split()},
                  dict.fromkeys(text.split(), (mine, theirs)),
                  f"podman's default says {theirs}, we say {mine}: {reason}")
    tap.equal({n: pair for n, pair in words.items() if pair[0] != pair[1] and n not in listed}, {},
              "podman's default: no other difference")
    values = [0, 8, 0x20000, 0x20008, 0xFFFFFFFF, 1, 0x20001]
    tap.equal([v for v in values if answer_of(ours, "personality", (v,)) !=
               answer_of(podman, "personality", (v,))], [], "podman's default: same personality")
    tap.equal({f for f in range(64) for p in range(32)
               if answer_of(ours, "socket", (f, 1, p)) != answer_of(podman, "socket", (f, 1, p))},
              {38, 40}, "podman's default: same socket, but for AF_ALG (Docker and containerd "
              "refuse it) and AF_VSOCK (podman's later file refuses it too)")


# Does libseccomp compile the file into what it says?

class ScmpArg(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def compile_by_libseccomp(lib, profile, tree):
    """The cBPF program as [(code, jt, jf, k)]."""
    ctx = ctypes.c_void_p(lib.seccomp_init(ERRNO | profile["defaultErrnoRet"]))
    try:
        for arch, _, _ in ABIS.values():
            lib.seccomp_arch_add(ctx, arch)
        if tree and lib.seccomp_attr_set(ctx, 8, 2):  # SCMP_FLTATR_CTL_OPTIMIZE
            raise OSError("seccomp_attr_set")
        for names, action, conditions in rules_of(profile):
            args = (ScmpArg * max(1, len(conditions)))(*(
                ScmpArg(c["index"], OPS[c["op"]], c["value"], c["valueTwo"]) for c in conditions))
            for name in sorted(names):
                nr = lib.seccomp_syscall_resolve_name(name.encode())
                status = lib.seccomp_rule_add_array(ctx, action, nr, len(conditions), args)
                if status:
                    raise OSError(f"seccomp_rule_add {name}: {status}")
        with tempfile.TemporaryFile() as f:
            if lib.seccomp_export_bpf(ctx, f.fileno()):
                raise OSError("seccomp_export_bpf")
            f.seek(0)
            return list(struct.iter_unpack("=HBBI", f.read()))
    finally:
        lib.seccomp_release(ctx)


def run_program(program, data):
    """Interpret the instructions that libseccomp emits (linux/bpf_common.h)."""
    jumps = {0x15: lambda a, k: a == k, 0x25: lambda a, k: a > k, 0x35: lambda a, k: a >= k}
    acc = pc = 0
    while True:
        code, jt, jf, k = program[pc]
        pc += 1
        if code == 0x20:  # ld [k]
            acc = struct.unpack_from("=I", data, k)[0]
        elif code in jumps:
            pc += jt if jumps[code](acc, k) else jf
        elif code == 0x05:  # ja
            pc += k
        elif code == 0x54:  # and
            acc &= k
        elif code == 0x06:  # ret
            return k
        else:
            raise ValueError(f"instruction {code:#x}")


def argument_samples(name):
    high = 1 << 32
    if name == "socket":
        protocols = [0, 7, 8, 9, 10, 16, 31, 9 | high]
        return [(f | h, 1, p) for f in range(48) for p in protocols for h in (0, high)]
    if name == "personality":
        return [(v + d & 2**64 - 1,) for v in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF, high)
                for d in (-1, 0, 1)]
    if name == "clone":
        return [(0,)] + [(1 << bit,) for bit in range(64)]
    if name == "socketcall":
        return [(call,) for call in range(22)]
    return [()]


HEADER_TEXT = {}
NUMBER = r"^#define __NR_{}\s+(?:\(__X32_SYSCALL_BIT \+ )?(\d+)\)?$"


def mismatches(program, profile, names):
    rules, wrong, cells = rules_of(profile), [], 0
    for abi, (arch, base, suffix) in ABIS.items():
        for name in sorted(names):
            found = re.search(NUMBER.format(name), HEADER_TEXT[suffix], re.M)
            if not found:
                continue
            for args in argument_samples(name):
                args = tuple(a & 0xFFFFFFFF for a in args) if abi == "x86" else args
                padded = args + (0,) * (6 - len(args))
                data = struct.pack("=IIQ6Q", base + int(found[1]), AUDIT_ARCH[abi], 0, *padded)
                got, want = run_program(program, data), answer_of(rules, name, padded)
                cells += 1
                if got != want:
                    wrong.append(f"{abi} {name}{args}: got {got:#x}, want {want:#x}")
    return wrong, cells




def check_libseccomp(lib, profile, rows):
    claim = "libseccomp's {} filter answers as the JSON says, on three ABIs"
    if not lib or not os.path.exists(HEADERS.format("64")):
        tap.skip("libseccomp", claim.format("linear"), "no libseccomp.so.2 or kernel headers")
        return
    HEADER_TEXT.update({s: read_text(HEADERS.format(s)) for _, _, s in ABIS.values()})
    names = {row[0] for row in rows}
    for word, tree in (("linear", False), ("binary tree", True)):
        wrong, cells = mismatches(compile_by_libseccomp(lib, profile, tree), profile, names)
        tap.ok(not wrong and cells > 3000, claim.format(word), f"{cells} cells", *wrong)


def main():
    text = read_text("profiles/runtime-default.json")
    check_text(text)
    profile = json.loads(text, object_pairs_hook=unique_keys)
    check_grammar(profile)
    check_rules(profile)
    check_meaning(profile)
    rows = check_tables()
    check_base(profile)
    check_implied()
    check_portable()
    check_arch()
    check_groups()
    lib = load_libseccomp()
    check_names(rows, profile, lib)
    made = subprocess.run([sys.executable, "scripts/gen-runtime-default.py"], check=True,
                          capture_output=True, text=True).stdout
    tap.ok(made == text, "JSON: what scripts/gen-runtime-default.py makes of the tables",
           "run scripts/gen-runtime-default.py >profiles/runtime-default.json")
    check_podman(profile, rows)
    check_libseccomp(lib, profile, rows)
    tap.done()


if __name__ == "__main__":
    main()
