"""Inputs that the networks of a study still use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.compare.study import words
from pipeline.evaluate.sparsity import NEGLIGIBLE

if TYPE_CHECKING:
    from pipeline.compare.study.figures import Line, Point
    from pipeline.track.study_results import StudiedSweep


def shares(point: Point, sweep: StudiedSweep) -> dict[str, float]:
    """Returns the weight norm of each input relative to the largest, averaged over repetitions.

    Args:
        point: A point of the study.
        sweep: Runs of the study.
    """
    return {name: float(values.mean()) for name, values in _of_repetitions(point, sweep).items()}


def sentence(line: Line, sweep: StudiedSweep) -> str:
    """Returns a sentence about the inputs in use at the line's last point, largest weight norm first.

    Args:
        line: A line of the study.
        sweep: Runs of the study.
    """
    point = line.finished[-1]
    every = _of_repetitions(point, sweep)
    kept = [name for name, values in every.items() if (values > NEGLIGIBLE).all()]
    gone = [name for name, values in every.items() if (values <= NEGLIGIBLE).all()]
    kept.sort(key=lambda name: -every[name].mean())
    at = f"At {words.position(point.position)}" + (f" ({line.name})" if line.name else "")
    return f"{at} the inputs that survive in every run are {_listed(kept)}; in none: {_listed(gone)}."


def _of_repetitions(point: Point, sweep: StudiedSweep) -> dict[str, np.ndarray]:
    found: dict[str, list[float]] = {}
    for trial in point.trials:
        if trial is not None:
            norms = sweep.inputs(trial)
            largest = max(norms.values()) or 1.0
            for name, norm in norms.items():
                found.setdefault(name, []).append(norm / largest)
    return {name: np.array(values) for name, values in found.items()}


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
