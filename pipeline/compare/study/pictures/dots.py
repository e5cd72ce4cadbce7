"""Quantities of unordered options: a dot per repetition, and the mean with one standard deviation."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.compare.study import words
from pipeline.compare.study.figures import Line
from pipeline.compare.study.pictures import paper
from pipeline.config.studies import Panel, Study
from pipeline.track.study_results import StudiedSweep

ROW_HEIGHT = 0.42  # inches


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Figure:
    """Draws a diagram per panel, with one row per option.

    Args:
        study: The study.
        lines: Its figures.
        sweep: Its runs.
    """
    options = list(dict.fromkeys(str(point.position) for line in lines for point in line.points))
    height = 1.6 + ROW_HEIGHT * len(options) * max(1, len(lines) / 2)
    figure, every = paper.sheet(study.question, len(study.panels), height)
    for axes, panel in zip(every, study.panels, strict=True):
        axes.set_xscale(panel.scale)
        axes.set_yticks(range(len(options)), options)
        axes.invert_yaxis()
        axes.set_ylabel(study.axis.label)
        axes.grid(axis="y", linestyle=":", alpha=0.5)
        _rows(axes, study, panel, lines, options)
    return figure


def _rows(axes: Axes, study: Study, panel: Panel, lines: list[Line], options: list[str]) -> None:
    series = [(line, quantity) for line in lines for quantity in panel.quantities]
    for number, (line, quantity) in enumerate(series):
        shade = paper.color(quantity, number, len(lines))
        offset = 0.6 * ((number + 0.5) / len(series) - 0.5)
        parts = [line.name, words.name(quantity, study.target_loss) if len(panel.quantities) > 1 else ""]
        label = ", ".join(part for part in parts if part)
        for point in line.points:
            row = options.index(str(point.position)) + offset
            values = point.values[quantity]
            axes.scatter(values, np.full(len(values), row), s=12, alpha=0.4, color=shade, linewidths=0)
            axes.errorbar(
                point.mean(quantity), row, xerr=point.deviation(quantity), fmt="o", markersize=6, capsize=3,
                color=shade, label=label,
            )  # fmt: skip
            label = "_"  # only the first dot gets a label
    axes.set_xlabel(paper.axis_name(panel.quantities, study.target_loss))
    if len(series) > 1:
        axes.legend(fontsize="small")
