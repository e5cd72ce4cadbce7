"""Scores a model on newly labelled rows: `python -m pipeline evaluate MODEL new.csv [--log]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from pipeline.commands import arguments
from pipeline.errors import ModelError
from pipeline.runtime.console import console, list_places, number
from pipeline.runtime.startup import import_tensorflow

EPILOG = """\
The file has the model's columns and its target, in any order. Scores are in the target's own units. --log adds them to
the model's run as new_rmse and so on, with the file in the tag new_data; a later --log takes their place.

example:
  python -m pipeline evaluate models:/california@champion new.csv --log
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("evaluate", __doc__, EPILOG)
    arguments.add_model(parser)
    parser.add_argument("data", type=Path, help="CSV (also .tsv, .txt, .data, .gz) or Parquet file")
    parser.add_argument("--weight", help="column of the rows' weights; default: all count alike")
    parser.add_argument("--log", action="store_true", help="add the scores to the model's run")
    arguments.add_trust(parser)
    arguments.add_store(parser)
    args = parser.parse_args(words)
    with arguments.ends_tidily():
        _evaluate(args)


def _evaluate(args: argparse.Namespace) -> None:
    import_tensorflow()
    from pipeline.inference.labelled import score_file

    found = score_file(args.model, args.data, weight=args.weight, trust=args.trust, tracking_uri=args.uri)
    places = {"SavedModel": str(found.path), "run": found.run_id or "unknown"}
    if args.log:
        if found.run_id is None:
            raise ModelError(f"--log: {args.model} does not say which run it is from; leave --log out")
        from pipeline.track.new_scores import log_new_scores

        tags = {"data": str(args.data.absolute()), "n_rows": str(found.n_rows)}
        log_new_scores(found.run_id, found.scores, tags, args.uri)
        places["logged as"] = ", ".join(f"new_{name}" for name in found.scores)
    _show(found.scores, found.n_rows, places)


def _show(scores: dict[str, float], n_rows: int, places: dict[str, str]) -> None:
    """Prints the scores on newly labelled rows."""
    table = Table("score", f"{n_rows:,} rows")
    table.columns[1].justify = "right"
    for name, value in scores.items():
        table.add_row(name, number(value))
    screen = console()
    screen.print(table)
    list_places(screen, places)
