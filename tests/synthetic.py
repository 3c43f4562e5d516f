"""Recordings that nobody made: of any size, with all that a file may hold; sysclamp-recording(5)."""
import hashlib
import json

import workload

START_NS = 1760000000000512930
SECOND = 10 ** 9
HOSTILE = '/tmp/<script>alert(1)</script>"onload=\'x\'&amp;'
PHASES = ["start", "serve", "exec", "reload", "test"]
PROGRAMS = ["/usr/sbin/nginx", "/usr/bin/dash", "/usr/lib/git-core/git", HOSTILE,
            "/usr/bin/\u202egnp.exe"]
LOSSES = ["unreadable", "untraced", "no_memory", "strict_refused", "inherit_failures", "map_full",
          "out_of_range", "missed_recursion", "ring_full", "late_returns"]
# Argument: index, bits, and values that go round.
ARGS = {"socket": [(0, 32, [1, 2, 10]), (1, 32, [1, 0x80001, 2]), (2, 32, [0, 6, 17])],
        "fcntl": [(1, 32, [1, 2, 3, 4, 1030])], "madvise": [(2, 32, [4, 8])],
        "ioctl": [(1, 32, None)], "prctl": [(0, 32, [15, 22, 38])]}


def _args(name):
    rows = ARGS.get(name, [])
    found = [{"index": index, "bits": bits, "values": sorted(set(values))} if values
             else {"index": index, "bits": bits, "many": True} for index, bits, values in rows]
    if len(rows) > 1:
        found.append({"indexes": [row[0] for row in rows],
                      "tuples": sorted(map(list, zip(*(row[2] for row in rows))))})
    return found


def _when(place, seconds):
    """Most at the start, some when it serves, few later on."""
    if place < 0.7:
        return int(0.2 * SECOND * place * place)
    if place < 0.9:
        return int(SECOND * (1 + 20 * (place - 0.7)))
    return int(SECOND * seconds * (place - 0.85) * 4)


def _phases(place):
    if place < 0.7:
        return [0, 1] if int(place * 1000) % 3 else [0]
    if place < 0.9:
        return [[2], [1, 2], [1]][min(int(place * 1000) % 7, 2)]
    return [4] if place < 0.96 else [3]


def _call(nr, name, place, seconds):
    first = START_NS + _when(place, seconds)
    denied = int(place * 997) % 9 == 4
    count = 1 + int(place * 7919) % 17 * (nr % 23) ** 3
    often = count > 40
    return {"abi": "x86_64", "nr": nr, "name": name, "count": count, "runs": 1,
            "first_ns": first,
            "last_ns": START_NS + SECOND * seconds - nr * 10 ** 7 if often and first < START_NS + SECOND
            else first + (count - 1) * 10 ** 6,
            "phases": _phases(place), "programs": sorted({nr % 5, nr % 3}),
            "denied": (count if nr % 2 else (count + 1) // 2) if denied else 0, "enosys": 0,
            "args": _args(name), "stack": []}


def recording(n_calls, seed="a", argv=("nginx", "-g", "daemon off;", HOSTILE), seconds=900, lost=0):
    """A recording of one source with `n_calls` different calls, as the object of its file."""
    def rank(pair):
        return hashlib.sha256(f"{seed}{pair[1]}".encode()).hexdigest()
    wanted = sorted(name for name in ARGS)
    pairs = sorted(workload.header_names(64), key=lambda pair: (pair[1] not in wanted, rank(pair)))[:n_calls]
    calls = [_call(nr, name, i / n_calls, seconds)
             for i, (nr, name) in enumerate(sorted(pairs, key=rank))]
    source = hashlib.sha256(seed.encode()).hexdigest()[:32]
    return {
        "kind": "sysclamp.recording", "version": 1, "id": source, "seq": 3,
        "sources": [{"id": source, "seq": 3, "complete": not lost}], "complete": not lost,
        "workload": {"argv": list(argv), "cwd": "/srv/<b>web</b>", "started_ns": START_NS,
                     "ended_ns": START_NS + SECOND * seconds, "status": 0},
        "host": {"kernel": "6.1.0-40-amd64", "machine": "x86_64"},
        "recorder": {"name": "sysclamp", "version": "0.1.0", "backend": "ebpf"},
        "phases": PHASES, "programs": PROGRAMS, "mapped": ["/usr/lib/libc.so.6"],
        "loss": {name: lost if name == "map_full" else 0 for name in LOSSES},
        "syscalls": sorted(calls, key=lambda call: call["nr"]),
    }


def write(path, *args, **kwargs):
    """The same, to a file; returns its path."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(recording(*args, **kwargs), file, ensure_ascii=False)
    return path
