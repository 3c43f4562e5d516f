#!/usr/bin/python3
"""Files that are mapped as code: at the start, late, by hand, and before the recorder came."""
import os
import subprocess
import sys

sys.path.insert(0, "tests")
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PYTHON = os.path.realpath("/usr/bin/python3")
# libseccomp is there wherever sysclamp is.
LATE = "libseccomp.so.2"
CODE, DATA, DATA_MAPPED = (os.path.join(SCRATCH, name) for name in ("code", "data", "mapped"))

# What it maps, one by one, after a line each on standard input.
SCRIPT = f"""
import ctypes, mmap, os, sys
steps = [
    lambda: open({DATA!r}, "rb").read(),
    lambda: mmap.mmap(os.open({DATA_MAPPED!r}, os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ),
    lambda: ctypes.CDLL({LATE!r}),
    lambda: mmap.mmap(os.open({CODE!r}, os.O_RDONLY), 4096, mmap.MAP_PRIVATE,
                      mmap.PROT_READ | mmap.PROT_EXEC),
]
kept = []
for step in steps:
    sys.stdin.readline()
    kept.append(step())
    print("done", flush=True)
sys.stdin.readline()
"""
STEPS = 4


def libraries(path):
    """What ldd(1) says that a program is loaded with, its loader included."""
    text = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    words = [word for line in text.splitlines() for word in line.split() if word.startswith("/")]
    return {os.path.realpath(word) for word in words}


def found(name):
    """Where a library is, as ldconfig(8) says."""
    text = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    line = next(line for line in text.splitlines() if line.split()[0] == name and "x86-64" in line)
    return os.path.realpath(line.split()[-1])


class Mapper:
    """The workload."""

    def __init__(self, recorder=()):
        self.process = subprocess.Popen(
            [*recorder, PYTHON, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**workload.ENVIRON, **ebpf.NO_LEAK_CHECK})

    def step(self):
        """One more."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError(self.process.stderr.read())

    def end(self):
        """Its exit status."""
        said = self.process.communicate("\n", timeout=workload.DEADLINE_S)
        return self.process.returncode, said


def check(label, path, result, want, never):
    """What is listed, and what is not."""
    seen = workload.Recording(path)
    mapped = seen.json["mapped"]
    missing = sorted(want - {os.path.realpath(name) for name in mapped})
    tap.ok(result[0] == 0 and seen.complete and not missing, f"{label}: all is listed", missing,
           result)
    tap.ok(not never & set(mapped), f"{label}: what is only read is not", never & set(mapped))
    tap.equal(len(mapped), len(set(mapped)), f"{label}: each file once", mapped)


def check_command(backend):
    """From the start on."""
    path = os.path.join(SCRATCH, f"{backend}.rec.json")
    mapper = Mapper([workload.SYSCLAMP, "record", "-q", "--backend", backend, "-o", path, "--"])
    for _ in range(STEPS):
        mapper.step()
    check(backend, path, mapper.end(), {PYTHON, *libraries(PYTHON), found(LATE), CODE},
          {DATA, DATA_MAPPED})


def check_static(backend):
    """A program without a loader."""
    path, program = os.path.join(SCRATCH, "static.rec.json"), workload.program("static_true")
    result = workload.sysclamp("record", "-q", "--backend", backend, "-o", path, "--", program)
    tap.equal((result.returncode, workload.Recording(path).json["mapped"]), (0, [program]),
              f"{backend}: a static program maps itself", result)


def check_running():
    """Half of it before the recorder comes."""
    path = os.path.join(SCRATCH, "running.rec.json")
    mapper = Mapper()
    for _ in range(STEPS - 1):
        mapper.step()
    recorder = subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--pid", str(mapper.process.pid), "-o", path],
        stderr=subprocess.PIPE, text=True, env=workload.ENVIRON)
    said = recorder.stderr.readline()
    mapper.step()
    result = mapper.end()
    tap.equal(recorder.wait(workload.DEADLINE_S), 0, "--pid: it ends with the process", said,
              recorder.stderr.read())
    recorder.stderr.close()
    check("--pid", path, result, {PYTHON, *libraries(PYTHON), found(LATE), CODE},
          {DATA, DATA_MAPPED})


def main():
    """All of it."""
    for name in (CODE, DATA, DATA_MAPPED):
        with open(name, "wb") as file:
            file.write(bytes(8192))
    backends = ["ptrace"]
    if ebpf.lack():
        tap.skip("bpf", "mapped files with ebpf", ebpf.lack())
    else:
        backends.append("ebpf")
        check_running()
    for backend in backends:
        check_command(backend)
        check_static(backend)
    tap.done()


if __name__ == "__main__":
    main()
