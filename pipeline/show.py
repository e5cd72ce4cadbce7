"""The tables at the end of a run and of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pipeline.train import Result

PARTS = ("train", "val", "test", "gap")


def result(result: Result) -> None:
    """Prints the scores of every split and where everything lies."""
    from pipeline import track

    table = Table("score", *PARTS, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(key.partition("_")[2] for key in result.scores):
        table.add_row(name, *(_number(result.scores.get(f"{part}_{name}")) for part in PARTS))
    console = _console()
    console.print(table)
    for label, value in (
        ("run", result.run_id),
        ("SavedModel", result.model_path),
        ("store", result.store),
        ("compare runs with", track.ui_command(result.store)),
    ):
        console.print(f"{label:18}{value}", soft_wrap=True, highlight=False, markup=False)


def sweep(children: Sequence[Any], objective: str) -> None:
    """Prints the children of a sweep in the order given: best first, failed ones last.

    Args:
        children: MLflow runs.
        objective: What they were compared by.
    """
    table = Table("run", "status", f"objective ({objective})", "id")
    table.columns[2].justify = "right"
    for child in children:
        value = _number(child.data.metrics.get("objective"))
        table.add_row(child.info.run_name, child.info.status, value, child.info.run_id)
    _console().print(table)


def _console() -> Console:
    """Output that is not a terminal has no width: then no line is broken or cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
