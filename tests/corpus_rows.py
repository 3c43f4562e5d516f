"""The corpus: programs of Debian and of our own, with what is known of their calls.

Each ends with the same status and the same output in every run, so that runs can be compared.
"""
import dataclasses
import os

import loopback

PYTHON = "/usr/bin/python3"
WRITTEN_S = 1700000000
GIT_ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"),
                           ("DATE", f"{WRITTEN_S} +0000"))},
}

PYTHON_PROGRAM = r"""
import subprocess, sys, threading
results = []
def work(n):
    results.append(sum(i * i for i in range(n)))
threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
out = subprocess.run(["sh", "-c", "echo from the shell; exit 3"], capture_output=True)
pipe = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(sorted(results), out.stdout, out.returncode, pipe.communicate(b"through a pipe")[0])
sys.exit(5)
"""

BASH_PROGRAM = r"""
set -o pipefail
seq 1 200 | grep 7 | sort -rn | head -n 3
(cd / && echo "subshell in $PWD")
echo "substituted: $(echo one | tr a-z A-Z)"
while read -r line; do echo "line $line"; done < <(printf '%s\n' a b)
cat <<< "here string"
false | true; echo "pipe status ${PIPESTATUS[0]} $?"
trap 'echo leaving' EXIT
exit 4
"""

# wait sleeps (rt_sigsuspend) only for what has not ended yet: the child first waits until it does.
WAITS = "(until grep -q '^State:.S' /proc/$$/status; do :; done; exec cat) & wait; (exit 6)"
MAKEFILE = "all: two\none:\n\t@echo one > $@\ntwo: one\n\t@cat one one > two; cat two\n"

# Named reasons for what may be in one set and not in the other.
FUTEX = "only where two threads or a parent and a child happen to meet"
RESTART = "only where a signal or a stop happens to hit a sleep"
UNSEEN = "strace does not see calls through the vsyscall page"
SKIPPED = "a filter that traces skips number -1 before the oracle's place"


@dataclasses.dataclass
class Row:
    """One program of the corpus."""

    name: str
    argv: list
    stdin: bytes = None
    setup: object = None  # called with the fresh directory that the program runs in
    env: dict = dataclasses.field(default_factory=dict)
    status: int = 0
    may: dict = dataclasses.field(default_factory=dict)  # call name: why it may differ
    ours: dict = dataclasses.field(default_factory=dict)  # (ABI, number): why only we see it
    skipped: dict = dataclasses.field(default_factory=dict)  # likewise, with ptrace only
    counts: dict = dataclasses.field(default_factory=dict)  # (ABI, number): exactly; None: never
    must: tuple = ()  # (ABI, number): both have seen it, however often
    user: bool = False  # run it as an ordinary user as well
    need: str = ""  # where it does not work bare for lack of this, it is skipped
    kill: bool = True  # it fits a profile that kills, too: all its calls have names
    port: int = 0  # of loopback, where it expects a server


def files(directory):
    """A few files to work on."""
    os.makedirs(f"{directory}/tree/deep")
    for path, text in (("words", "pear\napple\nfig\napple\n"), ("tree/one", "needle here\n"),
                       ("tree/deep/two", "nothing\n"), ("tree/deep/three", "a needle\n" * 3)):
        with open(f"{directory}/{path}", "w", encoding="ascii") as file:
            file.write(text)
    for place, names, files_in in os.walk(f"{directory}/tree", topdown=False):
        for name in [*names, *files_in, "."]:
            os.utime(f"{place}/{name}", (WRITTEN_S, WRITTEN_S))  # ls shows it


def makefile(directory):
    """A Makefile with two steps."""
    with open(f"{directory}/Makefile", "w", encoding="ascii") as file:
        file.write(MAKEFILE)


def source(directory):
    """A C program."""
    with open(f"{directory}/hello.c", "w", encoding="ascii") as file:
        file.write('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')


def real_programs():
    """Programs that Debian installs."""
    sh = "/bin/sh"
    yield Row("true", ["/bin/true"], user=True)
    yield Row("ls", ["ls", "-lRn", "tree"], setup=files, user=True)
    yield Row("cp", ["cp", "-a", "tree", "copy"], setup=files)
    yield Row("sort", ["sort", "-u", "words"], setup=files)
    yield Row("dd", ["dd", "if=/dev/zero", "of=zeros", "bs=4k", "count=10", "status=none"])
    yield Row("env", ["env", "-i", "A=1", "env"])
    yield Row("sha256sum", ["sha256sum", "words", "tree/one"], setup=files)
    yield Row("timeout", ["timeout", "-s", "INT", "100", "cat"], stdin=b"in time\n",
              may={"restart_syscall": RESTART})
    yield Row("mkdir, ln, mv, rm", [sh, "-c", "mkdir -p a/b && ln -s b a/c && mv a/b a/d &&"
                                    " rm -r a"])
    yield Row("find and xargs", [sh, "-c", "find tree -type f -print0 | sort -z |"
                                 " xargs -0 -n 1 wc -c"],
              setup=files)
    yield Row("grep", ["grep", "-rn", "needle", "tree/deep"], setup=files)
    yield Row("sed", ["sed", "-i.bak", "-e", "s/apple/plum/", "words"], setup=files)
    yield Row("awk", ["awk", '{ n[$1]++ } END { print n["apple"]; print "x" | "cat" }', "words"],
              setup=files)
    yield Row("tar", [sh, "-c", "tar czf t.tgz tree && tar tzf t.tgz | sort && tar xzf t.tgz"
                      " --to-stdout tree/one"], setup=files)
    yield Row("make", ["make", "-s"], setup=makefile)
    yield Row("gcc", ["gcc", "-O0", "-o", "hello", "hello.c"], setup=source)
    yield Row("perl", ["perl", "-e", 'print sort map { "$_\\n" } <STDIN>; print `echo sub`;'
                       " exit 9"],
              stdin=b"b\na\n", status=9)
    yield Row("sh -c", [sh, "-c", WAITS], status=6)
    yield Row("bash", ["bash", "-c", BASH_PROGRAM], status=4, user=True)
    yield Row("python3", [PYTHON, "-I", "-c", PYTHON_PROGRAM], status=5, user=True,
              may={"restart_syscall": RESTART, "futex": FUTEX})
    yield Row("git", [sh, "-c", "git init -q -b main . && git add . && git -c gc.auto=0 -c"
                      " maintenance.auto=false commit -qm 'one line' && git log --stat"],
              setup=files, env=GIT_ENVIRON)
    yield Row("sqlite3", ["sqlite3", "t.db"], stdin=b"create table t(a);\n"
              b"insert into t values (1), (2);\nselect sum(a) from t;\n")
    server = loopback.Server()
    yield Row("curl", ["curl", "-sS", f"http://127.0.0.1:{server.port}/"], port=server.port)
    yield Row("gzip", ["gzip", "-nkc", "words"], setup=files)
    yield Row("bubblewrap", ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc",
                             "cat", "words"], setup=files, need="namespaces")


def own_programs(at):
    """The programs of tests/programs, with known counts; at(name) is where one is."""
    x64, x86 = "x86_64", "i386"
    yield Row("a static program", [at("calls_static")], user=True,
              counts={(x64, 110): 1000, (x64, 24): 20})
    yield Row("a 32-bit program", [at("calls_i386")], counts={(x86, 64): 100, (x86, 199): 50},
              need="m32")
    yield Row("int $0x80 in a 64-bit program", [at("int80")], kill=False, need="m32",
              counts={(x86, 20): 30, (x86, 600): 5, (x64, 110): 40})
    yield Row("numbers that are no calls", [at("odd_numbers")], kill=False,
              skipped={(x64, 0xFFFFFFFF): SKIPPED},
              counts={(x64, 0xFFFFFFFF): 2, ("x32", 0x40000027): 3, (x64, 600): 4, (x64, 110): 5})
    yield Row("vfork, clone, clone3, posix_spawn", [at("vfork_clone3")], user=True,
              counts={(x64, 58): 1, (x64, 110): 40, (x64, 102): 10})
    yield Row("exec by a thread that is not the leader", [at("thread_exec")], status=7,
              counts={(x64, 110): 100, (x64, 102): 11, (x64, 59): 2}, may={"futex": FUTEX})
    yield Row("orphans", [at("orphans")], status=3, counts={(x64, 102): 160})
    yield Row("signal handlers", [at("signals")],
              counts={(x64, 110): 120, (x64, 15): 110, (x64, 234): 100, (x64, 62): 10})
    yield Row("a sleep that is stopped and resumed", [at("restart")],
              counts={(x64, 62): 2, (x64, 7): 1}, must=((x64, 219),))
    yield Row("a call not made", [at("try_call")], counts={(x64, 110): None})
    yield Row("vsyscall", [at("vsyscall")], ours={(x64, 201): UNSEEN}, counts={(x64, 201): 3},
              need="vsyscall")
