"""What profiles, and policies in other formats, say of a call: read as docs/semantics.md has it.

A call is a name and six arguments; an answer is "SCMP_ACT_ALLOW", or a pair with an errno.
"""
import operator
import random
import re

BITS64 = (1 << 64) - 1
OPS = {"NE": operator.ne, "LT": operator.lt, "LE": operator.le, "EQ": operator.eq, "GE": operator.ge,
       "GT": operator.gt}
EPERM = 1


def answer(action, code):
    """An action; with what it fails with, where it has that."""
    return (action, code) if action in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE") else action


def holds(cond, args):
    """Whether one condition of a rule holds."""
    value, op = args[cond["index"]], cond["op"][len("SCMP_CMP_"):]
    if op == "MASKED_EQ":
        return value & cond["value"] == cond["valueTwo"] & cond["value"]
    return OPS[op](value, cond["value"])


class Profile:
    """The OCI object, or a spec that lacks defaultErrnoRet."""

    def __init__(self, json):
        self.json = json
        self.default = answer(json["defaultAction"], json.get("defaultErrnoRet", EPERM))
        self.rules = {}
        for rule in json["syscalls"]:
            says = answer(rule["action"], rule.get("errnoRet", EPERM))
            if says == self.default:
                continue
            for name in rule["names"]:
                self.rules.setdefault(name, []).append((says, rule.get("args") or []))

    def of(self, name, args):
        """What a call gets."""
        rules = self.rules.get(name, [])
        for says, conds in rules:
            if not conds:
                return says
        for says, conds in rules:
            repeated = len({cond["index"] for cond in conds}) < len(conds)
            if (any if repeated else all)(holds(cond, args) for cond in conds):
                return says
        return self.default


# minijail0(5)

_ATOM = re.compile(r"arg([0-5]) (==|!=|<|<=|>|>=|&|in) (0x[0-9a-f]+)")
_ATOM_OPS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
             ">=": operator.ge, "&": lambda value, bits: value & bits != 0,
             "in": lambda value, bits: value & ~bits == 0}


class Minijail:
    """A policy; what has no line is killed."""

    def __init__(self, text, errnos):
        self.lines, self.errnos = {}, errnos
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            name, colon, says = line.partition(":")
            if not colon or not re.fullmatch(r"\w+", name) or name in self.lines:
                raise ValueError(line)
            self.lines[name] = self._parse(says.strip(), line)

    def _parse(self, says, line):
        if says == "1":
            return [[]], None
        expression, semicolon, fails = says.partition(";")
        if says.startswith("return"):
            return [], self._errno(says, line)
        groups = [[self._atom(atom.strip(), line) for atom in group.split("&&")]
                  for group in expression.split("||")]
        return groups, self._errno(fails.strip(), line) if semicolon else None

    def _atom(self, atom, line):
        match = _ATOM.fullmatch(atom)
        if not match or int(match[3], 16) > BITS64:
            raise ValueError(line)
        return int(match[1]), _ATOM_OPS[match[2]], int(match[3], 16)

    def _errno(self, text, line):
        word, _, value = text.partition(" ")
        if word != "return" or not re.fullmatch(r"\d+|E[A-Z0-9]+", value):
            raise ValueError(line)
        return int(value) if value.isdigit() else self.errnos[value]

    def of(self, name, args):
        """What a call gets; "kill" without more, since minijail0 decides which kind that is."""
        groups, code = self.lines.get(name, ([], None))
        if any(all(op(args[index], value) for index, op, value in group) for group in groups):
            return "SCMP_ACT_ALLOW"
        return "kill" if code is None else ("SCMP_ACT_ERRNO", code)


# systemd.exec(5); src/core/load-fragment.c, config_parse_syscall_filter()

def group_table(path="profiles/systemd-groups.tsv"):
    """{version: {group: calls}}"""
    versions = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            group, call, seen = line.rstrip("\n").split("\t")
            for version in seen.split(","):
                versions.setdefault(version, {}).setdefault(group, set()).add(call)
    return versions


class Unit:
    """The drop-in, read by a systemd with these groups."""

    def __init__(self, text, groups, errnos):
        self.groups, self.errnos = groups, errnos
        self.listed, self.allows_listed = None, None
        self.otherwise, self.architectures, self.unknown = "kill", set(), []
        for line in text.splitlines():
            if line.startswith("#") or line == "[Service]":
                continue
            key, _, value = line.partition("=")
            {"SystemCallFilter": self._filter, "SystemCallErrorNumber": self._error,
             "SystemCallArchitectures": self._architectures}[key](value)

    def _answer(self, text):
        if text == "kill":
            return "kill"
        return ("SCMP_ACT_ERRNO", int(text) if text.isdigit() else self.errnos[text])

    def _error(self, value):
        self.otherwise = self._answer(value)

    def _architectures(self, value):
        self.architectures = self.architectures | set(value.split()) if value else set()

    def _members(self, name):
        if not name.startswith("@"):
            return {name}
        if name not in self.groups:
            self.unknown.append(name)
        return self.groups.get(name, set())

    def _filter(self, value):
        if not value:
            self.listed = None
            return
        invert = value.startswith("~")
        if self.listed is None:
            self.allows_listed = not invert
            self.listed = {} if invert else {call: None for call in self.groups["@default"]}
        for word in value.lstrip("~").split():
            name, colon, text = word.partition(":")
            if colon and not invert:
                raise ValueError(word)
            for call in self._members(name):
                self._one(call, invert, self._answer(text) if colon else None)

    def _one(self, call, invert, says):
        if invert != self.allows_listed or (invert and says is not None):
            self.listed[call] = says
        else:
            self.listed.pop(call, None)

    def of(self, name, _args):
        """What a call gets."""
        allow = "SCMP_ACT_ALLOW"
        if name in (self.listed or {}):
            says = self.listed[name]
            return says or (allow if self.allows_listed else self.otherwise)
        if not self.allows_listed:
            return allow
        return self.otherwise if name in self.groups["@known"] else ("SCMP_ACT_ERRNO", 38)


# Profiles at random

def random_conditions(rng, simple):
    """Of one rule: on different arguments; `simple`: 32-bit equalities only, as generate makes them."""
    conds = []
    for index in rng.sample(range(6), rng.choice([1, 1, 1, 2])):
        op = "MASKED_EQ" if simple else rng.choice([*OPS, "MASKED_EQ"])
        value = rng.choice([0, 1, 2, 5, 0xff, 1 << 31, (1 << 32) - 1, rng.getrandbits(33), rng.getrandbits(62)])
        cond = {"index": index, "value": value, "op": f"SCMP_CMP_{op}"}
        if op == "MASKED_EQ":
            mask = 0xffffffff if simple else rng.choice([0xffffffff, 7, 1 << 40, rng.getrandbits(62)])
            cond = {"index": index, "value": mask, "valueTwo": value & mask, "op": cond["op"]}
        conds.append(cond)
    return conds


def random_profile(rng, names, defaults, actions, conditional=0, simple=False, abis=("SCMP_ARCH_X86_64",)):
    """Rules for some of `names`; `conditional`: how many more calls are allowed with some arguments only."""
    names = rng.sample(names, rng.randrange(1, len(names)))
    default = rng.choice(defaults)
    rules, used = [], 0
    while used < len(names) - conditional:
        some = names[used:used + rng.randrange(1, 120)]
        used += len(some)
        rules.append({"names": sorted(some), **rng.choice(actions)})
    for name in names[:conditional]:
        for rule in rules:
            rule["names"] = [other for other in rule["names"] if other != name]
        for _ in range(rng.choice([1, 2, 3])):
            rules.append({"names": [name], "action": "SCMP_ACT_ALLOW", "args": random_conditions(rng, simple)})
    rules = [rule for rule in rules if rule["names"]]
    rng.shuffle(rules)
    return {**default, "architectures": list(abis), "syscalls": rules}


def sample_args(rng, profile, name):
    """Arguments on both sides of every condition of a call, and some others."""
    values = {0, 1, BITS64, rng.getrandbits(64)}
    for rule in profile["syscalls"]:
        for cond in rule.get("args") or []:
            if name in rule["names"]:
                for value in (cond["value"], cond.get("valueTwo", 0)):
                    values |= {value, value ^ 1, (value + 1) & BITS64, (value - 1) & BITS64,
                               value | 1 << 32, value ^ (1 << rng.randrange(64))}
    values = sorted(values)
    return [[rng.choice(values) for _ in range(6)] for _ in range(60 if len(values) > 4 else 2)]


def seeded(seed):
    """The same numbers in every run."""
    return random.Random(seed)
