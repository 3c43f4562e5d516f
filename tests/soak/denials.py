#!/usr/bin/python3
"""denials.py MINUTES: a load of denied calls for so long, explained, then learned."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import denial_load  # noqa: E402
import tap  # noqa: E402

if __name__ == "__main__":
    denial_load.check(tap.scratch(), 60 * float(sys.argv[1]))
    tap.done()
