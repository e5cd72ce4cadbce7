"""A cache of baselines: they depend on rows, split and versions, and the runs of a sweep share them."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pipeline.config import mlruns
from pipeline.config.rules import Baseline, Data
from pipeline.data import Dataset
from pipeline.evaluate import Evaluation, Scores
from pipeline.runtime.atomic_files import whole_file
from pipeline.runtime.locks import locked

RECIPE = 1  # increase it when a change of the code changes the baselines


@dataclass(frozen=True)
class CachedScores:
    """Scores and validation predictions of a baseline."""

    scores: Scores  # `train_rmse`, `val_rmse`, ... as in a run
    val: np.ndarray  # (n_rows, n) predictions or probabilities of the validation rows


@dataclass(frozen=True)
class CacheEntry:
    """The cache file of a baseline."""

    path: Path

    def get(self) -> CachedScores | None:
        """Reads the cached scores; None if there are none."""
        with contextlib.suppress(FileNotFoundError), np.load(self.path, allow_pickle=False) as kept:
            return CachedScores(json.loads(str(kept["scores"])), kept["val"])
        return None

    def put(self, found: Evaluation) -> None:
        """Writes scores and validation predictions to the cache."""
        outputs = found.outputs["val"]
        with whole_file(self.path) as path, path.open("wb") as file:
            (val,) = outputs.values()
            np.savez(file, scores=np.array(json.dumps(found.scores)), val=val)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Locks the entry, so that only one process computes it."""
        with locked(self.path.with_suffix(".lock")):
            yield

    @property
    def given_up_after(self) -> float:
        """Returns the longest time limit, in seconds, that was too short; 0 if none was."""
        try:
            return float(self.path.with_suffix(".gave_up").read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0.0

    def give_up(self, seconds: float) -> None:
        """Records a time limit that was too short, so that later runs try only with a longer one."""
        with whole_file(self.path.with_suffix(".gave_up")) as path:
            path.write_text(str(seconds), encoding="ascii")


def place_of(name: Baseline, dataset: Dataset, config: Data) -> CacheEntry:
    """Returns the cache entry of a baseline of these rows, and makes its folder.

    Args:
        name: Name of the baseline.
        dataset: The rows.
        config: The data section.
    """
    follows_from = [
        RECIPE,
        name,
        dataset.rows.target.task,
        dataset.fingerprint,
        {part: dataset.fingerprint_of(part) for part in dataset.n_rows},
        config.column_kinds,
        {package: version(package) for package in ("dense-pipeline", "scikit-learn", "numpy")},
    ]
    digest = hashlib.sha256(json.dumps(follows_from, sort_keys=True).encode()).hexdigest()[:16]
    folder = mlruns() / "baselines"
    folder.mkdir(parents=True, exist_ok=True)
    return CacheEntry(folder / f"{name}-{digest}.npz")
