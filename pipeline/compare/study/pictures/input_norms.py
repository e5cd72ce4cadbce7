"""The weight norm of each input of a network, relative to the largest."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pipeline.compare.study import words
from pipeline.compare.study.figures import Line
from pipeline.compare.study.pictures import paper
from pipeline.compare.study.used_inputs import shares
from pipeline.config.studies import Study
from pipeline.evaluate.sparsity import NEGLIGIBLE
from pipeline.track.study_results import StudiedSweep

MAX_INPUTS = 40  # inputs with a label


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Figure:
    """Draws a row per input, longest-lasting on top; blank if it is close to zero in every repetition.

    Args:
        study: The study.
        lines: Its figures.
        sweep: Its runs.
    """
    shown_lines = [line for line in lines if line.finished]
    figure, every = paper.sheet(study.question, len(shown_lines), height=6)
    for axes, line in zip(every, shown_lines, strict=True):
        names, table = _shares(line, sweep)
        shown = np.ma.masked_less_equal(table, NEGLIGIBLE)
        image = axes.pcolormesh(shown, norm=LogNorm(NEGLIGIBLE, 1), cmap="Blues", edgecolors="white", linewidth=0.5)
        positions = [words.position(point.position) for point in line.finished]
        axes.set_xticks(np.arange(len(positions)) + 0.5, positions)
        axes.invert_yaxis()
        if len(names) <= MAX_INPUTS:
            axes.set_yticks(np.arange(len(names)) + 0.5, names)
        axes.set(xlabel=study.axis.label, title=line.name)
        figure.colorbar(image, ax=axes, label="norm of an input's weights, relative to the largest")
    return figure


def _shares(line: Line, sweep: StudiedSweep) -> tuple[list[str], np.ndarray]:
    """Returns the names of the inputs, longest-lasting first, and their shares `(n_inputs, n_points)`."""
    columns = [shares(point, sweep) for point in line.finished]
    names = list(columns[0])
    table = np.array([[column[name] for column in columns] for name in names])
    order = np.lexsort((-table.sum(axis=1), -(table > NEGLIGIBLE).sum(axis=1)))
    return [names[number] for number in order], table[order]
