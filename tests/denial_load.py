"""A load of denied calls on a supervisor: what it counted, and how much memory it took."""
import os
import time

import deny
import tap
import workload

PROCESSES, CALLS = 50, 400  # of one round
GROWTH_MAX_KIB = 64
WARM_S = 1.5
SANITIZED = bool(os.environ.get("SANITIZE"))
GETPPID = ("x86_64", 110)
# Rounds until there is a line to be read.
ROUNDS = f"n=0; while ! read -t 0 x; do {{many}} {PROCESSES} 1 {CALLS} || exit 1; n=$((n+1)); echo $n; done"


class Load:
    """Rounds of denied calls, for some seconds, under one supervisor."""

    def __init__(self, options, seconds):
        script = ROUNDS.format(many=workload.program("many_calls"))
        self.process = deny.start(options, ["bash", "-c", script])
        supervisor, _ = deny.supervisor_of(self.process)
        self.memory = []  # KiB, after each round since it is warm: has written its file, for one thing
        self.descriptors = set()  # how many
        started = time.monotonic()
        self.rounds = 0
        while len(self.memory) < 2 or time.monotonic() - started < seconds:
            self.rounds = int(self.process.stdout.readline())
            if time.monotonic() - started < WARM_S:
                continue
            self.memory.append(self._resident(supervisor))
            self.descriptors.add(len(os.listdir(f"/proc/{supervisor}/fd")))
        out, self.stderr = self.process.communicate(b"end\n", timeout=600)
        self.rounds = int(out.split()[-1]) if out else self.rounds
        self.seconds = time.monotonic() - started

    @staticmethod
    def _resident(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def calls(self):
        """How many calls the rounds made."""
        return self.rounds * PROCESSES * CALLS

    def rate(self):
        """Of them, in a second."""
        return self.calls() / self.seconds

    def growth(self):
        """KiB by which memory has grown since then."""
        return max(self.memory) - self.memory[0]


def own_calls(options):
    """How many of the calls are bash's: those of no rounds at all."""
    result = workload.run([workload.SYSCLAMP, "run", *options, "--", "bash", "-c", ROUNDS], stdin=b"end\n")
    return deny.Told(result.stderr.decode()).total


def check_growth(way, load):
    """Nothing grows, but for what a sanitizer keeps."""
    tap.ok(SANITIZED or load.growth() <= GROWTH_MAX_KIB, f"{way}: memory does not grow", load.memory)
    tap.equal(len(load.descriptors), 1, f"{way}: nor does the number of descriptors", load.descriptors)


def check(scratch, seconds):
    """Explain and learn: exact counts, memory that stays."""
    profile = deny.profile(os.path.join(scratch, "load.json"), ("getppid", "SCMP_ACT_ERRNO", 1))
    load = Load(["-p", profile, "--on-deny", "explain"], seconds)
    told = deny.Told(load.stderr.decode())
    calls = load.calls() + own_calls(["-p", profile, "--on-deny", "explain"])
    tap.equal((load.process.returncode, told.total), (0, calls),
              f"explain: {calls} denials, all counted, none twice", load.stderr[-2000:])
    check_growth("explain", load)
    print(f"# explain: {load.rate():.0f} denials/s for {load.seconds:.0f} s, {load.memory[-1]} KiB resident")
    path = os.path.join(scratch, "load.rec.json")
    load = Load(["-p", profile, "--on-deny", "learn", "-o", path], seconds)
    seen = workload.Recording(path)
    calls = load.calls() + own_calls(["-p", profile, "--on-deny", "explain"])
    tap.equal((load.process.returncode, seen.complete, seen.calls), (0, True, {GETPPID: calls}),
              f"learn: {calls} calls, all recorded, none twice", load.stderr[-2000:])
    check_growth("learn", load)
    print(f"# learn: {load.rate():.0f} denials/s for {load.seconds:.0f} s, {load.memory[-1]} KiB resident")
