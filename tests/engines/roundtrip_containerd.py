#!/usr/bin/python3
"""The round trip of the corpus in containerd, by its own client and as a kubelet drives it: a trip of each program
in both, see round_trips_of_corpus.MANAGERS.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from round_trips_of_corpus import MANAGERS, check_engines  # noqa: E402

check_engines(MANAGERS, ("ctr", "cri"))
