"""Predicts for the rows of a file: `python -m pipeline.predict MODEL input.csv output.parquet`."""

import argparse
import sys
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.signals import exit_code, sigterm_raises
from pipeline.startup import import_tensorflow

EPILOG = """\
MODEL is a run id, runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, best:EXPERIMENT or a folder.

The input's columns may be in any order, others are ignored. Text files are read as those that the model was trained
on: the same marks of gaps, decimal mark, and names where there is no header. The output has the columns of --keep as
they are in the input, and `prediction` (`prediction_<target>` of several), or `label` and a `probability_<class>` each.
It appears only when all rows are done.

examples:
  python -m pipeline.predict best:california new.csv predictions.csv --keep id,town
  python -m pipeline.predict models:/california@champion new.parquet predictions.parquet
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.predict",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="what names the model, see below")
    parser.add_argument("input", type=Path, help="CSV (also .tsv, .txt, .data, .gz) or Parquet file")
    parser.add_argument("output", type=Path, help="CSV or Parquet file to write; an older one is replaced")
    parser.add_argument("--keep", default="", help="columns of the input to keep, with commas between: --keep id,town")
    parser.add_argument("--trust", action="store_true", help="load a model whose manifest is missing or does not match")
    parser.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    args = parser.parse_args()
    import_tensorflow()
    from pipeline.predict.run import predict

    keep = [name.strip() for name in args.keep.split(",") if name.strip()]
    try:
        with sigterm_raises():
            done = predict(args.model, args.input, args.output, keep=keep, trust=args.trust, tracking_uri=args.uri)
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))
    speed = done.n_rows / max(done.seconds, 1e-9)
    print(f"{done.n_rows:,} rows in {done.seconds:.1f} s ({speed:,.0f} rows a second): {args.output}")


if __name__ == "__main__":
    main()
