"""The card's charts; values that are not finite are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pipeline.export.card.reliability import Bin
from pipeline.runtime.pages.axis import Axis, linear, of_epochs
from pipeline.runtime.pages.chart import Chart, Mark

LOSSES = {"loss": ("training", "c0"), "val_loss": ("validation", "c1")}

Points = list[tuple[float, float]]


def losses(epochs: Sequence[Mapping[str, float]]) -> Chart:
    """Of training and validation, epoch by epoch."""
    lines = {key: _finite(enumerate((epoch[key] for epoch in epochs), 1)) for key in LOSSES if key in epochs[0]}
    every = [loss for line in lines.values() for _, loss in line]
    chart = Chart(of_epochs(len(epochs)), _around(every), x_title="epoch", y_title="loss")
    for key, line in lines.items():
        chart.line(line, LOSSES[key][1])
    return chart.legend({name: css for key, (name, css) in LOSSES.items() if key in lines})


def scatter(name: str, truth: np.ndarray, predicted: np.ndarray) -> Chart:
    """Predictions by targets, and where both are equal.

    Args:
        name: Of the target.
        truth: Targets `(n_rows,)`.
        predicted: Predictions `(n_rows,)`.
    """
    points = _finite(zip(truth.tolist(), predicted.tolist(), strict=True))
    targets = [target for target, _ in points]
    x, y = _around(targets), _around([number for point in points for number in point])
    ends = [(end, end) for end in (min(targets, default=0.0), max(targets, default=1.0))]
    chart = Chart(x, y, x_title=name, y_title="prediction")
    return chart.line(ends, "reference").marks([Mark(*point) for point in points]).legend({"equal": "reference"})


def reliability_curve(bins: Sequence[Bin]) -> Chart:
    """How often the most probable class is right, by how sure the model is of it."""
    points = [(entry.confidence, entry.accuracy) for entry in bins]
    chart = Chart(linear(0, 1), linear(0, 1), x_title="confidence", y_title="accuracy")
    chart.line([(0.0, 0.0), (1.0, 1.0)], "reference").line(points, "c1").marks(
        [Mark(*point, css="c1") for point in points]
    )
    return chart.legend({"as sure as right": "reference"})


def _around(values: Sequence[float]) -> Axis:
    return linear(min(values, default=0.0), max(values, default=1.0))


def _finite(points: Iterable[tuple[float, float]]) -> Points:
    return [point for point in points if np.isfinite(point).all()]
