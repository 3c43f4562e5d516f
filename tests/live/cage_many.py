#!/usr/bin/python3
"""500 full cages at once and 1,000 in a row, of root and of an ordinary user, leave nothing: tests/launches.py."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import launches  # noqa: E402

launches.enter()

import tap  # noqa: E402

PARALLEL, IN_A_ROW = 500, 1000


def main():
    """Both."""
    place = tap.scratch()
    launchers = launches.launchers_here(place)
    before = launches.World(place)
    launches.in_parallel(launchers, PARALLEL)
    name = f"{PARALLEL} at once"
    for launcher in launchers:
        launcher.told(name)
    launches.World(place).check(before, name)
    for launcher in launchers:
        launcher.in_a_row(IN_A_ROW // len(launchers))
        launcher.told(f"{IN_A_ROW // len(launchers)} in a row")
    launches.World(place).check(before, f"{IN_A_ROW} in a row")
    tap.done()


main()
