#!/usr/bin/python3
"""
redis-server, recorded by us and by others, under redis-benchmark: processor time of the server, and of
server and recorder, per request.  All ways get the same requests, in turn, in three rounds; medians.
redis is downloaded and unpacked below the build directory, never installed.  TSV on standard output.
"""
import os
import statistics
import subprocess
import sys
import tempfile

import ways

ROUNDS, REQUESTS, CLIENTS = 3, 10000, 10
DOWNLOAD_S, LOAD_S = 300, 120


def fetch():
    """Where the programs are, and the environment that they need."""
    scripts = os.path.join(os.path.dirname(__file__), "../../scripts")
    got = subprocess.run([f"{scripts}/redis.sh", ways.BUILD], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=DOWNLOAD_S)
    if got.returncode:
        return None, got.stderr.strip().splitlines()[-1]
    programs, libraries = got.stdout.split("\n")[:2]
    return programs, dict(os.environ, LD_LIBRARY_PATH=libraries) if libraries else dict(os.environ)


class Redis:
    def __init__(self, programs, environment, directory):
        self.programs, self.environment = programs, environment
        self.socket, self.directory = f"{directory}/redis.sock", directory

    def server(self):
        return [f"{self.programs}/redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
                "--dir", self.directory]

    def run(self, program, *args):
        return subprocess.run([f"{self.programs}/{program}", "-s", self.socket, *args], env=self.environment,
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=LOAD_S).stdout

    def pid(self):
        info = self.run("redis-cli", "INFO", "server")
        return int(info.split("process_id:")[1].split()[0])

    def load(self):
        self.run("redis-benchmark", "-n", str(REQUESTS), "-c", str(CLIENTS), "-t", "get", "-q")


def cpu_per_request(redis, recorded):
    """Of the server; of it and the recorder, if there is one."""
    server, recorder = redis.pid(), recorded.process.pid
    pids = {server, recorder}
    before = {pid: ways.process_cpu_us(pid) for pid in pids}
    redis.load()
    used = {pid: (ways.process_cpu_us(pid) - before[pid]) / REQUESTS for pid in pids}
    return used[server], sum(used.values())


def measure(way, programs, environment):
    with tempfile.TemporaryDirectory(prefix="sysclamp-bench.") as directory:
        redis = Redis(programs, environment, directory)
        with ways.Recorded(way, redis.server(), env=environment) as recorded:
            recorded.line_with("ready to accept connections")
            used = cpu_per_request(redis, recorded)
            redis.run("redis-cli", "SHUTDOWN", "NOSAVE")
            recorded.end()
    return used


def report(metric, costs):
    bare = statistics.median(costs[ways.BARE])
    for way in costs:
        ways.compare(way, metric, "us", statistics.median(costs[way]), ways.BARE, bare)


def main():
    programs, environment = fetch()
    if not programs:
        ways.row("redis", "processor time per request", f"not possible here: {environment}", "", "")
        return
    usable = ways.usable_ways("redis")
    seen = {way: [] for way in usable}
    for _ in range(ROUNDS):
        for way in usable:
            seen[way].append(measure(way, programs, environment))
    report("redis GET, CPU of the server per request", {way: [s for s, _ in seen[way]] for way in usable})
    report("redis GET, CPU of server and recorder per request",
           {way: [both for _, both in seen[way]] for way in usable})


sys.exit(main())
