"""`make bench-quality`: the pipeline's networks beside their peers."""

from __future__ import annotations

from benchmarks.quality import kept, page
from benchmarks.quality.measure import measure_asked, parser_of
from benchmarks.quality.peers import PEERS


def main() -> None:
    """Runs what is asked for, all by default."""
    description = "Compares the quality of the pipeline's networks with its peers' and writes docs/quality.md."
    measure_asked(parser_of("make bench-quality", description, PEERS), PEERS)
    print(page.write(kept.results()))


if __name__ == "__main__":
    main()
