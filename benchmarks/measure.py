"""Lets the peers train in turns, some epochs each, so that all of them meet the same state of the machine."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from benchmarks.works import Work

TURNS = 3
PAUSE_SECONDS = 0.5  # between turns, in which the threads of the last one go to sleep


@dataclass(frozen=True)
class Measured:
    """What a peer needed for a work."""

    peer: str
    first: float  # seconds of the first epoch
    median: float  # seconds of a counted epoch
    rows_per_second: float
    share_of_peak: float  # of the machine's matrix multiplication
    loss: float  # of the training rows, in the end
    memory: float  # bytes, at most


def measure(
    work: Work, peers: Sequence[str], peak: float, say: Callable[[str], None]
) -> tuple[list[Measured], list[str]]:
    """Runs peers on a work; gives what was measured, and who was left out and why.

    `peak` is what the machine can do, in floating-point operations per second.
    """
    modules = {peer: importlib.import_module(f"benchmarks.peers.{peer}") for peer in peers}
    left_out = [reason for module in modules.values() if (reason := _reason_against(module, work))]
    workers = {
        peer: _start(peer, work, TURNS * work.epochs_per_turn)
        for peer, module in modules.items()
        if _reason_against(module, work) is None
    }
    seconds: dict[str, list[float]] = {peer: [] for peer in workers}
    try:
        for turn in range(TURNS):
            for peer, worker in workers.items():
                seconds[peer] += [_epoch(worker, peer) for _ in range(work.epochs_per_turn)]
                say(f"{work.name}, turn {turn + 1}/{TURNS}, {modules[peer].NAME}: {seconds[peer][-1]:.4g} s an epoch")
                time.sleep(PAUSE_SECONDS)
        ends = {peer: _answer(worker, peer) for peer, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    return [_measured(modules[peer].NAME, work, seconds[peer], end, peak) for peer, end in ends.items()], left_out


def matmul_flops(size: int = 2048, repeats: int = 12) -> float:
    """Operations per second of a float32 matrix product in numpy, the best of some."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        np.matmul(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _reason_against(module: ModuleType, work: Work) -> str | None:
    if importlib.util.find_spec(module.NEEDS) is None:
        return f"{module.NAME}: {module.NEEDS} is not installed (make bench-setup)"
    lack = module.lacks(work)
    return f"{module.NAME}: has no {lack}" if lack else None


def _measured(name: str, work: Work, seconds: list[float], end: dict[str, float], peak: float) -> Measured:
    # The first of a turn does not count: it compiles, or wakes sleeping cores and cold caches.
    counted = [value for number, value in enumerate(seconds) if number % work.epochs_per_turn]
    rate = end["rows"] / statistics.median(counted)
    return Measured(
        peer=name,
        first=seconds[0],
        median=statistics.median(counted),
        rows_per_second=rate,
        share_of_peak=rate * work.flops_per_row() / peak,
        loss=end["loss"],
        memory=end["memory"],
    )


def _start(peer: str, work: Work, total: int) -> subprocess.Popen[str]:
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "benchmarks.worker", peer, work.name, str(total)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet
    )


def _epoch(worker: subprocess.Popen[str], peer: str) -> float:
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    return _answer(worker, peer)["seconds"]


def _answer(worker: subprocess.Popen[str], peer: str) -> dict[str, float]:
    assert worker.stdout is not None
    assert worker.stderr is not None
    line = worker.stdout.readline()
    if not line:
        sys.exit(f"{peer} ended early:\n{worker.stderr.read()[-3000:]}")
    return json.loads(line)
