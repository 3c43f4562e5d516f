"""TAP from Python, with the rule of lib.sh for skips: ok(), equal(), skip(), and done() at the end.

Everything that a test starts descends from it, orphans included (the test is a child subreaper), so
what is left at the end, however the test ends, is found and ended.
"""
import atexit
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time

import patience

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

_count = 0
_failed = 0


def ok(held, name, *notes):
    """One test point; its name states the claim; the notes are shown when it does not hold."""
    global _count, _failed
    _count += 1
    print(f"{'' if held else 'not '}ok {_count} - {name}")
    if not held:
        _failed += 1
        for note in notes:
            for line in str(note).splitlines()[:60]:
                print(f"#   {line[:1000]}")
    sys.stdout.flush()
    return bool(held)


def equal(got, want, name, *notes):
    """Two values are equal; shows both when not."""
    return ok(got == want, name, f"got:  {got!r}", f"want: {want!r}", *notes)


def skip(need, name, reason):
    """Cannot run here; a failure if TEST_REQUIRE lists `need`."""
    global _count
    if need in os.environ.get("TEST_REQUIRE", "").split(","):
        return ok(False, f"{name}: {reason}, but TEST_REQUIRE lists {need}")
    _count += 1
    print(f"ok {_count} - {name} # SKIP {reason}", flush=True)
    return True


def done():
    """Print the plan and exit."""
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def scratch():
    """A new directory that anyone may enter, removed at the end."""
    path = tempfile.mkdtemp(prefix="sysclamp-test.")
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def children_of(pid):
    """The children of a process, those of all its threads."""
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        pass
    return found


def descendants():
    """All processes below this one."""
    found, todo = [], children_of(os.getpid())
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children_of(pid)
    return found


def state_of(pid):
    """The state letter of proc(5): "S", "T", "t", "Z"; "" when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def wait_until(happened, what, seconds=60):
    """Poll `happened` until it returns something true, and return that; dies after `seconds` of a usual machine."""
    seconds *= patience.SLOWER
    deadline = time.monotonic() + seconds
    while True:
        result = happened()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"in {seconds} s: {what}")
        time.sleep(0.005)


def reap():
    """Collect orphans that have ended; for tests that started nothing else at the moment."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_descendants():
    """End whatever a test has left running."""
    # A traced process that is stopped needs SIGKILL, and its tracer may start others meanwhile.
    for _ in range(20):
        left = [pid for pid in descendants() if state_of(pid) not in ("", "Z")]
        if not left:
            break
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.01)
        reap()


def _exit_on(signo, _frame):
    sys.exit(128 + signo)


def _take_signals_back():
    """Ignore none that whoever started the test does: a shell's background job ignores SIGINT and SIGQUIT, and what
    posix_spawn(3) of glibc starts, as make(1) does by it, signals 32 and 33, which only the kernel's own call gives back."""
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python's own, not passed on
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if os.uname().machine == "x86_64":
        for number in (32, 33):
            ctypes.CDLL(None).syscall(13, number, bytes(32), None, 8)  # rt_sigaction


_take_signals_back()
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
atexit.register(end_descendants)
for _signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_signo, _exit_on)
