"""How long tests wait for what has to come: an emulated processor takes its time (TEST_SLOWER: so many times)."""
import os

SLOWER = int(os.environ.get("TEST_SLOWER", "1"))
