"""Looks for what examples miss: drawn cells read six ways, drawn tables streamed and at once, drawn tables trained.

    make fuzz CELLS=2000 TABLES=500 TRAINED=300 SEED=0

Prints every difference and traceback, and ends with 1 where there is one.
"""

import argparse
import sys
import time

from fuzz.cells import cell_differences
from fuzz.tables import streamed_differences, trained_failures

PIECE = 50  # tables between two lines of progress


def main() -> int:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("cells", "tables", "trained"):
        parser.add_argument(f"--{name}", type=int, default=0, help=f"how many {name}")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    n_found = 0
    for name, look in (("cells", cell_differences), ("tables", streamed_differences), ("trained", trained_failures)):
        began, done = time.monotonic(), 0
        while done < getattr(asked, name):
            count = min(PIECE if name != "cells" else asked.cells, getattr(asked, name) - done)
            found = look(count, asked.seed + done)
            done, n_found = done + count, n_found + len(found)
            print(*found, sep="\n", end="\n" if found else "", flush=True)
            print(f"{name}: {done} looked at in {time.monotonic() - began:.0f} s, {n_found} differences", flush=True)
    return 1 if n_found else 0


sys.exit(main())
