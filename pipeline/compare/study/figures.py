"""Figures of a study: every quantity of each point of each line, per repetition."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.compare.study import words
from pipeline.compare.study.words import Position
from pipeline.config import direction
from pipeline.config.studies import REPEATS, Study
from pipeline.errors import ConfigError, TrainingError

if TYPE_CHECKING:
    from pipeline.track.study_results import StudiedSweep, StudyTrial


@dataclass(frozen=True, eq=False)
class Point:
    """The results at one value of the axis."""

    position: Position
    values: Mapping[str, np.ndarray]  # by quantity, `(n_repeats,)`; NaN if a run failed or did not reach it
    tuned: tuple[str, ...]  # best values of the keys in `best_of`
    trials: tuple[StudyTrial | None, ...]  # one per repetition; None if the run failed

    def mean(self, quantity: str) -> float:
        """Returns the mean over the repetitions with the quantity; NaN if there are none."""
        known = self._known(quantity)
        return float(known.mean()) if len(known) else math.nan

    def deviation(self, quantity: str) -> float:
        """Returns the standard deviation over the repetitions; 0 for one."""
        known = self._known(quantity)
        return float(known.std(ddof=1)) if len(set(known)) > 1 else 0.0

    @property
    def n_failed(self) -> int:
        """Number of repetitions without a result."""
        return sum(trial is None for trial in self.trials)

    def _known(self, quantity: str) -> np.ndarray:
        values = self.values[quantity]
        return values[np.isfinite(values)]


@dataclass(frozen=True)
class Line:
    """Points from left to right; a study without `lines` has one line, without a name."""

    name: str
    points: tuple[Point, ...]

    @property
    def finished(self) -> tuple[Point, ...]:
        """The points with at least one finished run."""
        return tuple(point for point in self.points if any(point.trials))


def gather(study: Study, sweep: StudiedSweep) -> list[Line]:
    """Arranges the runs of a sweep as points of lines, each point at its best tuned values.

    Args:
        study: The study.
        sweep: Its runs.

    Raises:
        TrainingError: No run finished.
    """
    if not any(trial.is_finished for trial in sweep.trials):
        raise TrainingError("no run of this study finished; see their errors above or in MLflow")
    repeats = sorted({_repeat(trial) for trial in sweep.trials})
    lines: dict[str, dict[str, dict[tuple[str, ...], dict[str, StudyTrial]]]] = {}
    # A resumed sweep can hold a job twice: failed, then finished.
    for trial in sorted(sweep.trials, key=lambda trial: trial.is_finished):
        tuned = tuple(trial.params[key] for key in study.best_of)
        points = lines.setdefault(_name(study.lines, trial), {})
        points.setdefault(trial.params[study.axis.key], {}).setdefault(tuned, {})[_repeat(trial)] = trial
    found = []
    for name, points in lines.items():
        made = [_point(study, sweep, value, choices, repeats) for value, choices in points.items()]
        if study.axis.reads != "word":
            made.sort(key=lambda point: point.position)
        found.append(Line(name, tuple(made)))
    return found


def _repeat(trial: StudyTrial) -> str:
    return " ".join(f"{trial.params[key]:>4}" for key in REPEATS)


def _name(keys: Sequence[str], trial: StudyTrial) -> str:
    """Returns the values that distinguish a line, with the key's name if a value is not self-explanatory."""
    parts = []
    for key in keys:
        value, leaf = trial.params[key], key.rpartition(".")[2].replace("_", " ")
        if value not in ("null", "false"):
            parts.append(leaf if value == "true" else value if value[0].isalpha() else f"{leaf} {value}")
        elif len(keys) == 1:
            parts.append(f"no {leaf}")
    return ", ".join(parts)


def _point(
    study: Study,
    sweep: StudiedSweep,
    value: str,
    choices: dict[tuple[str, ...], dict[str, StudyTrial]],
    repeats: list[str],
) -> Point:
    tuned = min(choices, key=lambda choice: _badness(study, sweep, choices[choice], repeats))
    trials = tuple(
        trial if (trial := choices[tuned].get(repeat)) is not None and trial.is_finished else None for repeat in repeats
    )
    values = {
        quantity: np.array([math.nan if trial is None else _value(quantity, study, sweep, trial) for trial in trials])
        for quantity in study.quantities
    }
    return Point(_position(study, value, sweep.n_rows_train), values, tuned, trials)


def _badness(study: Study, sweep: StudiedSweep, trials: dict[str, StudyTrial], repeats: list[str]) -> tuple[int, float]:
    """Returns the cost of tuned values: first the repetitions without a result, then the mean of the others."""
    finished = [trials[repeat] for repeat in repeats if repeat in trials and trials[repeat].is_finished]
    if study.best_by == "objective":
        values = np.array([trial.metrics["objective"] for trial in finished])
        way = direction(finished[0].params["objective"]) if finished else None
    else:
        values = np.array([_value(study.best_by, study, sweep, trial) for trial in finished])
        way = words.better(study.best_by)
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else math.inf
    return len(repeats) - len(known), -mean if way == "maximize" else mean


def _position(study: Study, value: str, n_rows_train: int) -> Position:
    """Returns the position of a value on the axis.

    Raises:
        ConfigError: The value is not the number or the list of layers that the study reads.
    """
    if study.axis.reads == "word":
        return {"null": "off", "true": "on", "false": "off"}.get(value, value)
    try:
        if study.axis.reads == "value":
            return float(n_rows_train if value == "full" else value)
        layers = json.loads(value)
        return float(len(layers) if study.axis.reads == "depth" else layers[0] if layers else 0)
    except (ValueError, TypeError):
        reads = study.axis.reads
        raise ConfigError(f"study.axis.reads: {study.axis.key}={value} has no {reads}; use reads: word") from None


def _value(quantity: str, study: Study, sweep: StudiedSweep, trial: StudyTrial) -> float:
    if quantity in FROM_EPOCHS:
        assert study.target_loss is not None
        return FROM_EPOCHS[quantity](sweep, trial, study.target_loss)
    return trial.metrics.get(quantity, math.nan)


def _epochs_to_loss(sweep: StudiedSweep, trial: StudyTrial, loss: float) -> float:
    reached = np.flatnonzero(np.array(sweep.history(trial, "val_loss")) <= loss)
    return float(reached[0] + 1) if len(reached) else math.nan


def _seconds_to_loss(sweep: StudiedSweep, trial: StudyTrial, loss: float) -> float:
    """Sums seconds up to the first epoch that reached the loss; epoch 1, which compiles, counts as the median."""
    n_epochs = _epochs_to_loss(sweep, trial, loss)
    if math.isnan(n_epochs):
        return n_epochs
    seconds = sweep.history(trial, "epoch_seconds")[: int(n_epochs)]
    return trial.metrics["seconds_per_epoch"] + sum(seconds[1:])


FROM_EPOCHS: dict[str, Callable[[StudiedSweep, StudyTrial, float], float]] = {
    "epochs_to_loss": _epochs_to_loss,
    "seconds_to_loss": _seconds_to_loss,
}
