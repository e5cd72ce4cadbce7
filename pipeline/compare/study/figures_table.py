"""A study's figures as a table on screen and as CSV."""

from __future__ import annotations

import csv
import io

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.compare.study import words
from pipeline.compare.study.figures import Line, Point
from pipeline.config.studies import Study


def show(study: Study, lines: list[Line], console: Console) -> None:
    """Prints a row per point, with mean and standard deviation of each quantity.

    Args:
        study: The study.
        lines: Its figures.
        console: Where to print.
    """
    leading = ["", study.axis.label] if len(lines) > 1 else [study.axis.label]
    tuned = [key.rpartition(".")[2] for key in study.best_of]
    table = Table(*leading, *tuned, *(words.name(quantity, study.target_loss) for quantity in study.quantities))
    for column in table.columns[len(leading) + len(tuned) :]:
        column.justify = "right"
    for line in lines:
        for point in line.points:
            figures = [_figure(point, quantity) for quantity in study.quantities]
            own = [line.name, words.position(point.position)][-len(leading) :]
            table.add_row(*own, *point.tuned, *figures)
    console.print(table)


def _figure(point: Point, quantity: str) -> str:
    """Formats mean and deviation, with the number of repetitions if some have no result."""
    n_known, n_repeats = int(np.isfinite(point.values[quantity]).sum()), len(point.trials)
    if not n_known:
        return "none"
    text = words.number(point.mean(quantity))
    if n_known > 1:
        text += f" ± {words.number(point.deviation(quantity))}"
    return text if n_known == n_repeats else f"{text} ({n_known} of {n_repeats})"


def as_csv(study: Study, lines: list[Line]) -> str:
    """Formats a CSV row per point and quantity, unrounded.

    Args:
        study: The study.
        lines: Its figures.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["line", study.axis.key, *study.best_of, "quantity", "mean", "deviation", "n_repeats", "n_failed"])
    for line in lines:
        for point in line.points:
            own = [line.name, words.position(point.position), *point.tuned]
            for quantity in study.quantities:
                mean = point.mean(quantity)
                deviation = point.deviation(quantity) if len(point.trials) - point.n_failed > 1 else ""
                writer.writerow([*own, quantity, mean, deviation, len(point.trials), point.n_failed])
    return text.getvalue()
