"""`export`: writes a model for TensorFlow Serving, LiteRT or ONNX."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pipeline.commands.arguments import Parser, chosen_model, making, one_of, whole_number
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.console import console, list_places

if TYPE_CHECKING:
    from pipeline.export.formats.convert import Exported

NOTES = """\
  savedmodel  OUTPUT/NAME/VERSION/, for TensorFlow Serving: raw columns in, with warm-up requests
  litert      OUTPUT/NAME_litert/: float32, and with weights in float16 and in int8, for phones and boards
  onnx        OUTPUT/NAME_onnx/: for ONNX Runtime and compatible runtimes

LiteRT and ONNX files take no text: categories are numbers and dates are split into fields, as NAME.json describes.
Each file is run in its own runtime, in a process without this package, and compared with the pipeline's own predictions
on validation rows, and on rows with missing values, unseen categories and columns at ten times their bounds. A file
that differs is not written.

example:
  %(prog)s best:california --format onnx --output exports
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("export", NOTES)
    found.add_model()
    formats = one_of("savedmodel", "litert", "onnx")
    found.add_argument(
        "--format", type=formats, default="savedmodel", help="savedmodel (the default), litert or onnx; see below"
    )
    found.add_argument("--output", type=Path, default=Path("exports"), help="folder to write to; default: exports")
    found.add_argument("--name", help="name of the model; default: its registered name, or that of its experiment")
    found.add_argument(
        "--version", type=whole_number(1), help="version of a SavedModel; default: the registered one, or the next"
    )
    found.add_trust()
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Writes the files, and prints how each compares with the model.

    Raises:
        PipelineError: The model does not exist, the format cannot express it, or its predictions differ.
    """
    model = chosen_model(args)
    with Console(stderr=True).status("exporting and comparing"):
        from pipeline.export.formats.convert import export  # TensorFlow takes seconds to import
        from pipeline.inference.locate import resolve

        exported = export(
            making(lambda: resolve(model, args.uri), args.uri), args.format, args.output, name=args.name,
            version=args.version, trust=args.trust, tracking_uri=args.uri,
        )  # fmt: skip
    _show(exported)


def _show(exported: Exported) -> None:
    table = Table(
        "file", "bytes", "largest difference", "beyond training", "score", "worse by",
        caption="difference: in scaled units",
    )  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for file in exported.files:
        score = "" if file.value is None else f"{file.score} {file.value:.6g}"
        loss = "" if file.loss is None else f"{file.loss:.2g}"
        table.add_row(file.name, f"{file.n_bytes:,}", f"{file.difference:.1e}", f"{file.beyond:.1e}", score, loss)
    screen = console()
    screen.print(table)
    list_places(screen, {"compared on": exported.checked_on, "written to": str(exported.folder)})
