"""Losses over epochs: a line per point of the study, averaged over repetitions."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from pipeline.compare.study import words
from pipeline.compare.study.figures import Line, Point
from pipeline.compare.study.pictures import paper
from pipeline.config.studies import Study
from pipeline.track.study_results import StudiedSweep

LOSSES = {"loss": "training loss", "val_loss": "validation loss"}


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Figure:
    """Draws training loss on the left and validation loss on the right.

    Args:
        study: The study.
        lines: Its figures.
        sweep: Its runs.
    """
    figure, every = paper.sheet(study.question, len(LOSSES))
    named = [(_name(line, point), point) for line in lines for point in line.finished]
    for axes, (loss, label) in zip(every, LOSSES.items(), strict=True):
        ends = []
        for number, (name, point) in enumerate(named):
            mean = _mean_curve(point, sweep, loss)
            shade = paper.color("", number, max(2, len(named)))
            axes.plot(np.arange(1, len(mean) + 1), mean, color=shade, linewidth=1.2)
            ends.append((len(mean), mean[-1], name, shade))
        axes.set(xlabel="epoch", ylabel=label, yscale="log")
        figure.canvas.draw()
        paper.label_ends(axes, ends)
    return figure


def _name(line: Line, point: Point) -> str:
    return ", ".join(part for part in (line.name, words.position(point.position)) if part)


def _mean_curve(point: Point, sweep: StudiedSweep, loss: str) -> np.ndarray:
    """Averages the loss over the repetitions that were still training in each epoch."""
    curves = [sweep.history(trial, loss) for trial in point.trials if trial is not None]
    length = max(map(len, curves))
    table = np.array([curve + [math.nan] * (length - len(curve)) for curve in curves])
    return np.nanmean(table, axis=0)
