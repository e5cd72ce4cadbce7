"""`predict`: the rows of a file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.arguments import Parser, chosen_model, making, warn
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.startup import import_tensorflow

NOTES = """\
The input's columns may be in any order, others are ignored. Text files are read as those that the model was trained
on: the same marks of gaps, decimal mark, and names where there is no header. The output has the columns of --keep as
they are in the input, and `prediction` (`prediction_<target>` of several), or `label` and a `probability_<class>` each;
of models with bounds also `lower` and `upper`, of those with sets of labels `prediction_set`, such as `cat | dog`.
It appears only when all rows are done.

examples:
  %(prog)s best:california new.csv predictions.csv --keep id,town
  %(prog)s models:/california@champion new.parquet predictions.parquet
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """The words that it takes."""
    found = Parser("predict", NOTES)
    found.add_model()
    found.add_input()
    found.add_argument(
        "output", metavar="OUTPUT", type=Path, help="CSV or Parquet file to write; an older one is replaced"
    )
    found.add_argument("--keep", default="", help="columns of the input to keep, with commas between: --keep id,town")
    found.add_strict()
    found.add_trust()
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Writes the predictions, and says how many and how fast.

    Raises:
        PipelineError: There is no such model, or a file is not as it must be.
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
