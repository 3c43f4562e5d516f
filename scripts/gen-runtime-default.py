#!/usr/bin/env python3
"""Print profiles/runtime-default.json, made from the two tables of facts beside it.

    scripts/gen-runtime-default.py >profiles/runtime-default.json

The rule, applied to what each engine answers (profiles/README.md says why):
allow where all engines allow, unconditionally or by arguments; EPERM where at least two answer
EPERM and none answers ENOSYS; the default, ENOSYS, for everything else.
"""
import json
import os
import re
import sys

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "profiles")
ENGINE_DEFAULTS = ["EPERM", "EPERM", "ENOSYS"]  # docker, containerd, podman
ERRNO = {"EPERM": 1, "EINVAL": 22, "ENOSYS": 38}
CONDITION = re.compile(r"^a([0-5])&(0x[0-9a-f]+)==(0x[0-9a-f]+)$")


def read_rows(name):
    with open(os.path.join(PROFILES, name), encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]


def common_answer(cells):
    """One answer for what the three engines say."""
    answers = [default if cell == "-" else cell.split("/")[0]
               for cell, default in zip(cells, ENGINE_DEFAULTS, strict=True)]
    if set(answers) <= {"allow", "args"}:
        return "args" if "args" in answers else "allow"
    return "EPERM" if answers.count("EPERM") >= 2 and "ENOSYS" not in answers else "ENOSYS"


def make_rule(names, action, condition=""):
    rule = {"names": sorted(names)}
    if action == "allow":
        rule["action"] = "SCMP_ACT_ALLOW"
    else:
        rule["action"] = "SCMP_ACT_ERRNO"
        rule["errnoRet"] = ERRNO[action]
    for part in condition.split():
        index, mask, value = (int(g, 0) for g in CONDITION.match(part).groups())
        rule.setdefault("args", []).append({"index": index, "value": mask, "valueTwo": value,
                                            "op": "SCMP_CMP_MASKED_EQ"})
    return rule


def make_profile():
    answers = {name: common_answer(cells)
               for name, abis, *cells in read_rows("runtime-default.tsv") if abis != "-"}
    conditional = read_rows("runtime-default-args.tsv")
    rules = [make_rule([n for n in answers if answers[n] == action], action)
             for action in ("allow", "EPERM")]
    if {row[0] for row in conditional} != {n for n in answers if answers[n] == "args"}:
        raise ValueError("runtime-default-args.tsv is not about the rows \"args\"")
    rules += [make_rule([name], action, condition) for name, action, condition, _ in conditional]
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": ERRNO["ENOSYS"],
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": rules}


if __name__ == "__main__":
    json.dump(make_profile(), sys.stdout, indent=2)
    print()
