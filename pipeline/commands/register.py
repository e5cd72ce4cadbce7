"""Registers the model of a run: `python -m pipeline register MODEL NAME [--alias champion] [--force]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.commands import arguments
from pipeline.runtime.console import console, list_places, number, say

if TYPE_CHECKING:
    from pipeline.track.registry import Registered

EPILOG = """\
MODEL is a run id, runs:/ID or best:EXPERIMENT.

It is compared with the version that holds the alias (without --alias: champion) by that version's validation
objective, and refused if it is worse, or if the two did not see the same rows.

example:
  python -m pipeline register best:california houses --alias champion
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("register", __doc__, EPILOG)
    parser.add_argument("model", help="what names the run, see below")
    parser.add_argument("name", help="to register it under")
    parser.add_argument("--alias", help="that it is to hold, as in champion; default: none")
    parser.add_argument("--force", action="store_true", help="register it though it is worse, or does not compare")
    arguments.add_store(parser)
    args = parser.parse_args(words)
    from pipeline.track.registry import register

    with arguments.ends_tidily():
        show(register(args.model, args.name, args.alias, args.force, args.uri))


def show(registered: Registered) -> None:
    """Prints a version's scores, beside those of the model it was compared with."""
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
        say(screen, f"the scores do not compare: {reason}")
    if comparison.is_worse and not comparison.differs:
        say(screen, f"it is worse than version {holder.version if holder else ''}")
    held = f", which holds {', '.join(f'@{alias}' for alias in registered.aliases)}" if registered.aliases else ""
    list_places(screen, {"registered": f"models:/{registered.name}/{registered.version}{held}"})
