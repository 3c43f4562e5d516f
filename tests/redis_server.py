"""Debian's redis, downloaded and unpacked below the build directory, never installed."""
import fcntl
import os
import subprocess

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scripts/redis.sh")
DOWNLOAD_S, ANSWER_S = 300, 120


class Absent(Exception):
    """redis cannot be had; the text says why."""


def fetch(build):
    """What the script says: where the programs are, and the path of their libraries."""
    try:
        got = subprocess.run([SCRIPT, build], capture_output=True, text=True, timeout=DOWNLOAD_S, check=False)
    except subprocess.TimeoutExpired as why:
        raise Absent(f"{why}") from why
    if got.returncode:
        raise Absent(got.stderr.strip().splitlines()[-1])
    return got.stdout.split("\n")


class Redis:
    """Its programs, for servers that have nothing but a socket in a directory of their own."""

    def __init__(self, build):
        os.makedirs(build, exist_ok=True)
        with open(f"{build}/redis.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests run at the same time
            got = fetch(build)
        self._programs, libraries = got[:2]
        self.root = self._programs.removesuffix("/usr/bin")
        self.environ = {"LD_LIBRARY_PATH": libraries} if libraries else {}

    def server(self, directory, *options):
        """The command of a server with its files in a directory."""
        return [f"{self._programs}/redis-server", "--port", "0", "--unixsocket", socket_of(directory), "--save", "",
                "--dir", directory, *options]

    def run(self, directory, program, *args, **kwargs):
        """Run a client of the server in a directory: its standard output; CalledProcessError when it fails."""
        return subprocess.run([f"{self._programs}/{program}", "-s", socket_of(directory), *args],
                              env={**os.environ, **self.environ}, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=ANSWER_S, **kwargs).stdout

    def info(self, directory):
        """What the server in a directory answers to INFO."""
        lines = (line.partition(":") for line in self.run(directory, "redis-cli", "INFO").splitlines())
        return {key: value for key, colon, value in lines if colon}


def socket_of(directory):
    """The socket of the server in a directory."""
    return f"{directory}/redis.sock"
