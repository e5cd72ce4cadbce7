"""Which inputs the networks of a study still look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.compare.study import words
from pipeline.evaluate.sparsity import NEGLIGIBLE

if TYPE_CHECKING:
    from pipeline.compare.study.figures import Line, Point
    from pipeline.track.study_results import StudiedSweep


def shares(point: Point, sweep: StudiedSweep) -> dict[str, float]:
    """Of each input, its weights' norm divided by that of the input that counts most; mean of the repetitions."""
    return {name: float(values.mean()) for name, values in _of_repetitions(point, sweep).items()}


def sentence(line: Line, sweep: StudiedSweep) -> str:
    """What is left of the inputs at the line's last point, those that count most first."""
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
    return ", ".join(names) or "no input"
