"""`make bench`: trains every work with every peer in turns, and times a whole `make train`."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.markdown import Markdown

from benchmarks import report
from benchmarks.measure import matmul_flops, measure
from benchmarks.peers import PEERS
from benchmarks.streaming import measure_streaming, streaming_lines
from benchmarks.tables import measure_tables, table_lines
from benchmarks.whole_run import measure_whole_run
from benchmarks.works import DATA, WORKS

START, TABLES, STREAMING = "start", "tables", "streaming"
OTHERS = [START, TABLES, STREAMING]


def main() -> None:
    """Runs what is asked for, all by default, each part written down as soon as it is measured."""
    costs = "; ".join(f"{work.name}: {work.title}, {work.costs}" for work in WORKS.values())
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Compares the pipeline's speed with its peers', in turns, and writes docs/benchmarks.md.",
        epilog=f"{costs}; {START}: a whole `make train`, 1 minute; {TABLES}: large tables, 1 minute; {STREAMING}: "
        "files ten times a memory budget, 8 minutes, 4 GB of disk. Times are for two CPU cores, and nothing else "
        f"should run. Real data are looked for in {DATA} (PIPELINE_DATA).",
    )
    parser.add_argument("work", nargs="*", metavar="WORK", help=", ".join([*WORKS, *OTHERS]) + "; none: all")
    chosen = parser.parse_args().work or [*WORKS, *OTHERS]
    if unknown := [name for name in chosen if name not in (*WORKS, *OTHERS)]:
        parser.error(f"unknown work {', '.join(unknown)}; choose from {', '.join([*WORKS, *OTHERS])}")
    console = Console() if Console().is_terminal else Console(width=120)
    for name in chosen:
        if name == START:
            console.print("start: 8 processes, one after the other")
            lines = report.start_lines(measure_whole_run())
        elif name == TABLES:
            lines = table_lines(measure_tables())
        elif name == STREAMING:
            console.print("streaming: writes files, then 3 processes, one after the other")
            lines = streaming_lines(measure_streaming())
        elif missing := WORKS[name].missing():
            console.print(f"{name} is left out: {', '.join(missing)} not in {DATA}; PIPELINE_DATA names another folder")
            continue
        else:
            peak = matmul_flops()
            measured, left_out = measure(WORKS[name], PEERS, peak, console.print)
            lines = report.work_lines(WORKS[name], measured, left_out, peak)
        report.keep(name, lines)
        console.print(Markdown("\n".join(lines)))


if __name__ == "__main__":
    main()
