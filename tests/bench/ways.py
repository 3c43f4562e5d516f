"""Ways to record, ours and others', and what is measured of them.  Imported by the benchmarks, not run."""
import glob
import os
import shlex
import shutil
import statistics
import subprocess
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
SYSCLAMP = os.environ.get("SYSCLAMP", f"{BUILD}/sysclamp")
TRUE = f"{BUILD}/tests/programs/static_true"
ROUNDS = 5
TRIAL_S, END_S = 30, 60
BARE, STRACE, EBPF = "bare", "strace -f", "record ebpf"
COUNT = "tracepoint:raw_syscalls:sys_enter /pid == cpid/ { @calls = count(); }"


def ours(backend, *options):
    return [SYSCLAMP, "record", "-q", "--backend", backend, *options, "-o", "/dev/null", "--"]


WAYS = {
    BARE: [],
    EBPF: ours("ebpf"),
    "record ebpf --stacks": ours("ebpf", "--stacks"),
    "bpftrace count": ["bpftrace", "-o", "/dev/null", "-e", COUNT, "-c"],
    "perf trace -s": ["perf", "trace", "-s", "-o", "/dev/null", "--"],
    "record ptrace": ours("ptrace"),
    "record ptrace --stacks": ours("ptrace", "--stacks"),
    "record ptrace-syscall": ours("ptrace-syscall"),
    STRACE: ["strace", "-f", "-qq", "-o", "/dev/null"],
    "strace -f -c": ["strace", "-f", "-qq", "-c", "-o", "/dev/null"],
}


def command(way, argv):
    # bpftrace wants one word, which it splits at spaces.
    return WAYS[way] + ([" ".join(argv)] if way.startswith("bpftrace") else argv)


def refusal(way):
    """Why the way cannot be taken here, or None."""
    tool = command(way, [TRUE])[0]
    if not shutil.which(tool):
        return "not installed"
    try:
        trial = subprocess.run(command(way, [TRUE]), stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        return "not possible here: no end"
    if trial.returncode == 0:
        return None
    last = (trial.stderr.strip().splitlines() or [f"status {trial.returncode}"])[-1]
    return "not possible here: " + " ".join(last.split())


def usable_ways(metric):
    """Those that can be taken; a row for each of the others."""
    usable = []
    for way in WAYS:
        why = refusal(way)
        if why:
            row(way, metric, why, "", "")
        else:
            usable.append(way)
    return usable


def row(what, metric, value, against, ratio):
    print(what, metric, value, against, ratio, sep="\t", flush=True)


def compare(what, metric, unit, value, against, other):
    ratio = f"{value / other:.3g}" if other > 0 else ""
    row(what, metric, f"{value:.4g} {unit}" if value < 1000 else f"{value:.0f} {unit}",
        f"{against} {other:.4g} {unit}" if other < 1000 else f"{against} {other:.0f} {unit}", ratio)


def report_added(metric, unit, costs):
    """costs: by way, a value of each round.  What each adds to the bare run of the same round."""
    added = {way: statistics.median(value - bare for value, bare in zip(costs[way], costs[BARE]))
             for way in costs}
    compare(BARE, metric, unit, statistics.median(costs[BARE]), BARE, statistics.median(costs[BARE]))
    for way in costs:
        if way not in (BARE, STRACE) and STRACE in costs:
            compare(way, f"{metric}, added", unit, added[way], STRACE, added[STRACE])
    for way in costs:
        if way not in (BARE, STRACE, EBPF) and EBPF in costs:
            compare(EBPF, f"{metric}, added", unit, added[EBPF], way, added[way])


class Recorded:
    """A workload that runs under a way; ended with all of it when the block is left."""

    def __init__(self, way, argv, **options):
        self.command = command(way, argv)
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
                                        **options)

    def __enter__(self):
        return self

    def line_with(self, text):
        for line in self.process.stdout:
            if text in line:
                return line
        raise RuntimeError(f"{shlex.join(self.command)}: ended with status {self.process.wait()}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(END_S)

    def __exit__(self, *failure):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.process.stdout.close()


def process_cpu_us(pid):
    """Processor time of a process, all threads, as clock_getcpuclockid(3) would read it."""
    return time.clock_gettime((~pid << 3) | 2) * 1e6


def fields(path):
    """{name: first number} of a file of "Name: number ..." lines."""
    with open(path, encoding="ascii", errors="replace") as lines:
        words = [line.split() for line in lines]
    return {word[0].rstrip(":"): int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()}


def bpf_memory_kib(pid):
    """Of the maps and the programs that a process has open, as the kernel accounts for them."""
    objects = {}
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        info = fields(path)
        for kind in ("map_id", "prog_id"):
            if kind in info and "memlock" in info:
                objects[kind, info[kind]] = info["memlock"]
    return sum(objects.values()) / 1024


def memory_kib(pid):
    status = fields(f"/proc/{pid}/status")
    return {
        "peak RSS": status["VmHWM"],
        "RSS": status["VmRSS"],
        "PSS": fields(f"/proc/{pid}/smaps_rollup")["Pss"],
        "maps and programs in the kernel": bpf_memory_kib(pid),
    }
