"""`schema`: a JSON schema for editors of config files, and the reference of all keys."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.arguments import Parser, one_of, write_text
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.console import console, say

GROUPS = ("experiment", "study", "data", "model", "fit", "hydra/launcher", "hydra/sweeper")
NOTES = """\
groups, named like the folders of config files:
  experiment             the default, also for conf/config.yaml; your own config folder has the same groups
  study                  has the same keys
  data, model, fit
  hydra/launcher, hydra/sweeper

An editor with the YAML language server (VS Code's extension YAML) finds the schema by the first line of a file,
  # yaml-language-server: $schema=experiment.schema.json
and then completes keys and values, shows their meaning, and marks mistakes.

examples:
  %(prog)s --output my_conf/experiment/experiment.schema.json
  %(prog)s data --output my_conf/data/data.schema.json
  %(prog)s --format markdown --output keys.md
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("schema", NOTES)
    found.add_argument(
        "group", metavar="GROUP", nargs="?", type=one_of(*GROUPS), default="experiment", help="of config files"
    )
    said = "json (the default), or markdown: a reference of the keys of all groups"
    found.add_argument("--format", type=one_of("json", "markdown"), default="json", help=said)
    found.add_argument("--output", metavar="FILE", type=Path, help="file to write or replace; default: standard output")
    return found


def run(args: argparse.Namespace) -> None:
    """Prints or writes the schema or the reference.

    Raises:
        PipelineError: The file cannot be written.
    """
    text = _text(args.group, args.format)
    if args.output is None:
        sys.stdout.write(text)
    else:
        write_text(args.output, text)
        say(console(), f"written to {args.output}")


def _text(group: str, kind: str) -> str:
    if kind == "markdown":
        from pipeline.config.reference import page  # Hydra and pydantic take half a second to import

        return page()
    from pipeline.config.json_schema import json_schema

    return json.dumps(json_schema(group), indent=1, ensure_ascii=False) + "\n"
