"""A study's figures as a table: on screen, and as text that a spreadsheet reads."""

from __future__ import annotations

import csv
import io

from rich.console import Console
from rich.table import Table

from pipeline.config.studies import Study
from pipeline.study import words
from pipeline.study.figures import Line


def show(study: Study, lines: list[Line], console: Console) -> None:
    """Prints a row per point: mean and standard deviation of each quantity."""
    leading = ["", study.axis.label] if len(lines) > 1 else [study.axis.label]
    tuned = [key.rpartition(".")[2] for key in study.best_of]
    table = Table(*leading, *tuned, *(words.name(quantity, study.target_loss) for quantity in study.quantities))
    for column in table.columns[len(leading) + len(tuned) :]:
        column.justify = "right"
    for line in lines:
        for point in line.points:
            figures = [
                f"{words.number(point.mean(quantity))} ± {words.number(point.deviation(quantity))}"
                for quantity in study.quantities
            ]
            own = [line.name, words.position(point.position)][-len(leading) :]
            table.add_row(*own, *point.tuned, *figures)
    console.print(table)


def as_csv(study: Study, lines: list[Line]) -> str:
    """A row per point and quantity, unrounded."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["line", study.axis.key, *study.best_of, "quantity", "mean", "deviation", "n_repeats", "n_failed"])
    for line in lines:
        for point in line.points:
            own = [line.name, words.position(point.position), *point.tuned]
            for quantity in study.quantities:
                mean, deviation = point.mean(quantity), point.deviation(quantity)
                writer.writerow([*own, quantity, mean, deviation, len(point.trials), point.n_failed])
    return text.getvalue()
