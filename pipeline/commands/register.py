"""`register`: registers the model of a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.commands.arguments import Parser, chosen_model, making
from pipeline.commands.ending import ends_tidily
from pipeline.errors import RegistryError
from pipeline.inference.locate import resolve
from pipeline.runtime.console import console, list_places, number, say

if TYPE_CHECKING:
    from pipeline.track.registry import Registered

NOTES = """\
MODEL is compared with the version that holds the alias (without --alias: champion) by that version's validation
objective. It is rejected if it is worse, or if the two were not scored on the same rows.

example:
  %(prog)s best:california houses --alias champion
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("register", NOTES)
    found.add_argument("model", metavar="MODEL", help="a run id, runs:/ID or best:EXPERIMENT")
    found.add_argument("name", metavar="NAME", help="name of the registered model")
    found.add_argument("--alias", help="alias of the new version, as in champion; default: none")
    found.add_argument("--force", action="store_true", help="register it even if it is worse or not comparable")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Registers the model, and prints its scores next to those of the version that held the alias.

    Raises:
        PipelineError: The run does not exist, or its model is rejected.
    """
    from pipeline.track.registry import register  # MLflow takes seconds to import

    model = chosen_model(args)
    found = making(lambda: resolve(model, args.uri), args.uri)
    if found.run_id is None:
        raise RegistryError(f"{args.model}: this model has no run; name the run whose model to register")
    show(register(found.run_id, args.name, args.alias, args.force, args.uri))


def show(registered: Registered) -> None:
    """Prints a version's scores next to those of the model it was compared with."""
    comparison, screen = registered.comparison, console()
    newcomer, holder = comparison.newcomer, comparison.holder
    columns = [f"version {registered.version}"] + (
        [f"{comparison.alias} was version {holder.version}"] if holder else []
    )
    table = Table("score", *columns, caption=f"compared by {comparison.score}")
    for column in table.columns[1:]:
        column.justify = "right"
    entries = [newcomer, *([holder] if holder else [])]
    for name in sorted({name for entry in entries for name in entry.scores}, key=lambda name: name != comparison.score):
        table.add_row(name, *(number(entry.scores.get(name)) for entry in entries))
    table.add_row("run", *(entry.run_id for entry in entries))
    table.add_row("data", *(entry.fingerprint for entry in entries))
    screen.print(table)
    for reason in comparison.differs:
        say(screen, f"the scores are not comparable: {reason}")
    if comparison.is_worse and not comparison.differs:
        say(screen, f"it is worse than version {holder.version if holder else ''}")
    held = f", which holds {', '.join(f'@{alias}' for alias in registered.aliases)}" if registered.aliases else ""
    list_places(screen, {"registered": f"models:/{registered.name}/{registered.version}{held}"})
