"""`init`: writes a config file for a table, with comments on what was found in it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.commands.arguments import Parser, write_text
from pipeline.commands.ending import ends_tidily
from pipeline.errors import UsageError
from pipeline.runtime.console import console, list_places, say
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.data.proposal import Proposal

FOLDER = "my_conf"
NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
OTHER_TO_HYDRA = ("base", "null", "true", "false", "inf", "nan")
NOTES = """\
Reads the file as training would and writes CONFIG_DIR/experiment/NAME.yaml. Comments next to the keys describe the
columns and their kinds, possible targets, the split, and warnings. key=value arguments override what is found.

example:
  %(prog)s houses.csv data.target=price
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("init", NOTES)
    found.add_argument("input", metavar="INPUT", help="CSV or Parquet file, or a pattern of files, as for data.path")
    found.add_argument("overrides", metavar="key=value", nargs="*", help="keys of data, as in data.target=price")
    found.add_argument("--config-dir", metavar="DIR", type=Path, default=Path(FOLDER), help=f"default: {FOLDER}")
    found.add_argument("--name", help="name of the experiment; default: that of the file")
    found.add_argument("--force", action="store_true", help="replace an existing file")
    return found


def run(args: argparse.Namespace) -> None:
    """Writes the file, and prints what was found and the command that trains with it.

    Raises:
        PipelineError: The table cannot be read or split, or the file exists or cannot be written.
    """
    name = _name(args)
    for word in args.overrides:
        if not word.lstrip("+").startswith("data.") or word.startswith("data.path="):
            said = "init takes keys of data only, as in data.target=price; add other keys to the file that it writes"
            raise UsageError(f"{word}: {said}")
    file = args.config_dir / "experiment" / f"{name}.yaml"
    if file.exists() and not args.force:
        raise UsageError(f"{file} already exists; add --force to replace it, or choose another --name")
    with Console(stderr=True).status("reading"):
        from pipeline.data import experiment_file  # pandas and Hydra take a second to import
        from pipeline.data.proposal import absolute, propose

        proposal = propose(absolute(args.input), args.overrides)
    command = f"{program()} {shlex.join(['train', '--config-dir', str(args.config_dir), f'experiment={name}'])}"
    _make_folder(file.parent)
    write_text(file, experiment_file.text(name, proposal, command))
    _show(proposal, file)
    say(console(), command)


def _name(args: argparse.Namespace) -> str:
    """Returns the name of the experiment, which must not shadow one of the package: Hydra would use the package's.

    Raises:
        UsageError: The given name is invalid or belongs to the package.
    """
    name = args.name or _name_of(args.input)
    if not NAME.fullmatch(name) or name.lower() in OTHER_TO_HYDRA:
        raise UsageError(f"--name: must consist of letters, digits and _, as in --name houses, got {name!r}")
    from pipeline.config import CONF  # Hydra and pydantic take half a second to import

    if not (CONF / "experiment" / f"{name}.yaml").exists():
        return name
    if args.name:
        raise UsageError(f"--name: {name} is an experiment of the package; choose another, as in --name {name}_table")
    return f"{name}_table"


def _name_of(path: str) -> str:
    """Derives an experiment's name from that of a file; `table` if that has no letters."""
    stem = re.sub(r"\W+", "_", Path(path).name.partition(".")[0], flags=re.ASCII).strip("_")
    is_name = NAME.fullmatch(stem) and stem.lower() not in OTHER_TO_HYDRA
    return stem if is_name else f"table_{stem}".rstrip("_")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--config-dir: {folder} cannot be created: {error.strerror}; name another folder") from None


def _show(proposal: Proposal, file: Path) -> None:
    others = [name for name in proposal.candidates if name != proposal.data.target]
    counts = ", ".join(f"{n} {part}" for part, n in proposal.report.n_rows_by_split.items())
    named = proposal.data.target if isinstance(proposal.data.target, str) else ", ".join(proposal.data.target or [])
    places = {"target": f"{named} ({proposal.report.task})"}
    if others:
        places["other candidates"] = ", ".join(others[:10]) + (", ..." if len(others) > 10 else "")
    places |= {"inputs": str(proposal.report.n_columns), "rows": f"{counts} ({proposal.split_kind})"}
    screen = console()
    list_places(screen, places)
    for warning in proposal.warnings:
        say(screen, f"warning: {warning}")
    list_places(screen, {"written to": str(file)})
