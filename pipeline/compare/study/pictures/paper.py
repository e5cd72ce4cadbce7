"""Layout of the plots: diagrams side by side under the question, with labels at the ends of lines."""

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
LABEL_ROOM = 0.055  # minimum distance of two labels, as a share of the diagram's height


def sheet(question: str, n_panels: int, height: float = 4.5) -> tuple[Figure, list[Axes]]:
    """Makes an empty figure with diagrams side by side.

    Args:
        question: Title of the figure.
        n_panels: Number of diagrams.
        height: Height in inches.
    """
    figure = Figure(figsize=(6.2 * n_panels, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, n_panels, squeeze=False)[0].tolist()
    figure.suptitle("\n".join(textwrap.wrap(question, 68 * n_panels)))
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def axis_name(quantities: Sequence[str], target_loss: float | None) -> str:
    """Returns the label of an axis: its quantity, or what several quantities have in common.

    Args:
        quantities: Quantities on the axis.
        target_loss: The loss to reach, of quantities up to it.
    """
    return words.name(quantities[0], target_loss) if len(quantities) == 1 else words.of_several(quantities)


def color(quantity: str, number: int, n_lines: int) -> str | tuple[float, ...]:
    """Returns a color: by the split for a single line, else by the line, in shades for many lines.

    Args:
        quantity: The quantity.
        number: Index of the line.
        n_lines: Number of lines.
    """
    if n_lines == 1:
        return PART_COLORS.get(quantity.partition("_")[0], f"C{4 + number}")
    return f"C{number}" if n_lines <= 6 else colormaps["viridis"](0.9 * number / (n_lines - 1))


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str | tuple[float, ...]]]) -> None:
    """Writes each line's name next to its last point, without overlap.

    Args:
        axes: The diagram.
        ends: Last points `(x, y, name, color)`.
    """
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
    """Moves ascending heights as little as possible to be LABEL_ROOM apart; their mean stays."""
    steps = LABEL_ROOM * np.arange(len(heights))
    placed = np.maximum.accumulate(heights - steps) + steps
    return placed + (heights - placed).mean()
