#!/usr/bin/python3
"""sysclamp clamp: threaded servers under load, held a hundred times over, fail no request."""
import json
import os
import re
import signal
import struct
import subprocess
import sys

sys.path.insert(0, "tests")
import redis_server  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
os.chmod(SCRATCH, 0o777)
SERVERS, TIMES, THREADS, CLIENTS = 4, 25, 4, 3
BETWEEN = 40  # requests that are answered between one clamp and the next, at least
REDIS_TIMES, ASKED = 10, 60
MOST = os.path.join(SCRATCH, "most.json")


def write_profile():
    """All is allowed but what nothing here calls."""
    with open(MOST, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getpgid", "quotactl"], "action": "SCMP_ACT_KILL_PROCESS"}]}, file)


def clamp(pid, as_user):
    """Hold it; what was said if that failed."""
    argv = [workload.SYSCLAMP, "clamp", "--pid", str(pid), "-p", MOST]
    result = workload.run(as_user(argv))
    return [] if result.returncode == 0 else [result.stderr.decode()]


def filters(pid):
    """How many filters each of its threads carries."""
    counts = set()
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as file:
            counts.add(int(re.search(r"Seccomp_filters:\t(\d+)", file.read())[1]))
    return counts


class Load:
    """A server and its clients."""

    def __init__(self, name, as_user):
        path, self.counts = (os.path.join(SCRATCH, f"{name}.{end}") for end in ("sock", "counts"))
        self.server = subprocess.Popen(as_user([workload.program("epoll_server"), path, str(THREADS)]),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.server.stdout.readline()
        self.clients = subprocess.Popen(as_user([workload.program("epoll_load"), path, str(CLIENTS), self.counts]),
                                        stdin=subprocess.PIPE)
        self.seen = 0

    def counted(self):
        """How many requests were answered, and how many not."""
        try:
            with open(self.counts, "rb") as file:
                return struct.unpack("QQ", file.read(16))
        except (OSError, struct.error):
            return 0, 0

    def goes_on(self):
        """Wait until the clients had some answers more."""
        def has_gone_on():
            right, wrong = self.counted()
            return wrong or right >= self.seen + BETWEEN
        tap.wait_until(has_gone_on, "requests are answered")
        self.seen = self.counted()[0]

    def end(self):
        """The server's exit status and what it said."""
        self.clients.stdin.close()
        self.clients.wait(workload.DEADLINE_S)
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(workload.DEADLINE_S), self.server.stderr.read().decode()


def check_servers(servers, as_user, who):
    """Each of some servers is held as often as there are times, while it serves."""
    said, right, wrong, ends, counts = [], 0, 0, [], []
    # A user may not have a filter look away that is there already: one each.
    times = TIMES if as_user is root else 1
    for n in range(servers):
        load = Load(f"{who}{n}", as_user)
        for _ in range(times):
            load.goes_on()
            said += clamp(load.server.pid, as_user)
        load.goes_on()
        counts.append(filters(load.server.pid))
        ends.append(load.end())
        right, wrong = right + load.counted()[0], wrong + load.counted()[1]
    tap.equal((ends, said), ([(0, "")] * servers, []), f"{who}: {servers} x {times} times: the servers end well")
    tap.equal(counts, [{times}] * servers, f"{who}: each thread carries each filter")
    tap.ok(not wrong and right >= servers * times * BETWEEN, f"{who}: no request failed", right, wrong)
    print(f"# {right} requests answered")


def check_redis():
    """The same with redis, with threads for what it reads and writes."""
    try:
        redis = redis_server.Redis(workload.BUILD)
    except redis_server.Absent as why:
        tap.skip("redis", "redis under load", str(why))
        return
    place = os.path.join(SCRATCH, "redis")
    os.mkdir(place)
    server = subprocess.Popen(redis.server(place, "--io-threads", "2", "--io-threads-do-reads", "yes"),
                              stdout=subprocess.DEVNULL, env={**workload.ENVIRON, **redis.environ})
    tap.wait_until(lambda: os.path.exists(redis_server.socket_of(place)), "redis listens")
    load = subprocess.Popen([os.path.join(redis.root, "usr/bin/redis-benchmark"), "-s", redis_server.socket_of(place),
                             "-l", "-q", "-n", "2000", "-c", "20", "-t", "set,get,lpush,lrange_100,mset"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **redis.environ})
    said, seen = [], 0

    def served():
        return int(redis.info(place)["total_commands_processed"])
    for _ in range(REDIS_TIMES):
        tap.wait_until(lambda: served() >= seen + ASKED, "redis is asked")
        seen = served()
        said += clamp(server.pid, root)
    tap.wait_until(lambda: served() >= seen + ASKED, "redis is asked")
    running, info = load.poll() is None, redis.info(place)
    load.terminate()
    tap.equal((said, running, load.communicate()[1].decode(), filters(server.pid), info["total_error_replies"]),
              ([], True, "", {REDIS_TIMES}, "0"), f"redis: held {REDIS_TIMES} times, its clients notice nothing")
    server.terminate()
    tap.equal(server.wait(workload.DEADLINE_S), 0, "redis ends well")


def root(argv):
    """As it is."""
    return argv


def main():
    """All of it."""
    if os.geteuid() != 0:
        tap.skip("root", "servers under load", "needs root")
        tap.done()
    write_profile()
    check_servers(SERVERS, root, "root")
    check_servers(SERVERS, workload.as_user, "an ordinary user")
    check_redis()
    tap.done()


if __name__ == "__main__":
    main()
