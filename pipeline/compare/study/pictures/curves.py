"""Quantities over a numeric axis: the mean over repetitions, with a band of one standard deviation."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.compare.study import words
from pipeline.compare.study.conclusions import measured, turning_point
from pipeline.compare.study.figures import Line
from pipeline.compare.study.pictures import paper
from pipeline.config.studies import Study
from pipeline.track.study_results import StudiedSweep


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Figure:
    """Draws a diagram per panel; a ring marks a turning point, a hollow dot a point that some runs did not reach.

    Args:
        study: The study.
        lines: Its figures.
        sweep: Its runs.
    """
    figure, every = paper.sheet(study.question, len(study.panels))
    for axes, panel in zip(every, study.panels, strict=True):
        _scale(axes, study, lines)
        axes.set_yscale(panel.scale)
        axes.set_xlabel(study.axis.label)
        axes.set_ylabel(paper.axis_name(panel.quantities, study.target_loss))
        ends = [
            _curve(axes, study, line, quantity, paper.color(quantity, n + m, len(lines)), len(panel.quantities))
            for n, line in enumerate(lines)
            for m, quantity in enumerate(panel.quantities)
        ]
        figure.canvas.draw()  # the ends of lines are known once the axes have limits
        paper.label_ends(axes, ends)
    return figure


def _curve(
    axes: Axes, study: Study, line: Line, quantity: str, shade: str | tuple[float, ...], n_quantities: int
) -> tuple[float, float, str, str | tuple[float, ...]]:
    """Draws a line with its band; returns its end, name and color."""
    x = np.array([point.position for point in line.points], dtype=float)
    mean = np.array([point.mean(quantity) for point in line.points])
    deviation = np.array([point.deviation(quantity) for point in line.points])
    axes.plot(x, mean, marker="o", markersize=4, color=shade)
    complete = measured(line.points, quantity)
    missing = np.array([point not in complete for point in line.points], dtype=bool)
    axes.plot(x[missing], mean[missing], "o", markersize=4, color=shade, markerfacecolor="white")
    lowest = mean - deviation
    if axes.get_yscale() == "log":
        lowest = np.maximum(lowest, mean / 10)  # a logarithmic axis cannot show a band below zero
    axes.fill_between(x, lowest, mean + deviation, color=shade, alpha=0.15, linewidth=0)
    turn = turning_point(line.points, quantity)
    if turn:
        axes.plot(turn.position, turn.mean(quantity), "o", markersize=11, fillstyle="none", color=shade)
    known = np.flatnonzero(np.isfinite(mean))
    last = known[-1] if len(known) else 0
    parts = [line.name, words.name(quantity, study.target_loss) if n_quantities > 1 else ""]
    return x[last], mean[last], ", ".join(part for part in parts if part), shade


def _scale(axes: Axes, study: Study, lines: list[Line]) -> None:
    """Sets a logarithmic axis, linear near 0 if a value is 0 and throughout if all are, with ticks at the points."""
    positions = sorted({float(point.position) for line in lines for point in line.points})
    positive = [position for position in positions if position > 0]
    if study.axis.scale == "log" and positive:
        if len(positive) < len(positions):
            axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        else:
            axes.set_xscale("log")
    shown = positions if len(positions) <= 12 else positions[:: -(-len(positions) // 12)]
    axes.set_xticks(shown, [f"{position:g}" for position in shown], rotation=45 if len(shown) > 8 else 0)
    axes.minorticks_off()
