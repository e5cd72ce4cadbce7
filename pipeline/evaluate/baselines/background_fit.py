"""Fits baselines in a separate process, in parallel with the import of TensorFlow and training."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import Config
from pipeline.config.rules import Baseline, chosen_baselines
from pipeline.data import Dataset, InMemory
from pipeline.evaluate.baselines.baseline_cache import CachedScores, CacheEntry, place_of
from pipeline.evaluate.baselines.request import Job, fault_of
from pipeline.runtime.process import module_path
from pipeline.runtime.threads import usable_cpus

log = logging.getLogger(__name__)

MAX_TOLD = 200  # characters of an error that are logged


@dataclass(frozen=True)
class BackgroundFit:
    """Baselines that are cached or being fitted."""

    places: Mapping[Baseline, CacheEntry]
    seconds: float
    begun: float = field(default_factory=time.monotonic)
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None

    def collect(self) -> dict[Baseline, CachedScores]:
        """Waits for the baselines up to their time limit, and logs those that are missing."""
        self._wait()
        found = {name: place.get() for name, place in self.places.items()}
        for name, scored in found.items():
            if scored is None:
                log.warning("baseline %s is left out: %s", name, self._reason(name))
        return {name: scored for name, scored in found.items() if scored is not None}

    def _wait(self) -> None:
        """Ends the process at the time limit, and records the unfinished baselines, so that later runs skip them."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, self.begun + self.seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            for name, place in self.places.items():
                if place.get() is None and self._fault(name) is None:
                    place.give_up(self.seconds)

    def _reason(self, name: Baseline) -> str:
        if fault := self._fault(name):
            return fault
        if (seconds := self.places[name].given_up_after) >= self.seconds:
            return f"it did not finish within {seconds:g} s; set a larger baseline_seconds to try again"
        return f"its process ended with exit code {None if self.process is None else self.process.returncode}"

    def _fault(self, name: Baseline) -> str | None:
        if self.folder is None or not (file := fault_of(name, self.folder)).exists():
            return None
        return file.read_text(encoding="utf-8").partition("\n")[0][:MAX_TOLD]


@contextlib.contextmanager
def in_background(config: Config, dataset: Dataset) -> Iterator[BackgroundFit]:
    """Fits the baselines of a run that are not cached; a process that is still running at the end is stopped.

    Args:
        config: The experiment.
        dataset: Its rows.
    """
    names, seconds = chosen_baselines(config), config.baseline_seconds
    if names and not isinstance(dataset, InMemory):
        log.info("baselines are left out: they need all rows in memory (use data.streaming=off)")
    if not names or not isinstance(dataset, InMemory):
        yield BackgroundFit({}, seconds)
        return
    places = {name: place_of(name, dataset, config.data) for name in names}
    missing = {name: place for name, place in places.items() if _is_to_be_tried(place, seconds)}
    if not missing:
        yield BackgroundFit(places, seconds)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        plain = InMemory(dataset.rows, dataset.n_rows, dataset.hashes)  # without the cached splits
        Job(missing, plain, config.data).write(folder)
        with _started(folder) as process:
            yield BackgroundFit(places, seconds, process=process, folder=folder)


def _is_to_be_tried(place: CacheEntry, seconds: float) -> bool:
    return place.given_up_after < seconds and place.get() is None


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the process with all CPUs but one; its threads sleep while waiting, because training needs the CPUs."""
    threads = {"OMP_NUM_THREADS": str(max(1, usable_cpus() - 1)), "OMP_WAIT_POLICY": "PASSIVE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.evaluate.baselines.fit_process", str(folder)],
        env=threads | os.environ | {"PYTHONPATH": module_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches the parent process only
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
