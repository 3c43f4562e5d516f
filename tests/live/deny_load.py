#!/usr/bin/python3
"""Thousands of denials a second from 50 processes: counted exactly, in memory that stays.  For longer: make soak-deny."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import denial_load  # noqa: E402
import tap  # noqa: E402

SECONDS = 3

if __name__ == "__main__":
    denial_load.check(tap.scratch(), SECONDS)
    tap.done()
