"""Exports a model to where it is used: `python -m pipeline export MODEL --format savedmodel|litert|onnx`."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.commands import arguments
from pipeline.export.formats.convert import Exported, export
from pipeline.inference.locate import resolve

EPILOG = """\
  savedmodel  OUTPUT/NAME/VERSION/, for TensorFlow Serving: raw columns in, with warm-up requests
  litert      OUTPUT/NAME_litert/: float32, and with weights in float16 and in int8, for phones and boards
  onnx        OUTPUT/NAME_onnx/: for ONNX Runtime and its relatives

LiteRT and ONNX have no text: categories come as numbers, dates as their fields; NAME.json beside the file says which.
Every file is run in its own runtime, in a process without this package, and compared with the pipeline's own
predictions on validation rows, rows with gaps and rows with categories never seen; one that differs is not written.

example:
  python -m pipeline export best:california --format onnx --output exports
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("export", __doc__, EPILOG)
    arguments.add_model(parser)
    parser.add_argument("--format", choices=["savedmodel", "litert", "onnx"], default="savedmodel", help="see below")
    parser.add_argument("--output", type=Path, default=Path("exports"), help="folder to write to; default: exports")
    parser.add_argument("--name", help="of the model; default: its registered name, or its experiment's")
    parser.add_argument(
        "--version", type=arguments.whole_number(1), help="of a SavedModel; default: the registered one, or the next"
    )
    arguments.add_trust(parser)
    arguments.add_store(parser)
    args = parser.parse_args(words)
    with arguments.ends_tidily(), Console(stderr=True).status("exporting and comparing"):
        found = resolve(args.model, args.uri)
        exported = export(
            found, args.format, args.output, name=args.name, version=args.version, trust=args.trust,
            tracking_uri=args.uri,
        )  # fmt: skip
    _show(exported)


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
