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
import args_table  # noqa: E402
import tap  # noqa: E402

VMLINUX = "/sys/kernel/btf/vmlinux"
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


def main():
    known, reason = types()
    if known is None:
        tap.skip("bpf", "the table agrees with the kernel", reason)
        return
    bodies = {one["name"]: known[one["type_id"]]["params"]
              for one in known.values() if one["kind"] == "FUNC"}
    wrong, compared = [], 0
    for row in args_table.rows():
        for body in BODIES:
            params = bodies.get(body + row.call)
            if params is None:
                continue
            compared += 1
            got = [(param["name"], width(known, param["type_id"])) for param in params]
            if row.index >= len(got) or got[row.index] != (row.parameter, row.bits):
                wrong.append(f"{row}: {body}{row.call} has {got}")
    tap.equal(wrong, [], f"{compared} declarations have the parameter at its place, with its width")
    tap.ok(compared > 0, "there were some to compare")


main()
tap.done()
