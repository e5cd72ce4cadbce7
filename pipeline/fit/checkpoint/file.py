"""The checkpoint file: arrays and JSON in a zip archive, whose checksums detect damage."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.runtime.atomic_files import lasting_file

FORMAT = 1
# What numpy and zipfile raise for a file that is truncated, damaged or not a checkpoint.
UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)

Epochs = list[dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch."""

    run_id: str  # of MLflow
    origins: dict[str, str]  # what the numbers depend on apart from the configuration, by name
    seconds: float  # of training
    epochs: Epochs  # losses, metrics, learning rate and seconds of each finished epoch
    weights: list[np.ndarray]  # variables of the trained model, including its random generators
    optimizer: list[np.ndarray] = field(default_factory=list)  # variables of the optimizer
    best: list[np.ndarray] | None = None  # weights of the best epoch so far
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)  # their state, by class name
    is_trained: bool = False  # training has finished
    best_epoch: int | None = None  # epoch whose weights are kept, from 1, if training has finished

    def write(self, path: Path) -> None:
        """Writes the file atomically, and flushes it to disk.

        Raises:
            OSError: The file cannot be written.
        """
        about = {
            "format": FORMAT, "run_id": self.run_id, "origins": self.origins, "seconds": self.seconds,
            "callbacks": self.callbacks, "is_trained": self.is_trained, "best_epoch": self.best_epoch,
            "n_epochs": len(self.epochs),
        }  # fmt: skip
        arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        arrays |= _numbered("weights", self.weights) | _numbered("optimizer", self.optimizer)
        arrays |= _numbered("best", self.best or []) | _by_value(self.epochs)
        with lasting_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Reads a file that `write` made.

        Raises:
            ValueError: The file is damaged or has another format version; the message says which.
        """
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(arrays.pop("about").tobytes())
            if about.pop("format") != FORMAT:
                raise ValueError("another version of the format")
            epochs = _by_epoch(arrays, about.pop("n_epochs"))
            best = _in_order("best", arrays) or None
            return cls(
                **about, epochs=epochs, best=best, weights=_in_order("weights", arrays),
                optimizer=_in_order("optimizer", arrays),
            )  # fmt: skip
        except UNREADABLE as error:
            raise ValueError(f"checkpoint {path} cannot be read: {str(error) or type(error).__name__}") from None


def _numbered(name: str, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}/{number:05d}": array for number, array in enumerate(arrays)}


def _in_order(name: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}/")]


def _by_value(epochs: Epochs) -> dict[str, np.ndarray]:
    """Returns an array `(n_epochs,)` for each value: JSON of 100 000 epochs would take seconds."""
    return {f"epochs/{name}": np.array([epoch[name] for epoch in epochs]) for name in (epochs[0] if epochs else {})}


def _by_epoch(arrays: Mapping[str, np.ndarray], n_epochs: int) -> Epochs:
    values = {key.removeprefix("epochs/"): arrays[key].tolist() for key in arrays if key.startswith("epochs/")}
    return [{name: series[number] for name, series in values.items()} for number in range(n_epochs)]
