"""An experiment file for a table, with comments that say what was found in it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.data.checks.report_text import column_table, target
from pipeline.data.proposal import Proposal

WIDTH = 116
BESIDE = 28  # column in which trailing comments begin
MAX_CANDIDATES = 10
PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
OTHER_TO_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
WRITTEN = ("path", "target", "missing_target", "column_kinds", "drop")


def text(name: str, proposal: Proposal, command: str) -> str:
    """The file's content.

    Args:
        name: The experiment's.
        proposal: The data section and what was found.
        command: The command that trains with the file.
    """
    return "\n".join(_lines(name, proposal, command)) + "\n"


def _lines(name: str, proposal: Proposal, command: str) -> Iterator[str]:
    report = proposal.report
    yield "# @package _global_"
    yield f"# {report.n_rows:,} rows, {report.n_columns} inputs. Train with it:"
    yield f"#   {_one_line(command)}"
    yield "# Each key changes on that command line as well, as in fit.max_minutes=2."
    yield "defaults:"
    yield "  - override /data: table"
    yield "  # - override /model: dense  # quick; without this line model=tabm trains, ten minutes at most"
    yield ""
    yield "data:"
    yield _key("  path", proposal.data.path)
    yield from _target(proposal)
    yield from _given(proposal)
    yield "  # The inputs, as training rows show them; column_kinds sets other kinds: numeric, category, boolean, date"
    yield from (f"  #   {_one_line(line, keep=True)}" for line in column_table(report.columns))
    yield _key("  column_kinds", proposal.data.column_kinds)
    yield from _drop(proposal)
    yield from _split(proposal)
    yield "tracking:"
    yield _key("  experiment", name, "of MLflow, in which its runs are listed")


def _target(proposal: Proposal) -> Iterator[str]:
    yield _key("  target", proposal.data.target, proposal.report.task)
    yield from (f"  #   {_one_line(line)}" for line in target(proposal.report)[:3])
    if others := [name for name in proposal.candidates if name != proposal.data.target]:
        more = f" and {len(others) - MAX_CANDIDATES} more" if len(others) > MAX_CANDIDATES else ""
        shown = ", ".join(map(_flow, others[:MAX_CANDIDATES]))
        yield from _comment(f"Chosen by its name or position; other candidates are {shown}{more}")
    said = f"{proposal.n_without_target} rows without a target are left out" if proposal.n_without_target else ""
    yield _key("  missing_target", proposal.data.missing_target, said)


def _given(proposal: Proposal) -> Iterator[str]:
    """Requested keys that have no line of their own."""
    names = dict.fromkeys(key.partition(".")[0] for key in proposal.given)
    data = proposal.data.model_dump()
    yield from (_key(f"  {name}", data[name]) for name in names if name not in (*WRITTEN, "split"))


def _drop(proposal: Proposal) -> Iterator[str]:
    for warning in proposal.warnings:
        yield from _comment(f"warning: {warning}")
    yield _key("  drop", proposal.data.drop, "columns to leave out")
    if useless := proposal.report.useless:
        yield f"  # drop: {_flow([*proposal.data.drop, *useless])}"


def _split(proposal: Proposal) -> Iterator[str]:
    split = proposal.data.split
    counts = proposal.report.n_rows_by_split
    said = f"{counts['train']:,} rows train, {counts['val']:,} validate, {counts['test']:,} test"
    yield "  split:"
    yield _key("    kind", split.kind, f"{proposal.split_kind}: {said}")
    if proposal.dates and split.kind == "auto":
        yield f"    # kind: time  # with column: {_flow(proposal.dates[0])}, if the model is to predict later rows"
    asked = {key.removeprefix("split.") for key in proposal.given if key.startswith("split.")}
    for name in ("val_fraction", "test_fraction", *sorted(asked - {"kind", "val_fraction", "test_fraction", "seed"})):
        yield _key(f"    {name}", getattr(split, name))
    if "seed" in asked:
        yield _key("    seed", split.seed)


def _key(name: str, value: Any, comment: str = "") -> str:
    line = f"{name}: {_flow(value)}"
    return f"{line:<{BESIDE - 2}}  # {_one_line(comment)}" if comment else line


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        _one_line(text), WIDTH, initial_indent="  # ", subsequent_indent="  #   ", break_long_words=False
    )


def _flow(value: Any) -> str:
    """A value on one line as YAML that OmegaConf takes too, which would read `${...}` as a reference."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and not (PLAIN.fullmatch(value) and value.lower() not in OTHER_TO_YAML):
        return json.dumps(value.replace("${", r"\${"))
    return value if isinstance(value, str) else json.dumps(value)


def _one_line(words: str, keep: bool = False) -> str:
    """Words without characters that would end a comment; `keep` preserves the blanks that align columns."""
    shown = "".join(character if character.isprintable() else " " for character in words)
    return shown.rstrip() if keep else " ".join(shown.split())
