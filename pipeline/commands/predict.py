"""`predict`: predicts the rows of a file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.arguments import Parser, chosen_model, making, warn
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.startup import import_tensorflow

NOTES = """\
The input's columns may be in any order; others are ignored. Text files are read like the training files, with the
same markers of missing values, decimal mark, and names if there is no header. The output has the columns of --keep
unchanged, and `prediction` (`prediction_<target>` for several targets), or `label` and `probability_<class>` columns.
Models with bounds add `lower` and `upper`, models with sets of labels add `prediction_set`, such as `cat | dog`.
The output file appears only when all rows are done.

examples:
  %(prog)s best:california new.csv predictions.csv --keep id,town
  %(prog)s models:/california@champion new.parquet predictions.parquet
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("predict", NOTES)
    found.add_model()
    found.add_input()
    found.add_argument(
        "output", metavar="OUTPUT", type=Path, help="CSV or Parquet file to write; an older one is replaced"
    )
    found.add_argument("--keep", default="", help="columns of the input to keep, separated by commas: --keep id,town")
    found.add_strict()
    found.add_trust()
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Writes the predictions, and prints their number and speed.

    Raises:
        PipelineError: The model does not exist, or a file is invalid.
    """
    import_tensorflow()
    from pipeline.inference.batch.predict_file import predict

    keep = [name.strip() for name in args.keep.split(",") if name.strip()]
    model = chosen_model(args)
    options = {"keep": keep, "strict": args.strict, "trust": args.trust, "tracking_uri": args.uri}
    done = making(lambda: predict(model, args.input, args.output, **options), args.uri)
    warn(done.new_gaps)
    speed = done.n_rows / max(done.seconds, 1e-9)
    print(f"{done.n_rows:,} rows in {done.seconds:.1f} s ({speed:,.0f} rows a second): {args.output}")
