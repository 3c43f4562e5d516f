#!/usr/bin/python3
"""Programs from Debian that are not in the recorder's corpus, held to their own profile from each moment on.

Each is recorded, a profile is cut that kills for all else, and it ends as it does bare, with the same output, when it
is held from its launch, its exec or its main on; from these two even without execve, if it starts no other program.
Servers are held from serve on to what was called in that phase, too, alone and behind a profile for the start.
"""
import contextlib
import dataclasses
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import redis_server  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PLACE = os.path.join(SCRATCH, "run")
AFTER_EXEC = ("exec", "main")
MOMENTS = ("launch", *AFTER_EXEC)
RECORDINGS_MAX = 6
KILL = ("--default-action", "kill")

TEXT = "".join(f"line {n * 7919 % 101} of some words\n" for n in range(2000))
MAN = '.Dd January 1, 2020\n.Dt T 1\n.Os\n.Sh NAME\n.Nm t\n.Nd nothing\n.Sh DESCRIPTION\nSome\n.Em words .\n'
ASSEMBLY = ".globl _start\n_start: mov $60, %eax\n mov $9, %edi\n syscall\n"
JSON = '{"a": [1, 2, {"b": null}], "c": "text"}'
FILES = {"text": TEXT, "words": "apple 1\nfig 2\npear 3\n", "json": JSON, "man": MAN, "assembly": ASSEMBLY}


@dataclasses.dataclass
class Row:
    """A program."""

    argv: list
    status: int = 0
    stdin: bytes = b""
    recordings: list = dataclasses.field(default_factory=list)


ROWS = {
    "xz": Row(["xz", "-kc", "-T2", "--block-size=8KiB", "text"]),
    "bzip2": Row(["bzip2", "-kc", "text"]),
    "od": Row(["od", "-A", "x", "-t", "x1z", "words"]),
    "split": Row(["split", "-n", "3", "--filter=wc -c", "text"]),
    "diff": Row(["diff", "text", "words"], status=1),
    "cmp": Row(["cmp", "text", "words"], status=1),
    "jq": Row(["jq", "-c", ".a[2], .c", "json"]),
    "mandoc": Row(["mandoc", "-T", "ascii", "man"]),
    "as": Row(["as", "-o", "/dev/null", "assembly"]),
    "readelf": Row(["readelf", "-hlW", "/bin/true"]),
    "objdump": Row(["objdump", "-d", "--stop-address=0x2100", "/bin/true"]),
    "iconv": Row(["iconv", "-f", "latin1", "-t", "utf-16", "text"]),
    "mawk": Row(["mawk", "{ n += $2 } END { print n }", "text"]),
    "tsort": Row(["tsort"], stdin=b"a b\nb c\nc d\n"),
    "factor": Row(["factor"], stdin=b"1234567890123\n97\n"),
    "shuf": Row(["shuf", "--random-source=text", "-n", "5", "text"]),
    "join": Row(["join", "words", "words"]),
    "du": Row(["du", "-a", "--apparent-size", "."]),
    "date": Row(["date", "-u", "-d", "@86400", "+%c"]),
    "flock": Row(["flock", "text", "expr", "6", "*", "7"]),
    "dash": Row(["dash", "-c", "(echo one; expr 1 + 1) | od -c; exit 6"], status=6),
    "dpkg-query": Row(["dpkg-query", "-W", "-f", "${Package}\n", "bash"]),
    "getent": Row(["getent", "passwd", "root"]),
}


def place():
    """A new directory to run in; the keywords for the runner."""
    shutil.rmtree(PLACE, ignore_errors=True)
    os.mkdir(PLACE)
    for name, text in FILES.items():
        with open(f"{PLACE}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    return {"cwd": PLACE}


def record(name, row):
    """Once more: whether something was new to it."""
    path = os.path.join(SCRATCH, f"{name}.{len(row.recordings)}.rec.json")
    result, seen = workload.record(row.argv, path, ("-q", "--backend", "ptrace"), stdin=row.stdin, **place())
    if result.returncode != row.status or not seen.complete:
        raise ValueError(f"{name}: {result}")
    known = {key for each in row.recordings for key in workload.Recording(each).calls}
    row.recordings.append(path)
    return not known >= set(seen.calls)


def generate(name, recordings, *options):
    """A profile."""
    path = os.path.join(SCRATCH, f"{name}.json")
    done = workload.sysclamp("generate", "--runtime", "none", *options, "-o", path, *recordings)
    if done.returncode:
        raise ValueError(done.stderr.decode())
    return path


def without_execve(path):
    """The same profile, less that call."""
    with open(path, encoding="utf-8") as file:
        profile = json.load(file)
    for rule in profile["syscalls"]:
        rule["names"] = [call for call in rule["names"] if call not in ("execve", "execveat")]
    profile["syscalls"] = [rule for rule in profile["syscalls"] if rule["names"]]
    path = path.replace(".json", ".no-exec.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(profile, file)
    return path


def add_calls(path, calls):
    """The same profile, and these calls."""
    with open(path, encoding="utf-8") as file:
        profile = json.load(file)
    profile["syscalls"][0]["names"] = sorted({*profile["syscalls"][0]["names"], *calls})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(profile, file)
    return path


def ways(name, row):
    """(moment, profile) of all that is to be tried."""
    path = generate(name, row.recordings, *KILL)
    yield from ((at, path) for at in MOMENTS)
    if all(workload.Recording(each).calls[("x86_64", 59)] == 1 for each in row.recordings):
        narrow = without_execve(path)
        yield from ((at, narrow) for at in AFTER_EXEC)


def differing(name, row, bare):
    """The ways in which it ends otherwise."""
    wrong = []
    for at, path in ways(name, row):
        got = workload.sysclamp("run", "--at", at, "-p", path, "--", *row.argv, stdin=row.stdin, **place())
        if (got.returncode, got.stdout, got.stderr) != (bare.returncode, bare.stdout, bare.stderr):
            wrong.append(f"at {at} under {os.path.basename(path)}: {got}")
    return wrong


def check(name, row):
    """One program, at each moment."""
    bare = workload.run(row.argv, stdin=row.stdin, **place())
    if bare.returncode != row.status:
        tap.ok(False, f"{name}: ends bare with {row.status}", bare)
        return
    record(name, row)
    wrong = differing(name, row, bare)
    # What one run did not show, another may: threads that meet, and such.
    while wrong and len(row.recordings) < RECORDINGS_MAX and any([record(name, row) for _ in range(2)]):
        wrong = differing(name, row, bare)
    tap.equal(wrong, [], f"{name}: ends as bare, held from its launch, exec and main")


class HTTP:
    """python3 -m http.server."""

    name = "python3 -m http.server"
    argv = ["/usr/bin/python3", "-I", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    environ = {}
    also = ()

    def wait(self, process):
        """Until it serves."""
        line = process.stdout.readline().decode()
        self.port = int(re.search(r"port (\d+)", line)[1])

    def ask(self):
        """Its answers."""
        answers = []
        for path in ("/words", "/", "/none"):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
            connection.close()
        return answers


class Redis:
    """Debian's redis-server."""

    name = "redis-server"
    # Its threads begin at the time of the first wait, so that what they call first is in the one phase or in the other.
    also = ("rseq", "set_robust_list", "rt_sigprocmask", "prctl")

    def __init__(self):
        self.redis = redis_server.Redis(workload.BUILD)
        self.argv = self.redis.server(PLACE, "--daemonize", "no")
        self.environ = self.redis.environ

    def wait(self, process):
        """Until it serves."""
        tap.wait_until(lambda: self.answers() or process.poll() is not None, "redis answers")

    def answers(self):
        """Whether it does: its socket is there before it listens."""
        try:
            return self.redis.run(PLACE, "redis-cli", "PING")
        except subprocess.CalledProcessError:
            return None

    def ask(self):
        """Its answers."""
        return [self.redis.run(PLACE, "redis-cli", *words) for words in
                (["SET", "key", "value"], ["GET", "key"], ["INCR", "n"], ["LPUSH", "l", "a", "b"],
                 ["LRANGE", "l", "0", "-1"])]


@contextlib.contextmanager
def served(server, prefix):
    """It runs, until SIGTERM; `ended` says how, `said` what it wrote to standard error."""
    with subprocess.Popen([*prefix, *server.argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **place(),
                          env={**workload.ENVIRON, **server.environ}) as process:
        try:
            server.wait(process)
            yield process
        finally:
            process.terminate()
            _, process.said = process.communicate(timeout=60)
            process.ended = process.returncode if process.returncode >= 0 else 128 - process.returncode


def ask_served(server, prefix=()):
    """What it answers, how it ends, what sysclamp says."""
    answers = process = None
    with contextlib.suppress(OSError, TypeError, http.client.HTTPException, subprocess.CalledProcessError):
        with served(server, prefix) as process:
            answers = (server.ask(), server.ask())
    said = process.said.splitlines() if process else []
    return answers, getattr(process, "ended", None), [line for line in said if b"sysclamp" in line]


def check_server(server):
    """A server, at each moment, and in two phases."""
    bare = ask_served(server)
    recordings = []
    for number in range(2):
        recordings.append(os.path.join(SCRATCH, f"{type(server).__name__}.{number}.rec.json"))
        got = ask_served(server, [workload.SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", recordings[-1], "--"])
        tap.equal(got, bare, f"{server.name}: recorded")
    whole = generate("whole", recordings, *KILL)
    serve = add_calls(generate("serve", recordings, *KILL, "--phase", "serve"), server.also)
    for options in (*(["--at", at, "-p", whole] for at in MOMENTS), ["--at", "serve", "-p", serve],
                    ["--at", "serve", "-p", whole, "--then", serve]):
        got = ask_served(server, [workload.SYSCLAMP, "run", *options, "--"])
        label = " ".join(os.path.basename(option) for option in options)
        tap.equal(got, bare, f"{server.name}: serves and ends as bare, held by {label}")
    with served(server, [workload.SYSCLAMP, "run", "--at", "serve", "-p", whole, "--then", serve, "--"]) as process:
        server.ask()
        pid = tap.children_of(process.pid)[0]
        with open(f"/proc/{pid}/status", encoding="ascii") as file, open("/proc/self/status", encoding="ascii") as ours:
            now, base = (int(re.search(r"Seccomp_filters:\t(\d+)", each.read())[1]) for each in (file, ours))
    tap.equal(now - base, 2, f"{server.name}: in two phases it carries two filters as it serves")
    got = workload.sysclamp("run", "--at", "exec", "-p", serve, "--", *server.argv, env=server.environ, **place())
    tap.ok(got.returncode, f"{server.name}: what it calls as it serves does not do to start it", got)


def main():
    """All programs, then the servers."""
    there = {name: row for name, row in ROWS.items() if shutil.which(row.argv[0], path=workload.ENVIRON["PATH"])}
    for name in ROWS.keys() - there.keys():
        tap.skip("programs", name, "not installed")
    tap.ok(len(there) >= 10, f"{len(there)} programs")
    for name, row in there.items():
        check(name, row)
    check_server(HTTP())
    try:
        redis = Redis()
    except redis_server.Absent as why:
        tap.skip("redis", "redis-server", str(why))
    else:
        check_server(redis)
    tap.done()


if __name__ == "__main__":
    main()
