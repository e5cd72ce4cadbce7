"""Classes that a split cannot put in every part, and remedies for them: only tested remedies are suggested."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from pipeline.config.rules import FOLD_KINDS, Split
from pipeline.data.rows import Rows
from pipeline.data.target import Target
from pipeline.errors import DataError

MAX_NAMED = 5  # classes in a message
MAX_REMEDIES = 2  # in a message
SEEDS = range(1, 21)  # seeds that are tried


class UnevenClassesError(DataError):
    """A class lacks rows for the split; the message has no remedy yet."""


def without_training_rows(classes: np.ndarray) -> str:
    """The message if no training row has one of these classes."""
    named = ", ".join(str(label) for label in classes[:MAX_NAMED])
    return f"data.split: no training row has the class {named}{', ...' if len(classes) > MAX_NAMED else ''}"


def taken_for_classes(target: Target) -> str:
    """The remedy if whole numbers are classes but should be a regression's."""
    if target.classes.dtype.kind not in "if":
        return ""
    return f"; if {target.names[0]!r} is a number rather than a class, set data.task=regression"


def remedies(rows: Rows, config: Split, works: Callable[[Split], bool]) -> str:
    """Overrides with which the rows can be divided, or other remedies.

    Args:
        rows: Rows that cannot be divided as the config says.
        config: The section `data.split`.
        works: Returns whether another config can divide them.
    """
    changes = [] if _is_given(config) else _nearest(rows, config)
    found = [one for one in changes if one and works(config.model_copy(update=one))][:MAX_REMEDIES]
    found = found or _first_seed(config, works)
    ways = [" ".join(f"data.split.{key}={value}" for key, value in one.items()) for one in found]
    ways = ways or (["another split"] if _is_given(config) else [])
    return f"; use {', or '.join([*ways, 'more rows of it'])}{taken_for_classes(rows.target)}"


def _is_given(config: Split) -> bool:
    return config.path is not None or config.kind in ("time", "column")


def _nearest(rows: Rows, config: Split) -> list[dict[str, Any]]:
    """Other ways to divide, as changes of the section; the nearest first."""
    fractions = _fractions(rows, config)
    if config.kind in FOLD_KINDS:
        fewest = int(np.bincount(rows.target.values[:, 0]).min())
        fewer = {"n_folds": fewest} if max(1, config.fold) < fewest < config.n_folds else {}
        wider = _fractions(rows, config.model_copy(update=fewer))
        return [fewer] + ([fewer | wider] if wider else [])
    if config.kind == "group":
        return [fractions]
    if config.kind == "random":
        return [{"kind": "stratified"}, {"kind": "stratified"} | fractions]
    return [{"kind": "random"}, fractions]


def _first_seed(config: Split, works: Callable[[Split], bool]) -> list[dict[str, Any]]:
    """The first of a few seeds that divides the rows, if any does."""
    if _is_given(config):
        return []
    by_chance = {"kind": "random"} if config.kind in ("auto", "stratified") else {}
    changes = (by_chance | {"seed": seed} for seed in SEEDS)
    return list(islice((one for one in changes if works(config.model_copy(update=one))), 1))


def _fractions(rows: Rows, config: Split) -> dict[str, Any]:
    """The smallest fractions of validation and test rows, rounded up, with which every class can have a row."""
    n_divided = len(rows) * (1 - 1 / config.n_folds) if config.kind in FOLD_KINDS else len(rows)
    share = math.ceil(1000 * len(rows.target.classes) / n_divided) / 1000
    given = config.test_fraction is None or config.test_path or config.kind in FOLD_KINDS
    parts = ["val_fraction"] if given else ["val_fraction", "test_fraction"]
    return {part: share for part in parts if share > getattr(config, part)}
