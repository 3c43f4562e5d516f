#!/usr/bin/python3
"""The recorder is killed, or its disk is full: what is on the disk stays whole and honest."""
import ctypes
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
TRIALS = 9
AT_ONCE = 3
# The recording is refreshed each second; the rest is for a machine that has other work to do.
AGE_MAX_S = 1 + 4
GETPPID = ("x86_64", 110)
STEADY = workload.program("steady")


class Watch:
    """What happens to the names in a directory, by inotify(7)."""

    HAPPENS = {0x2: "modify", 0x40: "moved from", 0x80: "moved to", 0x100: "create",
               0x200: "delete"}  # sys/inotify.h

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self.fd, directory.encode(), sum(self.HAPPENS)) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self.seen = {}  # name: what happened to it

    def look(self):
        """Take what has happened so far."""
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return
        while data:
            _wd, mask, _cookie, size = struct.unpack_from("iIII", data)
            name = data[16:16 + size].rstrip(b"\0").decode()
            self.seen.setdefault(name, set()).add(self.HAPPENS.get(mask & 0xfff, hex(mask)))
            data = data[16 + size:]


class Trial:
    """A recorder of a workload that makes calls steadily in two processes, to be killed."""

    def __init__(self, number):
        self.name = f"trial{number}.rec.json"
        self.path = os.path.join(SCRATCH, self.name)
        self.faults = []
        self.seqs = []
        self.process = subprocess.Popen(
            [workload.SYSCLAMP, "record", "--backend", "ptrace", "-o", self.path, "--", "sh", "-c",
             f"exec 3<&0; {STEADY} <&3 & {STEADY} <&3 & wait"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=workload.ENVIRON)
        self.kill_at = None
        self.killed_ns = 0
        self.below = []

    def look(self):
        """Read the file as anybody might at any moment: it is not there yet, or whole."""
        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return 0
        try:
            seq = json.loads(data)["seq"]
        except (ValueError, KeyError) as problem:
            self.faults.append(f"not whole: {problem!r}: {data[-200:]!r}")
            return 1 << 60
        if not self.seqs or self.seqs[-1] != seq:
            self.seqs.append(seq)
        return seq

    def step(self, chance):
        """Look, and kill it some time after the third refresh; whether that has been done."""
        seq = self.look()
        if self.kill_at is None and seq >= 3:
            self.kill_at = time.monotonic() + chance.random() * 1.2
        if self.kill_at is None or time.monotonic() < self.kill_at:
            return False
        self.below = [pid for child in tap.children_of(self.process.pid)
                      for pid in [child, *tap.children_of(child)]]
        self.killed_ns = time.time_ns()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.look()
        return True


def gone(pids):
    """Whether none of these processes is left, zombies apart."""
    tap.reap()
    return all(tap.state_of(pid) in ("", "Z") for pid in pids)


def check_trial(trial, number):
    """What is left of one that was killed."""
    seen = workload.Recording(trial.path)
    age = (trial.killed_ns - os.stat(trial.path).st_mtime_ns) / 1e9
    last = next(c["last_ns"] for c in seen.json["syscalls"] if (c["abi"], c["nr"]) == GETPPID)
    stale = (trial.killed_ns - last) / 1e9
    tap.ok(not trial.faults and trial.seqs == sorted(trial.seqs) and len(trial.seqs) > 2,
           f"kill {number}: the file was whole each time, and grew", *trial.faults, trial.seqs)
    tap.ok(age < AGE_MAX_S and stale < AGE_MAX_S,
           f"kill {number}: the file is fresh", f"written {age} s before, of {stale} s before")
    tap.equal((seen.complete, seen.status, "ended_ns" in seen.json["workload"],
               seen.calls.get(GETPPID, 0) > 0), (False, None, False, True),
              f"kill {number}: the recording is marked incomplete")
    tap.equal(len(trial.below), 3, f"kill {number}: the workload ran", trial.below)
    tap.wait_until(lambda: gone(trial.below), "the workload is gone")
    tap.ok(True, f"kill {number}: the workload is gone with the recorder")


def check_kill():
    """Kill recorders at various moments."""
    chance = random.Random(2)
    watch = Watch(SCRATCH)
    trials = []
    for first in range(0, TRIALS, AT_ONCE):
        batch = [Trial(first + n) for n in range(AT_ONCE)]
        trials += batch
        deadline = time.monotonic() + 100
        while batch and time.monotonic() < deadline:
            batch = [trial for trial in batch if not trial.step(chance)]
            watch.look()
            time.sleep(0.01)
        if batch:
            raise TimeoutError(f"no third refresh: {[trial.seqs for trial in batch]}")
    for number, trial in enumerate(trials, 1):
        check_trial(trial, number)
        tap.equal(watch.seen.get(trial.name), {"moved to"},
                  f"kill {number}: the file was replaced in one step each time")
    allowed = {trial.name for trial in trials} | {f".{trial.name}.tmp" for trial in trials}
    tap.ok(set(os.listdir(SCRATCH)) <= allowed, "nothing else is left behind",
           sorted(os.listdir(SCRATCH)))
    return trials[0]


def check_incomplete(trial):
    """What generate thinks of it, and the next record."""
    refused = workload.sysclamp("generate", "--runtime", "none", trial.path)
    tap.ok(refused.returncode == 2 and not refused.stdout and refused.stderr.count(b"\n") == 1
           and trial.path.encode() in refused.stderr and b"--allow-incomplete" in refused.stderr,
           "generate refuses an incomplete recording and says how to allow it", refused)
    made = workload.sysclamp("generate", "--runtime", "none", "--allow-incomplete", trial.path)
    tap.ok(made.returncode == 0 and b"getppid" in made.stdout, "with --allow-incomplete it does it",
           made)

    left = os.path.join(SCRATCH, f".{trial.name}.tmp")
    with open(left, "w", encoding="ascii") as file:
        file.write("half of an older record" * 1000)
    result, seen = workload.record(["true"], trial.path)
    tap.equal((result.returncode, seen.complete, os.path.exists(left)), (0, True, False),
              "the next record takes the place, and no temporary file stays", result)


FULL_DISK = r"""
set -e
mount -t tmpfs -o size=128k none "$DIR"
cp "$OLD" "$DIR/x.rec.json"
cat /dev/zero > "$DIR/filler" 2> "$OUT/filler" || true
set +e
"$SYSCLAMP" record -o "$DIR/x.rec.json" -- sh -c 'exit 3' > "$OUT/stdout" 2> "$OUT/stderr"
echo $? > "$OUT/status"
"$SYSCLAMP" generate --runtime none -o "$DIR/x.rec.json" "$OLD" > "$OUT/stdout2" 2> "$OUT/stderr2"
echo $? > "$OUT/status2"
cmp "$OLD" "$DIR/x.rec.json" > "$OUT/cmp" 2>&1
ls -A "$DIR" > "$OUT/ls"

"$SYSCLAMP" record -o "$DIR/y.rec.json" -- cat < "$FIFO" > "$OUT/stdout3" 2> "$OUT/stderr3" &
exec 3> "$FIFO"
n=0
until grep -q 'No space left' "$OUT/stderr3" || [ $n -gt 1000 ]; do sleep 0.05; n=$((n + 1)); done
rm "$DIR/filler"
exec 3>&-
wait $!
echo $? > "$OUT/status3"
cp "$DIR/y.rec.json" "$OUT/y.rec.json"
"""


def mount_namespace():
    """The command that gives a mount namespace here, or None."""
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        if workload.run([*unshare, "mount", "-t", "tmpfs", "none", SCRATCH]).returncode == 0:
            return unshare
    return None


def check_full_disk():
    """A full disk, at the end and meanwhile."""
    unshare = mount_namespace()
    if not unshare:
        tap.skip("root", "a full disk", "no mount namespace to be had")
        return
    paths = {name.upper(): os.path.join(SCRATCH, name) for name in ("dir", "out")}
    for path in paths.values():
        os.mkdir(path)
    paths["OLD"] = os.path.join(SCRATCH, "old.rec.json")
    paths["FIFO"] = os.path.join(SCRATCH, "fifo")
    os.mkfifo(paths["FIFO"])
    workload.record(["true"], paths["OLD"])
    env = {**paths, "SYSCLAMP": workload.SYSCLAMP}
    result = workload.run([*unshare, "sh", "-c", FULL_DISK], env=env)
    tap.equal(result.returncode, 0, "full disk: the script", result)

    def out(name):
        with open(os.path.join(paths["OUT"], name), encoding="utf-8") as file:
            return file.read()

    for command, n, status in (("record", "", "125"), ("generate", "2", "2")):
        error = out("stderr" + n)
        tap.ok(out("status" + n).strip() == status and len(workload.error_lines(error)) == 1
               and "x.rec.json" in error and "No space left" in error and not out("stdout" + n),
               f"{command} on a full disk: one line, status {status}", out("status" + n), error)
    tap.equal(out("cmp"), "", "full disk: the old file is as it was")
    tap.equal(out("ls"), "filler\nx.rec.json\n", "full disk: no temporary file stays")
    seen = workload.Recording(os.path.join(paths["OUT"], "y.rec.json"))
    error = out("stderr3")
    tap.ok(out("status3").strip() == "0" and seen.complete
           and error.count("No space left") == 1,
           "a disk that is full for a while: said once, and the recording is written at the end",
           out("status3"), error)


def main():
    """All of it."""
    check_incomplete(check_kill())
    check_full_disk()
    tap.done()


if __name__ == "__main__":
    main()
