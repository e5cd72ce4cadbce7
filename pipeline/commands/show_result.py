"""Prints the result of a run: scores, confusion matrices, and what to do with the model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.commands.arguments import tracking
from pipeline.runtime.console import console, list_places, number
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.evaluate.confusion import BinaryDecisions
    from pipeline.train import Result

PARTS = ("train", "val", "test", "gap")


def show(result: Result) -> None:
    """Prints the scores of every split, and the locations and commands of a finished run."""
    table = Table("score", *PARTS, caption="gap: how much worse validation is than training")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(key.partition("_")[2] for key in result.scores):
        table.add_row(name, *(number(result.scores.get(f"{part}_{name}")) for part in PARTS))
    table.add_section()
    for baseline, scores in result.baselines.scores.items():
        for name in result.baselines.main_scores:
            table.add_row(f"{name} of {baseline}", *(number(scores.get(f"{part}_{name}")) for part in PARTS))
    screen = console()
    screen.print(table)
    if result.decisions and result.decisions.learned is not None:
        screen.print(_confusions(result.decisions))
    list_places(screen, _places(result))


def _places(result: Result) -> dict[str, str]:
    """Returns further results of a run, their locations, and commands that use them, by label."""
    from pipeline import track

    # Other commands use the default store unless --uri is given.
    is_default = result.store == track.store_uri(tracking(None))
    store = "" if is_default else f" --uri {shlex.quote(result.store)}"
    places = dict(result.baselines.texts)
    if result.decisions:
        places["positive class"] = result.decisions.text
    places |= {
        "run": result.run_id,
        **_pages(result.model_path),
        "SavedModel": str(result.model_path),
        "store": result.store,
        "see it with": f"{program()} ui --run {result.run_id}{store}",
    }
    if address := track.local_page(result.store, result.run_id):
        places["its page"] = address
    places |= {
        "predict rows with": f"{program()} predict {result.run_id} new.csv predictions.csv{store}",
        "serve it with": f"{program()} serve {result.run_id}{store}",
    }
    if result.advice:
        places["try next"] = result.advice
    return places | {"seconds": _seconds(result.seconds)}


def _pages(model_path: str | None) -> dict[str, str]:
    """Returns the paths of a run's pages if they are on this machine, by label."""
    if model_path is None:
        return {}
    model = Path(model_path)
    pages = {"data report": model.parent / "data" / "report.html", "model card": model / "assets.extra" / "card.html"}
    return {name: str(page) for name, page in pages.items() if page.is_file()}


def _confusions(made: BinaryDecisions) -> Table:
    """Tabulates both kinds of errors at 0.5 and at the learned threshold."""
    entries = made.confusions
    table = Table("", *(entry.title for entry in entries), caption=f"mean cost of a row: {made.costs}")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in entries[0].counts:
        table.add_row(name, *(str(entry.counts[name]) for entry in entries))
    for name in entries[0].scores:
        table.add_row(name, *(number(entry.scores[name]) for entry in entries))
    return table


def _seconds(seconds: dict[str, float]) -> str:
    """Formats the total and the parts above 5 % of it, longest first."""
    total = sum(seconds.values())
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name.removeprefix('seconds_')} {value:.1f}" for name, value in longest if value > total / 20)
    return f"{total:.1f}: {parts}"
