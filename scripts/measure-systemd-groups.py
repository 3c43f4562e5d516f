#!/usr/bin/env python3
"""Print profiles/systemd-groups.tsv: the groups of calls that versions of systemd have.

Usage: measure-systemd-groups.py ROOT...

Each ROOT is a directory with a systemd in it ("/" for this machine's), whose own systemd-analyze
is asked (`systemd-analyze syscall-filter`), as root for any but "/".
"""
import collections
import subprocess
import sys

HEADER = """\
# The groups of calls of systemd: what SystemCallFilter=@GROUP stands for.  Flat: groups within
# groups are written out.  Made by scripts/measure-systemd-groups.py from what the systemd-analyze
# of each of these prints (syscall-filter):
# systemd: {versions}
# versions: those of them in which the call is in the group
# group\tsyscall\tversions
"""


def ask(root, *args):
    """What the systemd-analyze below `root` prints."""
    argv = ["systemd-analyze", *args]
    if root != "/":
        argv = ["chroot", root, *argv]
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "SYSTEMD_PAGER": ""}
    return subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def read_groups(text):
    """{"@aio": [members, groups among them]}; what stands below "# Ungrouped" is in no group."""
    groups, group = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            group.append(line.strip())
    return groups


def flat(groups, name):
    """The calls of a group, those of the groups in it included."""
    calls = set()
    for member in groups[name]:
        calls |= flat(groups, member) if member.startswith("@") else {member}
    return calls


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    versions, rows = [], collections.defaultdict(list)
    for root in sys.argv[1:]:
        words = ask(root, "--version").splitlines()[0].split()
        versions.append(words[1])
        print(f"systemd {words[1]} {words[2]}", file=sys.stderr)
        groups = read_groups(ask(root, "syscall-filter"))
        for group in groups:
            for call in flat(groups, group):
                rows[group, call].append(words[1])
        versions[-1] = f"{words[1]} {words[2]}"
    sys.stdout.write(HEADER.format(versions="; ".join(versions)))
    for (group, call), seen in sorted(rows.items()):
        print(group, call, ",".join(seen), sep="\t")


if __name__ == "__main__":
    main()
