#!/usr/bin/python3
"""launches.py COUNT: so many full cages in a row, half of them root's; nothing is left, and nothing slows down."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import launches  # noqa: E402

launches.enter()

import tap  # noqa: E402

STEPS = 10


def main():
    """In steps, between which it is told how long each took."""
    count = int(sys.argv[1])
    place = tap.scratch()
    launchers = launches.launchers_here(place)
    each = max(count // STEPS // len(launchers), 1)
    before = launches.World(place)
    for step in range(STEPS):
        for launcher in launchers:
            began = time.monotonic()
            launcher.in_a_row(each)
            spent = (time.monotonic() - began) / each
            load = os.getloadavg()[0]
            print(f"# {(step + 1) * each} of {launcher.name}: {1000 * spent:.1f} ms each, load {load:.1f}", flush=True)
    for launcher in launchers:
        launcher.told(f"{each * STEPS} in a row")
    launches.World(place).check(before, f"{each * STEPS * len(launchers)} in a row")
    tap.done()


main()
