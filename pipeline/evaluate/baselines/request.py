"""The request to the process that fits baselines."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.rules import Baseline, Data
from pipeline.data import InMemory
from pipeline.evaluate.baselines.baseline_cache import CacheEntry


@dataclass(frozen=True)
class Job:
    """Baselines to compute, and the rows to compute them on."""

    places: dict[Baseline, CacheEntry]
    dataset: InMemory
    config: Data

    def write(self, folder: Path) -> None:
        """Writes the request to a folder for the other process."""
        with _file(folder).open("wb") as file:
            pickle.dump(self, file, pickle.HIGHEST_PROTOCOL)

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Reads what `write` wrote."""
        with _file(folder).open("rb") as file:
            job = pickle.load(file)
        assert isinstance(job, cls)
        return job


def fault_of(name: Baseline, folder: Path) -> Path:
    """Returns the path of the file with a baseline's error.

    Args:
        name: Name of the baseline.
        folder: Folder of the request.
    """
    return folder / f"{name}.txt"


def _file(folder: Path) -> Path:
    return folder / "job.pickle"
