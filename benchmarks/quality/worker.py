"""A process for one table, peer and seed; its last line says what came out."""

from __future__ import annotations

import json
import sys

from benchmarks.quality.ingredients import INGREDIENTS
from benchmarks.quality.peers import PEERS
from benchmarks.quality.tables import TABLES


def main(table: str, peer: str, seed: str) -> None:
    """Measures."""
    found = (PEERS | INGREDIENTS)[peer].measure(TABLES[table], int(seed))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
