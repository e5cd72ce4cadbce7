"""Baselines that were computed before: they follow from rows, split and versions, and runs of a sweep share them."""

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

RECIPE = 1  # to be raised where the same rows would give other baselines than before


@dataclass(frozen=True)
class CachedScores:
    """What a baseline came to."""

    scores: Scores  # `train_rmse`, `val_rmse`, ... as a run has them
    val: np.ndarray  # (n_rows, n) predictions or probabilities of the validation rows


@dataclass(frozen=True)
class CacheEntry:
    """The file of a baseline."""

    path: Path

    def get(self) -> CachedScores | None:
        """What is kept; None where there is nothing yet."""
        with contextlib.suppress(FileNotFoundError), np.load(self.path, allow_pickle=False) as kept:
            return CachedScores(json.loads(str(kept["scores"])), kept["val"])
        return None

    def put(self, found: Evaluation) -> None:
        """Keeps it."""
        outputs = found.outputs["val"]
        with whole_file(self.path) as path, path.open("wb") as file:
            (val,) = outputs.values()
            np.savez(file, scores=np.array(json.dumps(found.scores)), val=val)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Waits until no other process computes it."""
        with locked(self.path.with_suffix(".lock")):
            yield

    @property
    def given_up_after(self) -> float:
        """Seconds that were not enough once; 0 where that never happened."""
        try:
            return float(self.path.with_suffix(".gave_up").read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0.0

    def give_up(self, seconds: float) -> None:
        """Keeps later runs from trying the same for no longer."""
        with whole_file(self.path.with_suffix(".gave_up")) as path:
            path.write_text(str(seconds), encoding="ascii")


def place_of(name: Baseline, dataset: Dataset, config: Data) -> CacheEntry:
    """Where the baseline of these rows lies, or will lie; the folder is made."""
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
