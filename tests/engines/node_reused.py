#!/usr/bin/python3
"""The recorder of all containers of a host, where a container's mount namespace has the number of one that is
gone: what ran in that is not the container's.
"""
import json
import os
import secrets
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import ebpf  # noqa: E402
import mount_spaces  # noqa: E402
import node_recorder  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
FILES = os.path.join(SCRATCH, "node")
STATES = "/run/runc"  # in the test's private mounts
ROUNDS = 50
ID_LEN = 64
START_TIME = 21  # of /proc/PID/stat, proc(5), counted from 0


class Container:
    """A shell that is one by what its runtime's state file says."""

    def __init__(self, shell):
        self.shell, self.id = shell, secrets.token_hex(ID_LEN // 2)
        pid = shell.process.pid
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            start = file.read().split()[START_TIME]
        os.makedirs(f"{STATES}/{self.id}")
        with open(f"{STATES}/{self.id}/state.json", "w", encoding="ascii") as file:
            json.dump({"init_process_pid": pid, "init_process_start": int(start)}, file)

    def files(self):
        """Its files."""
        return node_recorder.files_of(FILES, self.id)

    def seen(self):
        """What is in the first one."""
        return workload.Recording(self.files()[0] if self.files() else os.path.join(SCRATCH, "none"))

    def end(self):
        """Have it end: its file as it stays."""
        self.shell.end()
        tap.wait_until(lambda: self.seen().complete, "its file is as it stays")
        return self.seen()


def check_gone(recorder):
    """What ran in the other one has ended before the recorder hears of it."""
    with recorder.stopped():
        other = mount_spaces.Shell("unshare", "-m")
        other.do("umask >/dev/null")
        space = other.space()
        other.end()
        shell = mount_spaces.shell_in(space)
        if not shell:
            return False
        container = Container(shell)
        container.shell.do("cd /")
    tap.wait_until(container.files, "the container has a file")
    seen = container.end()
    made = [name for name in ("umask", "chdir") if name in seen.names.values()]
    tap.equal((len(container.files()), len(seen.json["sources"]), made), (1, 1, ["chdir"]),
              "what ran in a mount namespace that is gone is not of the container whose own has its number now")
    return True


def check_left(recorder):
    """What ran in the other one is a container, which has left it."""
    with recorder.stopped():
        left = Container(mount_spaces.Shell("unshare", "-m"))
        left.shell.do("umask >/dev/null")
        space = left.shell.space()
    tap.wait_until(left.files, "the first container has a file")
    left.shell.become("unshare", "-m")
    with recorder.stopped():
        shell = mount_spaces.shell_in(space)
        if not shell:
            left.shell.end()
            return False
        container = Container(shell)
        container.shell.do("cd /")
    tap.wait_until(lambda: container.files() or "chdir" in left.seen().names.values(), "it is in a file")
    tap.equal((len(container.files()), "chdir" in left.seen().names.values()), (1, False),
              "a container whose mount namespace has the number of the one that another has left has its own file")
    for each in left, container:
        each.shell.end()
    return True


def until_reused(check, recorder):
    """Numbers are the host's: somebody else may be given one first."""
    for _ in range(ROUNDS):
        if check(recorder):
            return
    raise LookupError(f"in {ROUNDS} rounds no number was used again here")


def main():
    """With no engine: their state is enough."""
    ebpf.need("mount namespaces whose numbers are used again")
    kernel = ebpf.Kernel()
    container_engines.private_mounts()
    node_recorder.private_links()
    os.mkdir(FILES)
    recorder = node_recorder.NodeRecorder(FILES, "--interval", "1s")
    until_reused(check_gone, recorder)
    if mount_spaces.has_ids():
        until_reused(check_left, recorder)
    else:
        tap.skip("ids", "a container that has left its mount namespace", "they have no ids before Linux 6.11")
    tap.equal(recorder.end(), 0, "the recorder ends as it does", recorder.said())
    kernel.check("mount namespaces whose numbers are used again")
    tap.done()


if __name__ == "__main__":
    main()
