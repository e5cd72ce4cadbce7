"""Predicts for the rows of a file: `python -m pipeline predict MODEL input.csv output.parquet`."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.commands import arguments
from pipeline.runtime.startup import import_tensorflow

EPILOG = """\
The input's columns may be in any order, others are ignored. Text files are read as those that the model was trained
on: the same marks of gaps, decimal mark, and names where there is no header. The output has the columns of --keep as
they are in the input, and `prediction` (`prediction_<target>` of several), or `label` and a `probability_<class>` each.
It appears only when all rows are done.

examples:
  python -m pipeline predict best:california new.csv predictions.csv --keep id,town
  python -m pipeline predict models:/california@champion new.parquet predictions.parquet
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("predict", __doc__, EPILOG)
    arguments.add_model(parser)
    parser.add_argument("input", type=Path, help="CSV (also .tsv, .txt, .data, .gz) or Parquet file")
    parser.add_argument("output", type=Path, help="CSV or Parquet file to write; an older one is replaced")
    parser.add_argument("--keep", default="", help="columns of the input to keep, with commas between: --keep id,town")
    arguments.add_trust(parser)
    arguments.add_store(parser)
    args = parser.parse_args(words)
    import_tensorflow()
    from pipeline.inference.batch.run import predict

    keep = [name.strip() for name in args.keep.split(",") if name.strip()]
    with arguments.ends_tidily():
        done = predict(args.model, args.input, args.output, keep=keep, trust=args.trust, tracking_uri=args.uri)
    speed = done.n_rows / max(done.seconds, 1e-9)
    print(f"{done.n_rows:,} rows in {done.seconds:.1f} s ({speed:,.0f} rows a second): {args.output}")
