"""Overrides that the given command does not use, with the command that does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hydra.core.override_parser.types import Override

from pipeline.config.problems import keys
from pipeline.config.quoting import in_shell, quoted
from pipeline.config.ranges import DEPTH, WIDTH
from pipeline.config.rules import Config

ONE_VALUE = ("tune", "init")  # commands that take one value per key
STUDY_NAME = "search.study_name"
STORAGE = "search.storage"  # a place, which scripts give to searches and grids alike
LISTS = (
    "baselines", "data.columns", "data.drop", "data.missing_values", "fit.devices", "model.units", "search.objectives",
    "tune.optimizers",
)  # fmt: skip
TEXT_OR_LIST = "data.target"


def of_others(overrides: Sequence[Override], command: str, *, is_sweep: bool, is_search: bool) -> Iterator[str]:
    """Yields a line for each key of a section that the command does not use.

    Args:
        overrides: As typed; files may set such keys for several commands.
        command: Name of the command.
        is_sweep: Whether it runs a sweep.
        is_search: Whether a search draws the values of the sweep.
    """
    known = set(keys(Config))
    reported = {STUDY_NAME, DEPTH, WIDTH} if is_sweep else set()  # in a grid, also if a file sets them
    for key in dict.fromkeys(override.key_or_group for override in overrides):
        section = key.partition(".")[0]
        if key not in known - reported - {STORAGE}:
            continue
        if section == "tune" and command != "tune":
            yield f"{key}: applies to the command tune; omit it, or use tune instead of {command}"
        if section == "search" and not (is_sweep and is_search):
            yield f"{key}: applies to searches{_how_to_search(command, is_sweep)}"


def _how_to_search(command: str, is_sweep: bool) -> str:
    if is_sweep:
        return "; add hydra/sweeper=search"
    if command == "train":
        return "; omit it, or use the command sweep with hydra/sweeper=search"
    return f", which {command} is not; omit it"


def as_sweep(override: Override, command: str | None) -> str:
    """Returns the line for several values of a key where one is expected.

    Args:
        override: The override.
        command: Name of the command; None for a call from Python.
    """
    line = str(override.input_line)
    key, _, value = line.partition("=")
    what, ways = "several values make a sweep", ["add -m (command sweep)"]
    if command in ONE_VALUE:
        what, ways = f"{what}, which {command} does not run", ["give one value"]
    name = key.lstrip("+")
    if name in (*LISTS, TEXT_OR_LIST) and not set("[(") & set(value):
        ways.append(f"for a list write {in_shell(f'{key}=[{value}]')}")
    if name not in LISTS:
        ways.append(f"quote a value with a comma: {in_shell(f'{key}={quoted(value)}')}")
    *first, last = ways
    return f"{line}: {what}; {', '.join(first)}{', or ' if first else ''}{last}"
