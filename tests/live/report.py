#!/usr/bin/python3
"""The page of sysclamp report in a browser: with mouse and keys, without a script, in all widths and
colours.  REPORT_SCREENS=DIR keeps the screenshots.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import chromium  # noqa: E402
import synthetic  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
SCREENS = os.environ.get("REPORT_SCREENS", SCRATCH)
WIDE, NARROW = 1280, 390
ENTER, TAB, BACKSPACE = ("Enter", 13, "\r"), ("Tab", 9), ("Backspace", 8)
CONTRAST_MIN = 4.5  # WCAG 2.1, 1.4.3, level AA

# The rows that are to be seen, each as the texts of its cells.
ROWS = """[...document.querySelectorAll("tbody tr")].filter(row => row.getClientRects().length)
    .map(row => [...row.cells].map(cell => cell.textContent.trim()))"""
SORTS = """[...document.querySelectorAll("thead th")].map(head => head.getAttribute("aria-sort"))"""
SHOWN = "document.querySelector(%r).checkVisibility()"
# All texts whose colour is too near to what is behind them; shades of phases are not looked at.
PALE = """(() => {
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) {
                return colour;
            }
        }
        return [255, 255, 255];
    };
    const pale = [];
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !element.getClientRects().length || element.closest("title, desc, script")) {
            continue;
        }
        const style = getComputedStyle(element);
        const front = light(parse(element instanceof SVGElement ? style.fill : style.color));
        const back = light(behind(element));
        const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        if (ratio < %f) {
            pale.push(`${element.tagName} ${element.textContent.slice(0, 20)}: ${ratio}`);
        }
    }
    return pale;
})()""" % CONTRAST_MIN


def write_pages():
    """The pages: name and path, and whether it is small."""
    sources = {
        "60": [synthetic.write(os.path.join(SCRATCH, "60.json"), 60)],
        "300": [synthetic.write(os.path.join(SCRATCH, "300.json"), 300, seed="b", lost=7)],
        "recorded": [os.path.join(SCRATCH, "recorded.json")],
    }
    command = ["sh", "-c", "ls / | sort >/dev/null; exec date >/dev/null"]
    result, _ = workload.record(command, sources["recorded"][0])
    tap.equal(result.returncode, 0, "a shell is recorded", result)
    sources["joined"] = [*sources["60"], *sources["recorded"], "docs/example.rec.json"]
    pages = {}
    for name, files in sources.items():
        pages[name] = os.path.join(SCRATCH, f"{name}.html")
        run = workload.sysclamp("report", "-o", pages[name], *files)
        tap.equal(run.returncode, 0, f"{name}: a page is written", run)
    return pages


def check_quiet(browser, path, name):
    """Nothing went wrong since the page was opened, and nothing was asked for."""
    tap.equal(browser.troubles(), [], f"{name}: no error and no message")
    tap.equal(browser.requests(), [f"file://{path}"], f"{name}: nothing is asked for but the page")


def check_look(browser, path, name):
    """All widths and colours."""
    looks = set()
    for width in (WIDE, NARROW):
        for scheme in ("light", "dark"):
            what = f"{name}, {width} pixels, {scheme}"
            browser.resize(width)
            browser.prefer(scheme)
            browser.open(path)
            check_quiet(browser, path, what)
            tap.equal(browser.evaluate("document.documentElement.scrollWidth"), width,
                      f"{what}: it is as wide as the window")
            tap.equal(browser.evaluate(PALE), [], f"{what}: texts have contrast")
            screen = os.path.join(SCREENS, f"{name}-{width}-{scheme}.png")
            browser.screenshot(screen)
            with open(screen, "rb") as image:
                looks.add(image.read())
    tap.equal(len(looks), 4, f"{name}: each looks different")


def check_search(browser, path):
    """Letter by letter."""
    browser.open(path)
    total = browser.evaluate(ROWS)
    browser.click("#search")
    browser.type("sock")
    found = browser.evaluate(ROWS)
    tap.ok(0 < len(found) < len(total) and all("sock" in row[0] for row in found),
           "a search leaves the rows that have it", found)
    tap.equal(browser.evaluate("document.getElementById('found').textContent"),
              f"{len(found)} of {len(total)} calls", "and says how many")
    for _ in "sock":
        browser.key(*BACKSPACE)
    tap.equal(browser.evaluate(ROWS), total, "without it all rows are back")
    browser.type("start denied")
    found = browser.evaluate(ROWS)
    tap.ok(found and all("start" in row[3] and row[2] != "0" for row in found),
           "two words: rows that have both", found)
    for _ in "start denied":
        browser.key(*BACKSPACE)
    browser.type("/usr/sbin/nginx")
    found = browser.evaluate(ROWS)
    tap.ok(found and all("nginx" in row[4] for row in found), "paths of programs are found", found)
    check_quiet(browser, path, "searched")


def numbers(rows, column):
    """A column of counts."""
    return [int(row[column].replace("\u202f", "")) for row in rows]


def check_sort(browser, path):
    """By mouse and by key."""
    browser.open(path)
    tap.equal(browser.evaluate(SORTS), ["ascending"] + 6 * [None], "the page comes sorted by name")
    for want, reverse in (("descending", True), ("ascending", False)):
        browser.click("thead th:nth-child(2) button")
        counts = numbers(browser.evaluate(ROWS), 1)
        tap.equal(counts, sorted(counts, reverse=reverse), f"a click sorts by count, {want}")
        tap.equal(browser.evaluate(SORTS), [None, want] + 5 * [None], f"and says so: {want}")
    browser.click("thead th:nth-child(6) button")
    first = [float(text) for text in browser.evaluate(
        """[...document.querySelectorAll("tbody td:nth-child(6)")].map(cell => cell.dataset.v)""")]
    tap.equal(first, sorted(first), "by first sight: in order of time")
    browser.evaluate("document.getElementById('search').focus()")
    browser.key(*TAB)
    tap.equal(browser.evaluate("document.activeElement.textContent"), "Call", "the tab key comes to the heads")
    browser.key(*ENTER)
    names = [row[0] for row in browser.evaluate(ROWS)]
    tap.equal(names, sorted(names), "the enter key sorts by name")
    check_quiet(browser, path, "sorted")


def check_theme(browser, path):
    """The button, whatever the user prefers."""
    colour = "getComputedStyle(document.body).backgroundColor"
    grounds = {}
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.open(path)
        grounds[scheme] = browser.evaluate(colour)
    for scheme, other in (("light", "dark"), ("dark", "light")):
        browser.prefer(scheme)
        browser.open(path)
        seen = []
        for _ in range(2):
            browser.click("#theme")
            seen.append(browser.evaluate(colour))
        tap.equal(seen, [grounds[other], grounds[scheme]], f"the button leaves {scheme}, and comes back")
    check_quiet(browser, path, "the button")
    browser.open(path)
    browser.send("Emulation.setEmulatedMedia", media="print",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])
    tap.ok(browser.evaluate("getComputedStyle(document.body).color") == "rgb(29, 35, 41)"
           and not browser.evaluate(SHOWN % "#theme"), "print is dark on white, without buttons")
    tap.ok(len(browser.send("Page.printToPDF")["data"]) > 10000, "and can be printed")
    browser.send("Emulation.setEmulatedMedia", media="")


def check_details(browser, path):
    """What is folded, unfolds."""
    browser.open(path)
    tap.ok(not browser.evaluate(SHOWN % "details li"), "many values are folded")
    browser.click("summary")
    tap.ok(browser.evaluate(SHOWN % "details li"), "a click shows them")


def check_without_script(browser, path, n_rows):
    """Everything is there."""
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    for width in (WIDE, NARROW):
        browser.resize(width)
        browser.open(path)
        tap.equal(len(browser.evaluate(ROWS)), n_rows, f"{width} pixels, no script: all rows are shown")
        tap.equal([browser.evaluate(SHOWN % each) for each in ("#search", "#theme", ".curve", ".row")],
                  [False, False, True, True], f"{width} pixels, no script: the drawings are, buttons are not")
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    browser.resize(WIDE)


def check_policy(browser, path):
    """The policy holds: what somebody might put into the page does not run and asks for nothing."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    planted = os.path.join(SCRATCH, "planted.html")
    with open(planted, "w", encoding="utf-8") as file:
        file.write(text.replace("<main>", "<main><script>window.planted = 1</script>"
                                "<img src='x.png' onerror='window.planted = 2'>"))
    browser.open(planted)
    tap.equal((browser.evaluate("window.planted"), len(browser.evaluate(ROWS)) > 0), (None, True),
              "a script that is not the page's own does not run")
    tap.ok(browser.troubles(), "and the browser says so")


def is_alone():
    """Whether nothing that was started runs any more."""
    tap.reap()
    return not tap.descendants()


def main():
    """All of it, in one browser."""
    path = chromium.find()
    if not path:
        tap.skip("chromium", "the report in a browser", "no chromium")
        tap.done()
    pages = write_pages()
    browser = chromium.Chromium(path, SCRATCH)
    try:
        for name, page in pages.items():
            check_look(browser, page, name)
        browser.resize(WIDE)
        browser.prefer("light")
        check_search(browser, pages["60"])
        check_sort(browser, pages["60"])
        check_theme(browser, pages["60"])
        check_details(browser, pages["60"])
        check_without_script(browser, pages["300"], 300)
        check_policy(browser, pages["60"])
    finally:
        browser.close()
    tap.ok(tap.wait_until(is_alone, "the browser's processes end"), "the browser leaves no process")
    tap.done()


if __name__ == "__main__":
    main()
