"""`evaluate`: scores a model on newly labelled rows."""

import argparse
from collections.abc import Sequence

from rich.table import Table

from pipeline.commands.arguments import Parser, chosen_model, making, warn
from pipeline.commands.ending import ends_tidily
from pipeline.errors import ModelError
from pipeline.runtime.console import console, list_places, number
from pipeline.runtime.startup import import_tensorflow

NOTES = """\
The file has the model's columns and its target, in any order. Scores are in the target's original units. --log adds
them to the model's run as new_rmse and so on, with the file in the tag new_data; a later --log replaces them.

example:
  %(prog)s models:/california@champion new.csv --log
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("evaluate", NOTES)
    found.add_model()
    found.add_input()
    found.add_argument("--weight", metavar="COLUMN", help="column of row weights; default: equal weights")
    found.add_argument("--log", action="store_true", help="add the scores to the model's run")
    found.add_strict()
    found.add_trust()
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Prints the scores, and logs them to the model's run with `--log`.

    Raises:
        PipelineError: The model does not exist, the file does not fit it, or its run is unknown.
    """
    model = chosen_model(args)
    import_tensorflow()
    from pipeline.inference.score_file import score_file

    options = {"weight": args.weight, "strict": args.strict, "trust": args.trust, "tracking_uri": args.uri}
    found = making(lambda: score_file(model, args.input, **options), args.uri)
    warn([*found.new_gaps, *([found.seen] if found.seen else [])])
    places = {"SavedModel": str(found.path), "run": found.run_id or "unknown"}
    if args.log:
        if found.run_id is None:
            raise ModelError(f"--log: {args.model} does not name its run; leave --log out")
        from pipeline.track.new_scores import log_new_scores

        tags = {"data": str(args.input.absolute()), "n_rows": str(found.n_rows)}
        log_new_scores(found.run_id, found.scores, tags, args.uri)
        places["logged as"] = ", ".join(f"new_{name}" for name in found.scores)
    _show(found.scores, found.n_rows, places)


def _show(scores: dict[str, float], n_rows: int, places: dict[str, str]) -> None:
    table = Table("score", f"{n_rows:,} rows")
    table.columns[1].justify = "right"
    for name, value in scores.items():
        table.add_row(name, number(value))
    screen = console()
    screen.print(table)
    list_places(screen, places)
