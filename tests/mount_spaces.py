"""Shells in mount namespaces of their own, one in a namespace that has the number of one that is gone."""
import fcntl
import os
import subprocess

import workload

NS_GET_MNTNS_ID = 0x8008B705  # _IOR(NSIO, 0x5, __u64) of linux/nsfs.h
LOOP = "while read line; do eval $line; echo; done"


def has_ids():
    """Whether the kernel tells ids of mount namespaces (Linux 6.11), which no other one ever gets."""
    with open("/proc/self/ns/mnt", "rb") as space:
        try:
            fcntl.ioctl(space, NS_GET_MNTNS_ID, bytes(8))
        except OSError:
            return False
    return True


class Shell:
    """A shell that does what it is told, and says an empty line then; with a command in front of it."""

    def __init__(self, *prefix):
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([*prefix, "sh", "-c", LOOP], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=workload.ENVIRON)

    def do(self, line):
        """Have one line done."""
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        self.process.stdout.readline()

    def become(self, *prefix):
        """Have the process execute a command that ends in another shell."""
        self.do(f"exec {' '.join(prefix)} sh -c 'echo; {LOOP}'")

    def space(self):
        """The number of its mount namespace."""
        return os.stat(f"/proc/{self.process.pid}/ns/mnt").st_ino

    def end(self):
        """Have it end."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(workload.DEADLINE_S)


def shell_in(space):
    """A shell in a new mount namespace that has the number of one that is gone; None: somebody else has it."""
    others = []
    try:
        while True:
            shell = Shell("unshare", "-m")
            shell.do(":")
            if shell.space() == space:
                return shell
            others.append(shell)
            # The kernel gives the lowest number that is free: those below are in use now.
            if shell.space() > space:
                return None
    finally:
        for shell in others:
            shell.end()
