#!/usr/bin/python3
"""`run --on-deny explain`: each new denial is told once, and all are counted."""
import fcntl
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import deny  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
F_SETPIPE_SZ = 1031  # linux/fcntl.h
EPERM = ("SCMP_ACT_ERRNO", 1)
FOR_READING = [{"index": 2, "value": 0, "op": "SCMP_CMP_EQ"}]


def path(name):
    """A file of this test."""
    return os.path.join(SCRATCH, name)


def check_text():
    """One line for a denial, with arguments, program and stack."""
    profile = deny.profile(path("text.json"), ("uname", *EPERM), ("getppid", "SCMP_ACT_ERRNO", 95),
                           ("getpgid", "SCMP_ACT_TRAP"), ("sync", "SCMP_ACT_KILL_PROCESS"),
                           ("sched_yield", "SCMP_ACT_TRACE"))
    try_call = workload.program("try_call")
    for call, args, result, status in (
            ("getppid", "", "-1 EOPNOTSUPP", 0), ("sched_yield", "", "-1 ENOSYS", 0),
            ("getpgid", "0", "SIGSYS", 159), ("sync", "", "killed", 159)):
        got, told = deny.explain(profile, try_call, call)
        tap.equal((got.returncode, told.denials, told.total, told.kinds),
                  (status, [(call, args, result, "try_call", try_call)], 1, 1),
                  f"{call}: told with what became of it", got.stderr.decode())
        tap.ok(any(frame.startswith("try_call!main+") for frame in told.stacks[0])
               and told.stacks[0][0].startswith("libc.so.6!syscall+"),
               f"{call}: its stack leads to main", told.stacks)
    got, told = deny.explain(profile, "true")
    tap.equal((got.returncode, told.denials, told.total), (0, [], 0), "nothing denied: said so")
    got = workload.sysclamp("run", "-p", profile, "--", try_call, "getpgid")
    tap.ok(b"--on-deny explain" in got.stderr, "without it, a death by SIGSYS says how to ask", got)


def check_strings():
    """Paths are read from memory, and cannot forge a line."""
    profile = deny.profile(path("strings.json"), ("openat", *EPERM, [{**FOR_READING[0], "value": 0o1101}]),
                           ("mkdir", *EPERM), ("symlink", *EPERM), ("symlinkat", *EPERM))
    shell = 'echo > "$1"'
    for name, want in (("/nowhere/x", "/nowhere/x"), ('a"b\\', 'a\\"b\\\\'), ("a\nsysclamp run: b", "a?sysclamp run: b"),
                       ("\x1b[31mred", "?[31mred"), ("x" * 300, "x" * 128 + "...")):
        _, told = deny.explain(profile, "sh", "-c", shell, "sh", name, cwd=SCRATCH)
        tap.equal([each[:3] for each in told.denials],
                  [("openat", f'AT_FDCWD, "{want}", O_WRONLY|O_CREAT|O_TRUNC, 438', "-1 EPERM")],
                  f"the path {name[:20]!r}", told.rest)
    _, told = deny.explain(profile, "ln", "-s", "to", "from", cwd=SCRATCH)
    tap.equal([each[1] for each in told.denials if each[0] == "symlinkat"], ['"to", AT_FDCWD, "from"'],
              "two texts in one call", told.denials)


def check_kinds():
    """A kind is program, ABI, call and answer; counts are exact, over processes and threads."""
    many, other = workload.program("many_calls"), path("other")
    workload.run(["cp", many, other])
    profile = deny.profile(path("kinds.json"), ("getppid", *EPERM))
    got, told = deny.explain(profile, many, "5", "4", "100")
    tap.equal((got.returncode, len(told.denials), told.total, told.kinds), (0, 1, 2000, 1),
              "2000 denials in 20 threads of 5 processes: one line, all counted", got)
    got, told = deny.explain(profile, "sh", "-c", f"{many} 2 2 50; {other} 1 1 7; {many} 1 1 3")
    ours = [each for each in told.denials if each[4] in (many, other)]
    tap.equal((got.returncode, sorted(each[4] for each in ours)), (0, sorted((many, other))),
              "two programs: one line each", told.denials)
    tap.equal(told.total - (len(told.denials) - 2), 2 * 2 * 50 + 7 + 3, "all counted", told.denials)
    if workload.has_i386():
        both = deny.profile(path("both.json"), ("getpid", *EPERM),
                            architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
        _, told = deny.explain(both, workload.program("int80"))
        tap.ok("i386:getpid" in [each[0] for each in told.denials], "a 32-bit call says its ABI",
               told.denials)
    else:
        tap.skip("m32", "a 32-bit call says its ABI", "this kernel takes none")


def check_unlisted():
    """A call of an ABI that is not listed is killed, and told."""
    if not workload.has_i386():
        tap.skip("m32", "an ABI that is not listed", "this kernel takes none")
        return
    profile = deny.profile(path("unlisted.json"), architectures=["SCMP_ARCH_X86_64"])
    got, told = deny.explain(profile, workload.program("int80"))
    tap.equal((got.returncode, told.total, [each[2] for each in told.denials]), (159, 1, ["killed"]),
              "an ABI that is not listed: killed and told", got)


def check_below():
    """Grandchildren, and daemons that outlive the command."""
    profile = deny.profile(path("below.json"), ("uname", *EPERM))
    script = "(setsid sh -c 'sleep 0.3; uname; echo daemon' </dev/null & ) ; sh -c '(uname)'; echo main; exit 5"
    got, told = deny.explain(profile, "sh", "-c", script)
    tap.equal((got.returncode, got.stdout), (5, b"main\ndaemon\n"),
              "it lasts until a daemon has ended; the status is the command's", got.stderr)
    tap.equal((told.total, told.kinds, [each[0] for each in told.denials]), (2, 1, ["uname"]),
              "both denials are counted, the first is told")


def check_crowd():
    """More programs than there is room for: what has none is counted."""
    profile = deny.profile(path("crowd.json"), ("getppid", *EPERM))
    deep, n = os.path.join(path("deep"), *["d" * 200] * 15), 120
    os.makedirs(deep)
    script = 'i=0; while [ $i -lt $2 ]; do ln "$1" "$3/$i"; "$3/$i" 1 1 2; i=$((i+1)); done'
    own = os.path.join(path("deep"), "many")
    workload.run(["cp", workload.program("many_calls"), own])
    got, told = deny.explain(profile, "sh", "-c", script, "sh", own, str(n), deep)
    mine = [each for each in told.denials if each[4].startswith(deep)]
    others = len(told.denials) - len(mine)
    tap.ok(got.returncode == 0 and 0 < len(mine) < n and told.kinds == len(told.denials),
           f"{n} programs with long paths: {len(mine)} have room and are told", got.stderr[-500:])
    tap.equal((told.total, others), (2 * n + 1, 1), "all are counted, with one of the shell's own")
    tap.equal(told.rest, [f"; {2 * (n - len(mine))} of more kinds than there is room for"],
              "the rest is counted apart")


def check_silence():
    """Nobody reads standard error until the command has ended: it goes on all the same."""
    calls = [name for name in ("getuid", "geteuid", "getgid", "getegid", "getppid", "getpgrp", "getpgid", "getsid",
                               "umask", "sched_yield", "times", "getpriority", "uname", "sysinfo", "getcwd")]
    profile = deny.profile(path("silence.json"), (calls, *EPERM))
    script = "import ctypes\nfor nr in (102, 107, 104, 108, 110, 111, 121, 124, 95, 24, 100, 140, 63, 99, 79):\n" \
             "  assert ctypes.CDLL(None).syscall(nr, 0, 0, 0) == -1\nprint('through', flush=True)"
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4095)
    process = deny.start(["-p", profile, "--on-deny", "explain"], ["/usr/bin/python3", "-I", "-c", script],
                         stderr=writer)
    os.close(writer)
    tap.equal(process.stdout.readline(), b"through\n", "a full pipe at standard error does not hold the command up")
    process.stdin.close()
    with open(reader, "rb") as file:
        told = deny.Told(file.read()[4095:].decode())
    tap.equal(process.wait(), 0, "and then it is read")
    tap.ok(told.total >= len(calls) and told.kinds >= len(calls) and len(told.denials) == told.kinds,
           "all is told in the end", told.total, told.kinds, len(told.denials), told.rest)
    process.stdout.close()
    got = workload.run(["sh", "-c", f"exec {workload.SYSCLAMP} run -p {profile} --on-deny explain -- "
                        f"{workload.program('try_call')} getppid 2>&-"])
    tap.equal((got.returncode, got.stdout), (0, b"trying\ngetppid: 1\n"), "no standard error at all", got.stderr)


def check_refused():
    """What cannot be supervised is refused before it starts."""
    for name, rules, default in (("NOTIFY", [("uname", "SCMP_ACT_NOTIFY")], "SCMP_ACT_ALLOW"),
                                 ("no execve", [("execve", *EPERM)], "SCMP_ACT_ALLOW")):
        profile = deny.profile(path("refused.json"), *rules, default=default)
        got, _ = deny.explain(profile, "touch", path("touched"))
        tap.ok(got.returncode == 125 and got.stderr.count(b"\n") == 1 and not os.path.exists(path("touched")),
               f"{name}: refused, and nothing was started", got)
    profile = deny.profile(path("args.json"), ("execve", *EPERM, [{"index": 0, "value": 0, "op": "SCMP_CMP_NE"}]))
    got, _ = deny.explain(profile, "touch", path("touched"))
    tap.ok(got.returncode == 125 and not os.path.exists(path("touched")), "execve denied by its arguments", got)
    for argv, status in (((path("nowhere"),), 127), ((SCRATCH,), 126)):
        got, _ = deny.explain(deny.profile(path("all.json")), *argv)
        tap.equal(got.returncode, status, f"{os.path.basename(argv[0])}: status {status}", got.stderr)
    with open(path("script"), "w", encoding="ascii") as file:
        file.write("#!/nowhere/interpreter\n")
    os.chmod(path("script"), 0o755)
    got, _ = deny.explain(deny.profile(path("all.json")), path("script"))
    tap.ok(got.returncode == 127 and b"interpreter" in got.stderr, "an execve that fails is told as without", got)


def main():
    """All of it."""
    workload.share(SCRATCH)
    for check in (check_text, check_strings, check_kinds, check_unlisted, check_below, check_crowd, check_silence,
                  check_refused):
        check()
    tap.done()


if __name__ == "__main__":
    main()
