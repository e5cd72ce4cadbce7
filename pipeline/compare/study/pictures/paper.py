"""What the pictures are drawn on: diagrams beside each other under the question, lines labelled where they end."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.compare.study import words

PART_COLORS = {"train": "tab:blue", "val": "tab:orange", "test": "tab:green", "gap": "tab:red"}
LABEL_ROOM = 0.055  # least distance of two labels, as a share of the diagram's height


def sheet(question: str, n_panels: int, height: float = 4.5) -> tuple[Figure, list[Axes]]:
    """An empty figure with diagrams beside each other."""
    figure = Figure(figsize=(6.2 * n_panels, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, n_panels, squeeze=False)[0].tolist()
    figure.suptitle("\n".join(textwrap.wrap(question, 68 * n_panels)))
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def axis_name(quantities: Sequence[str], target_loss: float | None) -> str:
    """Of the quantity that an axis shows, or of what several have in common."""
    return words.name(quantities[0], target_loss) if len(quantities) == 1 else words.of_several(quantities)


def color(quantity: str, number: int, n_lines: int) -> str | tuple[float, ...]:
    """By the part of the data where there is one line; else by the line, shades from dark to light where many."""
    if n_lines == 1:
        return PART_COLORS.get(quantity.partition("_")[0], f"C{4 + number}")
    return f"C{number}" if n_lines <= 6 else colormaps["viridis"](0.9 * number / (n_lines - 1))


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str | tuple[float, ...]]]) -> None:
    """Writes each line's name beside its last point `(x, y, name, color)`, apart enough to be read."""
    known = [end for end in ends if np.isfinite(end[1])]
    if not known:
        return
    to_axes = axes.transAxes.inverted()
    heights = np.array([to_axes.transform(axes.transData.transform((x, y)))[1] for x, y, _, _ in known])
    for index, height in zip(np.argsort(heights), _apart(np.sort(heights)), strict=True):
        _, _, name, shade = known[index]
        axes.annotate(
            name, (1.01, height), xycoords="axes fraction", color=shade, va="center", ha="left", fontsize="small"
        )


def _apart(heights: np.ndarray) -> np.ndarray:
    """Rising heights moved as little as it takes to be LABEL_ROOM apart; they keep their middle."""
    steps = LABEL_ROOM * np.arange(len(heights))
    placed = np.maximum.accumulate(heights - steps) + steps
    return placed + (heights - placed).mean()
