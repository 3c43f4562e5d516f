#!/usr/bin/python3
"""
redis-server, recorded by us and by others, under redis-benchmark: processor time of the server, and of
server and recorder, per request.  All ways get the same requests, in turn, in three rounds; medians.
redis is downloaded and unpacked below the build directory, never installed.  TSV on standard output.
"""
import os
import statistics
import sys
import tempfile

import ways

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import redis_server  # noqa: E402

ROUNDS, REQUESTS, CLIENTS = 3, 10000, 10


def load(redis, directory):
    redis.run(directory, "redis-benchmark", "-n", str(REQUESTS), "-c", str(CLIENTS), "-t", "get", "-q")


def cpu_per_request(redis, directory, recorded):
    """Of the server; of it and the recorder, if there is one."""
    server, recorder = int(redis.info(directory)["process_id"]), recorded.process.pid
    pids = {server, recorder}
    before = {pid: ways.process_cpu_us(pid) for pid in pids}
    load(redis, directory)
    used = {pid: (ways.process_cpu_us(pid) - before[pid]) / REQUESTS for pid in pids}
    return used[server], sum(used.values())


def measure(way, redis):
    with tempfile.TemporaryDirectory(prefix="sysclamp-bench.") as directory:
        environment = {**os.environ, **redis.environ}
        with ways.Recorded(way, redis.server(directory), env=environment) as recorded:
            recorded.line_with("ready to accept connections")
            used = cpu_per_request(redis, directory, recorded)
            redis.run(directory, "redis-cli", "SHUTDOWN", "NOSAVE")
            recorded.end()
    return used


def report(metric, costs):
    bare = statistics.median(costs[ways.BARE])
    for way in costs:
        ways.compare(way, metric, "us", statistics.median(costs[way]), ways.BARE, bare)


def main():
    try:
        redis = redis_server.Redis(ways.BUILD)
    except redis_server.Absent as why:
        ways.row("redis", "processor time per request", f"not possible here: {why}", "", "")
        return
    usable = ways.usable_ways("redis")
    seen = {way: [] for way in usable}
    for _ in range(ROUNDS):
        for way in usable:
            seen[way].append(measure(way, redis))
    report("redis GET, CPU of the server per request", {way: [s for s, _ in seen[way]] for way in usable})
    report("redis GET, CPU of server and recorder per request",
           {way: [both for _, both in seen[way]] for way in usable})


sys.exit(main())
