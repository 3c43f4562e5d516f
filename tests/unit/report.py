#!/usr/bin/python3
"""sysclamp report: what is in the page, that it is text and nothing else, and that it asks for nothing."""
import base64
import glob
import hashlib
import html.parser
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import synthetic  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
SIZE_MAX = 300 * 1000  # bytes of a page of 60 calls
VOID = {"meta", "input", "br", "hr", "img", "link"}
# Attributes through which a page asks for something, or runs something.
ASKING = {"href", "src", "srcset", "action", "formaction", "style", "xlink:href", "data", "poster"}


class Page(html.parser.HTMLParser):
    """A page taken apart: elements with their attributes, texts, the rows of its table."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.wrong = [], [], []
        self.texts, self.rows = {}, []
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        self.texts[inside] = self.texts.get(inside, "") + data
        if "table" in self.open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def all(self, tag):
        """The attributes of all elements of a kind."""
        return [attrs for name, attrs in self.elements if name == tag]


def report(*files, out="-", **kwargs):
    """The page of recordings: the run."""
    return workload.sysclamp("report", "-o", out, *files, **kwargs)


def page_of(*files):
    """The same, taken apart."""
    return Page(report(*files).stdout.decode())


def path(name):
    """A file of the test."""
    return os.path.join(SCRATCH, name)


def check_page(name, file):
    """What holds for the page of any recording."""
    run = report(file)
    text = run.stdout.decode()
    page = Page(text)
    with open(file, encoding="utf-8") as recording:
        calls = json.load(recording)["syscalls"]
    tap.ok(run.returncode == 0 and not run.stderr and not page.wrong,
           f"{name}: a page whose elements are closed in order", run.stderr, *page.wrong)
    bad = [(tag, attrs) for tag, attrs in page.elements
           if set(attrs) & ASKING or any(key.startswith("on") for key in attrs)]
    tap.equal(bad, [], f"{name}: no element asks for anything or runs anything")
    tap.equal(re.findall(r"https?:|url\(|@import|//\w", page.texts["style"] + page.texts["script"]), [],
              f"{name}: nor do style and script")
    tap.equal((len(page.all("script")), len(page.all("style"))), (1, 1), f"{name}: one script, one style")
    tap.equal(len(page.rows) - 1, len(calls), f"{name}: a row for each call")
    return page


def check_policy(page):
    """The style and the script that the page allows are its own."""
    policy = page.all("meta")[1]["content"]
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.texts[kind].encode()).digest()).decode()
        tap.ok(f"{kind}-src 'sha256-{digest}'" in policy, f"the {kind} is allowed by its hash", policy)
    tap.ok(policy.startswith("default-src 'none'; ") and "unsafe" not in policy, "and nothing else is", policy)


def check_hostile(page):
    """What was recorded is text."""
    tap.ok(synthetic.HOSTILE in page.texts["code"], "a program with markup in its name is shown as it is")
    titles = [attrs["title"] for attrs in page.all("span") if "title" in attrs]
    tap.ok(synthetic.HOSTILE in titles, "in an attribute, too", titles[:9])
    tap.ok("/srv/<b>web</b>" in page.texts["dd"] and not page.all("b"), "and so is the directory")
    wild = synthetic.recording(3, argv=["\x1b[2J<!--", "]]>", "</title><script>", "a" * 100000, "ü" * 1000,
                                        *["x"] * 1000])
    wild["workload"]["cwd"] = "</style>\u0085\x7f"
    wild["phases"] = ["<i>", "&lt;", "\"", "x", "y"]
    wild["host"] = {"kernel": "</svg>", "machine": "%s%n"}
    with open(path("wild.json"), "w", encoding="utf-8") as file:
        json.dump(wild, file)
    page = check_page("all names hostile", path("wild.json"))
    tap.ok("\\x1b[2J<!--" in page.texts["code"] and len(page.texts["code"]) < 5000,
           "control characters are shown, and what is too long is cut")
    tap.ok("Linux </svg>, %s%n" in page.texts["dd"], "markup of the host is text", page.texts["dd"])


def check_rows(page, file):
    """The table has what the recording has."""
    with open(file, encoding="utf-8") as recording:
        rec = json.load(recording)
    rows = {row[0]: row for row in page.rows[1:]}
    tap.equal([row[0] for row in page.rows[1:]], sorted(rows), "the calls are sorted by name")
    wrong = []
    for call in rec["syscalls"]:
        row = rows[call["name"]]
        numbers = [int(cell.replace("\u202f", "")) for cell in row[1:3]]
        if numbers != [call["count"], call["denied"]] \
                or row[3].split() != [rec["phases"][n] for n in call["phases"]]:
            wrong.append((row, call))
    tap.equal(wrong, [], "count, denied and phases are those of the recording")
    tap.ok("12 values" in rows["socket"][6] and "socket(AF_INET6, SOCK_STREAM" not in rows["socket"][6]
           and "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)" in rows["socket"][6], "arguments are shown, and what stood together",
           rows["socket"])
    tap.ok("many" in rows["ioctl"][6], "many values are called so", rows["ioctl"])
    heads = [attrs for attrs in page.all("th") if attrs.get("scope") == "col"]
    tap.equal((len(heads), len(page.all("caption"))), (7, 1), "heads have a scope, the table has a caption")


def check_charts(page, n_calls):
    """The drawings."""
    images = [attrs for attrs in page.all("svg") if attrs.get("role") == "img"]
    tap.ok(len(images) == 2 and all("aria-labelledby" in attrs for attrs in images),
           "two drawings with a title and a description", images)
    rows = [attrs for attrs in page.all("g") if attrs.get("class", "").startswith("row")]
    tap.equal(len(rows), n_calls, "a row of the timeline for each call")
    stairs = [attrs["d"] for attrs in page.all("path") if attrs.get("class") == "curve"]
    heights = [float(text) for text in re.findall(r"V([\d.]+)", stairs[0])]
    tap.ok(len(heights) == n_calls and heights == sorted(heights, reverse=True),
           "a stair for each call, upward", stairs)
    along = [float(text) for text in re.findall(r"H([\d.]+)V", stairs[0])]
    tap.equal(along, sorted(along), "and onward")
    bands = [attrs for attrs in page.all("svg") if attrs.get("class", "").startswith("band")]
    places = [float(attrs["x"].rstrip("%")) for attrs in bands]
    tap.ok(len(bands) == 8 and places[:4] == sorted(places[:4]) and "band p2" not in str(bands),
           "four phases are shaded in both, in order; exec is none of the workload's life", bands)


def check_bytes(file, other):
    """Same recordings, same bytes, wherever they go."""
    once = report(file, other).stdout
    tap.ok(once == report(other, file).stdout == report(other, file, file).stdout,
           "the order of recordings does not matter, nor how often")
    run = report(file, other, out=path("page.html"))
    with open(path("page.html"), "rb") as page:
        tap.ok(page.read() == once and not run.stdout, "a file gets the same as standard output", run)
    with open(file, "rb") as recording:
        tap.ok(report("-", stdin=recording.read()).stdout == report(file).stdout, "- reads standard input")
    with open(file, "rb") as recording:
        text = recording.read()
    left = sorted(os.listdir(SCRATCH))
    run = report(path("not-there"), out=path("page.html"))
    with open(path("page.html"), "rb") as page:
        tap.ok(run.returncode == 2 and page.read() == once and sorted(os.listdir(SCRATCH)) == left,
               "a failure leaves the page that is there", run)
    run = report(file, out=file)
    with open(file, "rb") as recording:
        tap.ok(run.returncode == 2 and recording.read() == text, "a recording is not overwritten", run)


def check_size(page, size):
    """A page that can be sent."""
    tap.ok(len(page) < size, f"{len(page)} bytes are less than {size}")


def check_incomplete():
    """What was lost is said."""
    synthetic.write(path("lost.json"), 5, lost=7)
    page = page_of(path("lost.json"))
    tap.ok("Incomplete." in page.texts["strong"] and "7 calls found no room" in page.texts["li"],
           "a loss is shown", page.texts["li"])
    page = page_of("tests/golden/unended.rec.json")
    tap.ok("the recording never ended" in page.texts["li"]
           and "no end is recorded" in page.texts["dd"], "so is an end that is missing", page.texts)
    page = page_of(path("lost.json"), "docs/example.rec.json")
    tap.ok("1 of 3 recordings lost something or never ended" in page.texts["li"], "of several, how many",
           page.texts["li"])
    tap.ok("denied" in page.texts["li"] and "denied" not in page_of("tests/golden/compat.rec.json").texts["li"],
           "the legend has what is there")


def check_next_run():
    """What the runs say about the next one, and always that it is the workload that was measured."""
    files = [synthetic.write(path(f"next-{seed}.json"), 60, seed=seed) for seed in "xyz"]
    one, three, same = page_of(files[0]), page_of(*files), page_of(files[0], files[0])
    tap.ok("one run says nothing about the next" in one.texts["p"], "one run says nothing about the next")
    tap.ok("new calls are expected" not in one.texts.get("li", ""), "and there is no figure for it")
    tap.ok(" 3 runs: the chance that one more of the same kind shows a new call is " in three.texts["li"],
           "of three runs there is one, phase by phase", three.texts["li"])
    tap.ok("one run says nothing about the next" in same.texts["p"], "one run twice is one")
    tap.ok(b"<p>Never recorded: <code>stop</code>. What" in report(*files).stdout,
           "phase stop was never recorded, and that is said; reload was")
    for page in (one, three):
        tap.ok("this measures the workload that was recorded, and not the program" in page.texts["p"],
               "with the sentence that goes with it")


def check_many():
    """As large as a recording may be, in time."""
    rec = synthetic.recording(1)
    call = rec["syscalls"][0]
    rec["phases"] = [f"p{n}" for n in range(65536)]
    rec["programs"] = [f"/bin/p{n}" for n in range(65536)]
    rec["syscalls"] = [dict(call, nr=nr, phases=[nr, nr + 1], programs=list(range(nr % 50)), args=[],
                            first_ns=call["first_ns"] + nr, last_ns=call["last_ns"] + nr)
                       for nr in range(1000, 1000 + 15000)]
    for each in rec["syscalls"]:
        del each["name"]
    with open(path("many.json"), "w", encoding="utf-8") as file:
        json.dump(rec, file)
    check_page("65536 phases and programs, 15000 calls", path("many.json"))


def check_origins():
    """From where calls come; what functions are called is text."""
    rec = synthetic.recording(60)
    frames = [f"/usr/lib/<b>{n}</b>.so!<script>f{n}</script>+0x{n:x}" for n in range(12)]
    rec["origins"] = [
        {"abi": "x86_64", "nr": call["nr"], "name": call["name"], "program": call["programs"][0],
         "phase": call["phases"][0], "pid": 7, "tid": 8, "time_ns": call["first_ns"],
         "values": [hex(n) for n in range(1, 7)], "stack": frames} for call in rec["syscalls"]]
    rec["origins"].sort(key=lambda each: (each["nr"], rec["programs"][each["program"]]))
    with open(path("origins.json"), "w", encoding="utf-8") as file:
        json.dump(rec, file)
    page = check_page("origins", path("origins.json"))
    row = next(row for row in page.rows if row[0] == "socket")
    tap.ok("socket(AF_UNIX, SOCK_DGRAM, 3)" in row[6] and "thread 8" in row[6]
           and "<b>3<" not in row[6] and ".so!<script>f3</script>+0x3" in row[6],
           "the call, its thread and the functions that led to it are shown", row)
    check_size(report(path("origins.json")).stdout, SIZE_MAX)


def check_misuse():
    """One line that says what is wrong."""
    rows = [([], "where to?"), (["-o", path("x")], "no recording given"),
            (["-o", path("x"), "-", "-"], "can be read once only"),
            (["-o", "-", "--theme", "x"], "unknown option --theme"), (["-o"], "needs a value"),
            (["-o", SCRATCH, "docs/example.rec.json"], "is a directory"),
            (["-o", path("no/x"), "docs/example.rec.json"], "No such file")]
    for args, says in rows:
        run = workload.sysclamp("report", *args)
        text = run.stderr.decode()
        tap.ok(run.returncode == 2 and not run.stdout and says in text and text.count("\n") == 1,
               f"refused: {says}", run)
    run = workload.sysclamp("report", "--help")
    lines = run.stdout.decode().splitlines()
    tap.ok(run.returncode == 0 and len(lines) <= 24 and max(map(len, lines)) <= 90, "help fits a screen", run)


def main():
    """Everything."""
    sixty, many = synthetic.write(path("60.json"), 60), synthetic.write(path("300.json"), 300, seed="b")
    page = check_page("60 calls", sixty)
    check_policy(page)
    check_hostile(page)
    check_rows(page, sixty)
    check_charts(page, 60)
    check_size(report(sixty).stdout, SIZE_MAX)
    check_charts(check_page("300 calls", many), 300)
    for file in sorted(glob.glob("tests/golden/*.rec.json")) + ["docs/example.rec.json"]:
        check_page(os.path.basename(file), file)
    check_bytes(sixty, many)
    check_incomplete()
    check_next_run()
    check_many()
    check_origins()
    check_misuse()
    tap.done()


if __name__ == "__main__":
    main()
