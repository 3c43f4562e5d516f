#!/usr/bin/python3
"""The round trip of the corpus in runc and in crun: each program in both with every setting of arguments, in one or the
other with and without no_new_privs, see round_trips_of_corpus.RUNTIMES.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from round_trips_of_corpus import RUNTIMES, check_engines  # noqa: E402

check_engines(RUNTIMES, ("runc", "crun"))
