"""Measures what is not kept yet: each table, peer and seed in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping

from benchmarks.quality import kept
from benchmarks.quality.kept import Result
from benchmarks.quality.peers import Peer
from benchmarks.quality.tables import TABLES
from benchmarks.report import machine
from benchmarks.works import DATA

LOSSES = ("log_loss", "rmse", "val_log_loss", "val_rmse")  # by which peers are compared


def parser_of(prog: str, description: str, peers: Mapping[str, Peer]) -> argparse.ArgumentParser:
    """The options that say which part of it all is measured."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=f"All of it takes hours; what is kept in {kept.RESULTS.name} is not measured again. Tables are looked "
        f"for in {DATA} (PIPELINE_DATA).",
    )
    parser.add_argument("--table", nargs="*", default=[], metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--peer", nargs="*", default=[], metavar="PEER", help=", ".join(peers))
    parser.add_argument("--seeds", type=int, metavar="N", help="at most so many; default: 3, of networks in PyTorch 1")
    parser.add_argument("--again", action="store_true", help="measure what is kept once more, as for its seconds")
    return parser


def measure_asked(parser: argparse.ArgumentParser, peers: Mapping[str, Peer]) -> None:
    """Measures what the command line asks for, all by default."""
    args = parser.parse_args()
    _check(parser, "table", args.table, TABLES)
    _check(parser, "peer", args.peer, peers)
    for name in args.table or TABLES:
        if missing := TABLES[name].missing():
            print(f"{name} is left out: {', '.join(missing)} not in {DATA}; PIPELINE_DATA names another folder")
            continue
        for peer in args.peer or peers:
            _measure_seeds(name, peer, peers[peer], args.seeds, again=args.again)


def _check(parser: argparse.ArgumentParser, what: str, given: Iterable[str], known: Iterable[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        parser.error(f"unknown {what} {', '.join(unknown)}; choose from {', '.join(known)}")


def _measure_seeds(table: str, peer: str, about: Peer, most: int | None, *, again: bool) -> None:
    if about.is_missing:
        print(f"{about.title} is left out: {about.module} is not installed (make bench-setup)")
        return
    for seed in range(about.seeds if most is None else min(most, about.seeds)):
        _measure(table, peer, about, seed, again=again)


def _measure(table: str, peer: str, entry: Peer, seed: int, *, again: bool) -> None:
    """Measures unless it is kept, or in spite of it; a failure is printed, and the others continue."""
    versions = kept.versions(entry)
    about = table, peer, seed, versions, machine(), os.getloadavg()[0]
    key = Result(*about, {}, 0.0).key
    if not again and any(one.key == key for one in kept.results()):
        print(f"{table}, {entry.title}, seed {seed}: kept")
        return
    command = [sys.executable, "-m", "benchmarks.quality.worker", table, peer, str(seed)]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    if ended.returncode:
        print(f"{table}, {entry.title}, seed {seed} failed:\n{ended.stderr[-2000:]}")
        return
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    kept.keep(Result(*about, found["scores"], found["seconds"]))
    shown = next(f"{name} {found['scores'][name]:.5g}" for name in LOSSES if name in found["scores"])
    print(f"{table}, {entry.title}, seed {seed}: {shown} in {found['seconds']:.1f} s", flush=True)
