"""Exports a model to where it is used: `python -m pipeline.export MODEL --format savedmodel|litert|onnx`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.errors import PipelineError
from pipeline.export.command import Exported, export
from pipeline.find import resolve
from pipeline.signals import exit_code, sigterm_raises

EPILOG = """\
MODEL is a run id, runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, best:EXPERIMENT or a folder.

  savedmodel  OUTPUT/NAME/VERSION/, for TensorFlow Serving: raw columns in, with warm-up requests
  litert      OUTPUT/NAME_litert/: float32, and with weights in float16 and in int8, for phones and boards
  onnx        OUTPUT/NAME_onnx/: for ONNX Runtime and its relatives

LiteRT and ONNX have no text: categories come as numbers, dates as their fields; NAME.json beside the file says which.
Every file is run in its own runtime, in a process without this package, and compared with the pipeline's own
predictions on validation rows, rows with gaps and rows with categories never seen; one that differs is not written.

example:
  python -m pipeline.export best:california --format onnx --output exports
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.export",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="what names the model, see below")
    parser.add_argument("--format", choices=["savedmodel", "litert", "onnx"], default="savedmodel", help="see below")
    parser.add_argument("--output", type=Path, default=Path("exports"), help="folder to write to; default: exports")
    parser.add_argument("--name", help="of the model; default: its registered name, or its experiment's")
    parser.add_argument("--version", type=_positive, help="of a SavedModel; default: the registered one, or the next")
    parser.add_argument("--trust", action="store_true", help="load a model whose manifest is missing or does not match")
    parser.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    args = parser.parse_args()
    try:
        with sigterm_raises(), Console(stderr=True).status("exporting and comparing"):
            found = resolve(args.model, args.uri)
            exported = export(
                found, args.format, args.output, name=args.name, version=args.version, trust=args.trust,
                tracking_uri=args.uri,
            )  # fmt: skip
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))
    _show(exported)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return number


def _show(exported: Exported) -> None:
    table = Table("file", "bytes", "largest difference", "score", "worse by", caption="difference: in scaled units")
    for column in table.columns[1:]:
        column.justify = "right"
    for file in exported.files:
        score = "" if file.value is None else f"{file.score} {file.value:.6g}"
        loss = "" if file.loss is None else f"{file.loss:.2g}"
        table.add_row(file.name, f"{file.n_bytes:,}", f"{file.difference:.1e}", score, loss)
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    console.print(table)
    console.print(f"compared on: {exported.checked_on}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"written to:  {exported.folder}", soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    main()
