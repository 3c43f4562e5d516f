#!/usr/bin/env python3
"""The table of arguments against this kernel: its type information has what the bodies of system
calls are declared with, for those that are not inlined.
"""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402

VMLINUX = "/sys/kernel/btf/vmlinux"
TABLE = "lib/args.tsv"
BODIES = ["__do_sys_", "__sys_", "ksys_"]
WRAPPED = ["CONST", "TYPEDEF", "VOLATILE"]


def types():
    """The kernel's types by id, or why there are none."""
    bpftool = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not bpftool or not os.access(VMLINUX, os.R_OK):
        return None, "no bpftool, or no BTF"
    dump = subprocess.run([bpftool, "-j", "btf", "dump", "file", VMLINUX],
                          capture_output=True, text=True, check=False)
    if dump.returncode:
        return None, "bpftool cannot read the BTF"
    return {one["id"]: one for one in json.loads(dump.stdout)["types"]}, ""


def width(known, number):
    """In bits; 0 for what is no scalar."""
    one = known.get(number, {})
    if one.get("kind") in WRAPPED:
        return width(known, one["type_id"])
    return 8 * one.get("size", 0) if one.get("kind") in ("INT", "ENUM") else 0


def rows():
    """(call, index, name of the parameter, bits) of the table."""
    with open(TABLE, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [(call, int(index), parameter.split()[-1], 64 if "long" in parameter else 32)
            for call, index, parameter, _class, _mask, _file in lines]


def main():
    known, reason = types()
    if known is None:
        tap.skip("bpf", "the table agrees with the kernel", reason)
        return
    bodies = {one["name"]: known[one["type_id"]]["params"]
              for one in known.values() if one["kind"] == "FUNC"}
    wrong, compared = [], 0
    for call, index, name, bits in rows():
        for body in BODIES:
            params = bodies.get(body + call)
            if params is None:
                continue
            compared += 1
            got = [(param["name"], width(known, param["type_id"])) for param in params]
            if index >= len(got) or got[index] != (name, bits):
                wrong.append(f"{call} {index} {name} {bits}: {body}{call} has {got}")
    tap.equal(wrong, [], f"{compared} declarations have the parameter at its place, with its width")
    tap.ok(compared > 0, "there were some to compare")


main()
tap.done()
