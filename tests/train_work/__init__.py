"""Pieces of work for tests/live/train.py: for each program what it does, by kind and name, and how it is run.

    run(text, directory, prefix) -> a result whose status and output say what came of it

directory is new, and the program works in it; prefix is put in front of its command.
"""
from . import git, python3, redis, sqlite3

PROGRAMS = {"python3": python3, "redis-server": redis, "git": git, "sqlite3": sqlite3}
