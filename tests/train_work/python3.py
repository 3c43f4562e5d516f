"""python3: scripts, each by itself in an empty directory."""
import workload

PROGRAM = "/usr/bin/python3"

WORK = {
    "text and numbers": {
        "words": r"""
import collections, re, textwrap
text = "the quick brown fox jumps over the lazy dog and the cat " * 40
print(collections.Counter(re.findall(r"\w+", text)).most_common(3), len(textwrap.wrap(text, 30)))
""",
        "json": r"""
import json
rows = [{"n": n, "square": n * n, "name": f"row {n}"} for n in range(2000)]
print(sum(row["square"] for row in json.loads(json.dumps(rows, indent=1))))
""",
        "digests": r"""
import base64, bz2, hashlib, lzma, zlib
data = bytes(range(256)) * 4000
print(hashlib.sha256(data).hexdigest(), zlib.crc32(data), len(bz2.decompress(bz2.compress(data))),
      len(lzma.decompress(lzma.compress(data))), base64.b64encode(data[:9]))
""",
    },
    "chance": {
        "samples": r"""
import random, uuid
random.seed(7)
print(random.sample(range(100), 5), len(str(uuid.uuid1())))
""",
        "tokens": r"""
import secrets, uuid
print(len(secrets.token_hex(8)), len(str(uuid.uuid4())), uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"))
""",
        "machine": r"""
import os, platform, uuid
print(platform.system(), len(os.urandom(16)), uuid.uuid4().version)
""",
    },
    "files": {
        "lines": r"""
with open("lines", "w") as file:
    file.writelines(f"line {n}\n" for n in range(5000))
with open("lines") as file:
    print(sum(len(line) for line in file))
with open("lines", "a+b") as file:
    print(file.seek(100), file.read(6), file.tell())
""",
        "csv": r"""
import csv, io
with open("t.csv", "w", newline="") as file:
    csv.writer(file).writerows([n, n * n, "x" * (n % 7)] for n in range(300))
with open("t.csv", newline="") as file:
    print(sum(int(row[1]) for row in csv.reader(file)))
""",
        "gzip": r"""
import gzip
with gzip.open("z.gz", "wt") as file:
    file.write("compressed text\n" * 3000)
with gzip.open("z.gz", "rt") as file:
    print(len(file.read()))
""",
    },
    "files in place": {
        "random access": r"""
with open("records", "w+b") as file:
    for n in range(100):
        file.write(n.to_bytes(8, "big"))
    file.seek(-8 * 10, 2)
    print(int.from_bytes(file.read(8), "big"), file.truncate(80), file.seek(0, 2))
""",
        "truncated": r"""
import os
with open("t", "wb") as file:
    file.write(b"x" * 1000)
    file.truncate(10)
with open("t", "r+b") as file:
    file.truncate(3)
print(os.path.getsize("t"))
""",
        "mapped": r"""
import mmap
with open("m", "w+b") as file:
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 0) as memory:
        memory[100:104] = b"here"
    file.seek(100)
    print(file.read(4))
""",
    },
    "directories": {
        "walk": r"""
import os
for name in ("a/b/c", "a/d", "e"):
    os.makedirs(name)
    open(f"{name}/file", "w").close()
print(sorted((top, sorted(dirs), files) for top, dirs, files in os.walk(".")))
""",
        "pathlib": r"""
import pathlib
root = pathlib.Path("root")
(root / "deep" / "er").mkdir(parents=True)
for n in range(5):
    (root / "deep" / f"{n}.txt").write_text(str(n) * n)
print(sorted(str(p) for p in root.rglob("*.txt")), sum(p.stat().st_size for p in root.glob("deep/*.txt")))
(root / "deep" / "1.txt").rename(root / "one.txt")
(root / "deep" / "2.txt").unlink()
print(sorted(p.name for p in root.iterdir()), (root / "one.txt").exists(), (root / "x").is_dir())
""",
        "renamed": r"""
import glob, os
os.makedirs("a/b")
open("a/b/file", "w").close()
os.rename("a/b/file", "a/file")
os.replace("a/file", "a/other")
os.rmdir("a/b")
print(glob.glob("**", recursive=True), os.path.isdir("a"), [entry.name for entry in os.scandir("a")])
os.unlink("a/other")
""",
    },
    "temporary": {
        "temporary": r"""
import os, tempfile
with tempfile.TemporaryDirectory(dir=".") as place:
    os.mkdir(f"{place}/sub")
    with open(f"{place}/sub/file", "w") as file:
        file.write("x")
    print(os.listdir(place))
print(os.listdir("."))
with tempfile.NamedTemporaryFile("w+", dir=".") as file:
    file.write("text")
    file.seek(0)
    print(file.read())
""",
        "by hand": r"""
import os, shutil, tempfile
place = tempfile.mkdtemp(dir=".")
os.mkdir(f"{place}/sub")
open(f"{place}/sub/file", "w").close()
shutil.rmtree(place)
print(os.listdir("."))
""",
        "spooled": r"""
import os, tempfile
with tempfile.SpooledTemporaryFile(10, dir=".") as file:
    file.write(b"longer than ten")
    file.seek(0)
    print(file.read())
with tempfile.TemporaryDirectory(dir=".") as place:
    open(f"{place}/file", "w").close()
    print(os.listdir(place))
""",
    },
    "copies": {
        "shutil": r"""
import os, shutil
os.makedirs("from/sub")
for name in ("from/one", "from/sub/two"):
    with open(name, "w") as file:
        file.write(name * 1000)
shutil.copytree("from", "to")
shutil.move("to/one", "to/sub/one")
print(sorted(os.listdir("to/sub")), os.path.getsize("to/sub/two"))
shutil.rmtree("from")
print(os.listdir("."))
""",
        "copies": r"""
import filecmp, os, shutil
with open("a", "wb") as file:
    file.write(os.urandom(70000))
shutil.copy("a", "b")
shutil.copyfile("a", "c")
shutil.copy2("a", "d")
print(filecmp.cmp("a", "b"), filecmp.cmp("a", "c", shallow=False), sorted(os.listdir(".")))
os.remove("a")
os.replace("b", "c")
os.rmdir(os.mkdir("empty") or "empty")
""",
        "backup": r"""
import os, shutil
os.makedirs("work/deep")
for name in ("work/a", "work/deep/b"):
    with open(name, "w") as file:
        file.write("text" * 100)
shutil.copytree("work", "backup", ignore=shutil.ignore_patterns("a"))
shutil.copy2("work/a", "backup/c")
print(sorted(os.listdir("backup")), os.stat("backup/c").st_mtime == os.stat("work/a").st_mtime)
shutil.rmtree("work")
""",
    },
    "archives": {
        "archives": r"""
import os, tarfile, zipfile
os.mkdir("in")
for n in range(3):
    with open(f"in/{n}", "w") as file:
        file.write("text" * n)
with tarfile.open("t.tar.gz", "w:gz") as tar:
    tar.add("in")
with zipfile.ZipFile("z.zip", "w") as archive:
    archive.write("in/2")
with tarfile.open("t.tar.gz") as tar:
    tar.extractall("out")
print(sorted(os.listdir("out/in")), zipfile.ZipFile("z.zip").read("in/2"))
""",
        "tar": r"""
import io, tarfile
with tarfile.open("t.tar", "w") as tar:
    info = tarfile.TarInfo("deep/file")
    info.size, info.mtime = 4, 1700000000
    tar.addfile(info, io.BytesIO(b"text"))
with tarfile.open("t.tar") as tar:
    print(tar.getnames())
    tar.extractall(".")
print(open("deep/file").read())
""",
        "packed": r"""
import os, shutil
os.mkdir("in")
with open("in/file", "w") as file:
    file.write("text" * 100)
shutil.make_archive("packed", "gztar", ".", "in")
shutil.unpack_archive("packed.tar.gz", "out")
print(os.listdir("out/in"))
""",
    },
    "other programs": {
        "run": r"""
import subprocess
done = subprocess.run(["cat"], input=b"through\n", capture_output=True)
print(done.stdout, subprocess.run(["false"]).returncode)
print(subprocess.run(["sh", "-c", "exit 4"]).returncode)
""",
        "output": r"""
import subprocess
print(subprocess.check_output("echo one; echo two | tr a-z A-Z", shell=True, text=True))
try:
    subprocess.run(["/nonexistent/program"])
except FileNotFoundError as error:
    print(error)
""",
        "pipeline": r"""
import subprocess
first = subprocess.Popen(["printf", "b\\na\\nc\\n"], stdout=subprocess.PIPE)
second = subprocess.Popen(["sort"], stdin=first.stdout, stdout=subprocess.PIPE)
first.stdout.close()
print(second.communicate()[0], first.wait(), second.returncode)
""",
        "both ends": r"""
import subprocess
process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for n in range(5):
    process.stdin.write(f"line {n}\n")
    process.stdin.flush()
    print(process.stdout.readline().strip())
process.stdin.close()
print(process.wait(10))
""",
        "system": r"""
import os
print(os.waitstatus_to_exitcode(os.system("exit 3")), os.popen("echo popen").read())
""",
        "input": r"""
import subprocess
print(subprocess.run(["tr", "a-z", "A-Z"], input="lower\n", text=True, capture_output=True).stdout)
print(subprocess.getstatusoutput("echo both >&2; exit 2"))
""",
    },
    "elsewhere": {
        "to a file": r"""
import os, subprocess
with open("out", "w") as file:
    subprocess.run(["echo", "to the file"], stdout=file, stderr=subprocess.STDOUT, cwd="/", check=True,
                   env={**os.environ, "A": "1"})
print(open("out").read())
""",
        "cwd": r"""
import os, subprocess
os.mkdir("sub")
print(subprocess.run(["ls", ".."], cwd="sub", capture_output=True, text=True).stdout)
""",
        "chdir": r"""
import os, subprocess
os.mkdir("sub")
os.chdir("sub")
open("here", "w").close()
print(subprocess.check_output(["ls"], text=True), os.path.basename(os.getcwd()))
""",
    },
    "threads": {
        "sums": r"""
import threading
results = []
def work(n):
    results.append(sum(i * i for i in range(n)))
threads = [threading.Thread(target=work, args=(20000 * n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(results))
""",
        "queue": r"""
import queue, threading
todo, done = queue.Queue(), queue.Queue()
def work():
    while (n := todo.get()) is not None:
        done.put(n * n)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for n in range(100): todo.put(n)
for _ in threads: todo.put(None)
for thread in threads: thread.join()
print(sum(done.get() for _ in range(100)))
""",
        "pool": r"""
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda n: sum(range(n)), range(0, 5000, 500))))
""",
        "events": r"""
import threading
ready, go = threading.Event(), threading.Event()
def work():
    ready.set()
    print("went", go.wait(10))
thread = threading.Thread(target=work)
thread.start()
ready.wait(10)
go.set()
thread.join()
print(threading.Event().wait(0.02))
""",
        "locks": r"""
import threading, time
lock, total = threading.Lock(), 0
def work():
    global total
    for _ in range(50):
        with lock:
            value = total
            time.sleep(0)
            total = value + 1
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(total)
""",
        "timer": r"""
import threading
done = threading.Event()
threading.Timer(0.02, done.set).start()
print(done.wait(10), threading.active_count() <= 2)
""",
    },
    "processes": {
        "fork": r"""
import os
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(write, b"from the child")
    os._exit(6)
print(os.read(read, 100), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
        "multiprocessing": r"""
import multiprocessing
def work(n):
    return n * n
with multiprocessing.Pool(2) as pool:
    print(pool.map(work, range(10)))
""",
        "queue": r"""
import multiprocessing
def work(queue):
    queue.put("from a process")
queue = multiprocessing.Queue()
process = multiprocessing.Process(target=work, args=(queue,))
process.start()
print(queue.get())
process.join()
print(process.exitcode)
""",
        "executor": r"""
import concurrent.futures
def work(n):
    return sum(range(n))
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    print(list(pool.map(work, [10, 100, 1000])))
""",
        "pipe": r"""
import multiprocessing
def work(end):
    end.send(end.recv() * 2)
ours, theirs = multiprocessing.Pipe()
process = multiprocessing.Process(target=work, args=(theirs,))
process.start()
ours.send(21)
print(ours.recv())
process.join()
""",
        "returned": r"""
import multiprocessing, sys
def work(status):
    sys.exit(status)
processes = [multiprocessing.Process(target=work, args=(status,)) for status in (0, 3)]
for process in processes: process.start()
for process in processes: process.join()
print([process.exitcode for process in processes])
""",
    },
    "shared memory": {
        "shared": r"""
import multiprocessing
def work(value, lock):
    for _ in range(100):
        with lock:
            value.value += 1
value, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
processes = [multiprocessing.Process(target=work, args=(value, lock)) for _ in range(2)]
for process in processes: process.start()
for process in processes: process.join()
print(value.value)
""",
        "array": r"""
import multiprocessing
def work(array):
    for n in range(len(array)): array[n] += n
array = multiprocessing.Array("i", [10] * 5)
process = multiprocessing.Process(target=work, args=(array,))
process.start()
process.join()
print(array[:])
""",
        "double": r"""
import multiprocessing
def work(value):
    value.value = 2.5
value = multiprocessing.Value("d", 0)
process = multiprocessing.Process(target=work, args=(value,))
process.start()
process.join()
print(value.value)
""",
    },
    "timers": {
        "alarm": r"""
import signal, time
caught = []
signal.signal(signal.SIGALRM, lambda *_: caught.append("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
while not caught: signal.pause()
print(caught)
""",
        "interval": r"""
import signal, time
seen = 0
def tick(*_):
    global seen
    seen += 1
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while seen < 3: time.sleep(1)
signal.setitimer(signal.ITIMER_REAL, 0)
print("three ticks")
""",
        "time-out": r"""
import signal
class Late(Exception): pass
def late(*_):
    raise Late
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    signal.pause()
except Late:
    print("late")
""",
    },
    "signals": {
        "kill": r"""
import os, signal
signal.signal(signal.SIGUSR1, lambda signo, _: print("caught", signo))
os.kill(os.getpid(), signal.SIGUSR1)
""",
        "ignored": r"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("still here")
""",
        "raised": r"""
import signal
signal.signal(signal.SIGUSR2, lambda signo, _: print("caught", signal.Signals(signo).name))
signal.raise_signal(signal.SIGUSR2)
""",
    },
    "children ended": {
        "a child's": r"""
import signal, subprocess
process = subprocess.Popen(["sleep", "100"])
process.terminate()
print(process.wait() == -signal.SIGTERM)
process = subprocess.Popen(["sleep", "100"])
process.kill()
print(process.wait() == -signal.SIGKILL)
""",
        "time-out": r"""
import subprocess
try:
    subprocess.run(["sleep", "100"], timeout=0.05)
except subprocess.TimeoutExpired as error:
    print(error.cmd)
""",
        "polled": r"""
import os, signal, subprocess
process = subprocess.Popen(["sleep", "100"])
print(process.poll())
os.kill(process.pid, signal.SIGTERM)
print(process.wait(), process.poll())
""",
    },
    "failures": {
        "exception": r"""
def f():
    raise ValueError("wrong")
f()
""",
        "status": r"""
import atexit, sys
atexit.register(print, "at exit")
sys.exit(3)
""",
        "recursion": r"""
def f(n):
    return f(n + 1)
try:
    f(0)
except RecursionError as error:
    print(error)
raise SystemExit("told")
""",
        "abort": r"""
import os
os.abort()
""",
        "interrupted": r"""
import _thread, threading, time
threading.Timer(0.02, _thread.interrupt_main).start()
try:
    time.sleep(10)
except KeyboardInterrupt:
    print("interrupted")
""",
        "in a thread": r"""
import threading
threading.excepthook = lambda args: print("in a thread:", args.exc_value)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
""",
    },
    "sockets": {
        "datagrams": r"""
import socket
one, two = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
two.bind(("127.0.0.1", 0))
one.sendto(b"datagram", two.getsockname())
print(two.recvfrom(100)[0])
""",
        "local": r"""
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("here")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("here")
connection, _ = server.accept()
client.send(b"local")
print(connection.recv(100))
client.settimeout(0.02)
try:
    client.recv(1)
except TimeoutError as error:
    print(error)
""",
        "select": r"""
import selectors, socket
left, right = socket.socketpair()
selector = selectors.DefaultSelector()
selector.register(right, selectors.EVENT_READ, "right")
left.send(b"x")
print([key.data for key, _ in selector.select(10)], right.recv(1))
print(selector.select(0.01))
""",
    },
    "servers": {
        "stream": r"""
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    connection, _ = server.accept()
    with connection:
        connection.sendall(connection.recv(100).upper())
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(server.getsockname()) as client:
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    print(client.recv(100))
thread.join()
""",
        "lines": r"""
import socketserver, socket, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line[::-1])
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(server.server_address) as client, client.makefile("rwb") as file:
        file.write(b"abc\n")
        file.flush()
        client.shutdown(socket.SHUT_WR)
        print(file.read())
    server.shutdown()
""",
        "web": r"""
import http.server, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page " + self.path.encode())
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in ("/one", "/two"):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}") as answer:
        print(answer.status, answer.read())
server.shutdown()
""",
    },
    "asyncio": {
        "gather": r"""
import asyncio
async def work(n):
    await asyncio.sleep(0.01 * n)
    return n
async def main():
    print(await asyncio.gather(*(work(n) for n in range(3))))
asyncio.run(main())
""",
        "queue": r"""
import asyncio
async def main():
    queue = asyncio.Queue(2)
    async def produce():
        for n in range(5): await queue.put(n)
    task = asyncio.create_task(produce())
    print([await queue.get() for _ in range(5)])
    await task
asyncio.run(main())
""",
        "time-out": r"""
import asyncio
async def main():
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.02)
    except asyncio.TimeoutError:
        print("timed out")
asyncio.run(main())
""",
    },
    "asyncio, servers": {
        "streams": r"""
import asyncio
async def serve(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    print(await reader.read())
    writer.close()
    server.close()
asyncio.run(main())
""",
        "two clients": r"""
import asyncio
async def serve(reader, writer):
    writer.write(await reader.read(100))
    writer.close()
async def ask(address, text):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(text)
    answer = await reader.read()
    writer.close()
    return answer
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        print(await asyncio.gather(ask(address, b"one"), ask(address, b"two")))
asyncio.run(main())
""",
        "protocol": r"""
import asyncio
class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(data * 2)
        self.transport.close()
async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"twice ")
    print(await reader.read())
    writer.close()
    server.close()
asyncio.run(main())
""",
    },
    "asyncio, outside": {
        "a program": r"""
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE,
                                                   stdout=asyncio.subprocess.PIPE)
    print((await process.communicate(b"through cat"))[0], process.returncode)
asyncio.run(main())
""",
        "in threads": r"""
import asyncio
def work(n):
    return sum(range(n))
async def main():
    print(await asyncio.gather(*(asyncio.to_thread(work, 1000 * n) for n in range(4))))
asyncio.run(main())
""",
        "a shell": r"""
import asyncio
async def main():
    process = await asyncio.create_subprocess_shell("echo one; exit 3", stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0], process.returncode)
    print(await asyncio.to_thread(sum, range(1000)))
asyncio.run(main())
""",
    },
    "sqlite": {
        "rows": r"""
import sqlite3
db = sqlite3.connect("t.db")
db.execute("create table t (n, square)")
with db:
    db.executemany("insert into t values (?, ?)", ((n, n * n) for n in range(500)))
print(db.execute("select sum(square) from t").fetchone())
""",
        "rollback": r"""
import sqlite3
db = sqlite3.connect("t.db")
db.execute("create table t (n unique)")
try:
    with db:
        db.execute("insert into t values (1)")
        db.execute("insert into t values (1)")
except sqlite3.IntegrityError as error:
    print(error)
print(db.execute("select count(*) from t").fetchone())
""",
        "backup": r"""
import sqlite3
one, two = sqlite3.connect("one.db"), sqlite3.connect("two.db")
with one:
    one.execute("create table t as select 1 as a")
one.backup(two)
print(two.execute("select * from t").fetchall())
""",
    },
    "key and value": {
        "key and value": r"""
import dbm.dumb
with dbm.dumb.open("d", "c") as db:
    db["key"] = "value"
with dbm.dumb.open("d") as db:
    print(db["key"], list(db.keys()))
""",
        "shelf": r"""
import dbm.dumb, shelve
with shelve.Shelf(dbm.dumb.open("s", "c")) as shelf:
    shelf["list"] = [1, 2, 3]
with shelve.Shelf(dbm.dumb.open("s")) as shelf:
    print(shelf["list"])
""",
        "many": r"""
import dbm.dumb
with dbm.dumb.open("d", "n") as db:
    for n in range(50): db[str(n)] = str(n * n)
    del db["7"]
with dbm.dumb.open("d", "r") as db:
    print(len(db), db["8"], b"7" in db)
""",
    },
}


def run(text, directory, prefix):
    """Run a piece of work: its result."""
    return workload.run([*prefix, PROGRAM, "-I", "-c", text], cwd=directory)
