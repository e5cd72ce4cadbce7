"""Renamed keys: one table for the command line, files, logged configs and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Former and current names; keys inside a renamed one are renamed too.
RENAMED: dict[str, str] = {
    "data.category_encodings": "data.category_encoding.by_column",
    "data.columns_as": "data.column_kinds",
    "data.imputes": "data.impute.by_column",
    "data.input_scalings": "data.input_scaling.by_column",
    "sweep.depth": "search.depth",
    "sweep.n_trials": "search.n_trials",
    "sweep.objectives": "search.objectives",
    "sweep.prune_from": "search.prune_from",
    "sweep.pruner": "search.pruner",
    "sweep.sampler": "search.sampler",
    "sweep.seed": "search.seed",
    "sweep.storage": "search.storage",
    "sweep.timeout": "search.timeout",
    "sweep.width": "search.width",
    "sweep.width_of": "search.width_of",
    "sweep.study": "search.study_name",
}

# Files of groups that are in another group, by how the words that choose them begin.
MOVED = {"experiment=study_": "study="}

HOLD_KEYS = ("hydra.sweeper.params", "study.sweep")  # mappings of full keys
NAME_KEYS = ("study.axis.key", "study.lines", "study.best_of")  # keys whose values are full keys


def new_key(key: str) -> str | None:
    """Returns the current name of a key of an earlier version; None for any other key."""
    for old, new in RENAMED.items():
        if key == old or key.startswith(f"{old}."):
            return new + key[len(old) :]
    holder = next((f"{holder}." for holder in HOLD_KEYS if key.startswith(f"{holder}.")), None)
    found = None if holder is None else new_key(key.removeprefix(holder))
    return None if found is None else f"{holder}{found}"


def new_choice(word: str) -> str | None:
    """Returns the word that chooses a file which an earlier version had in another group; None for any other word."""
    return next((new + word.removeprefix(old) for old, new in MOVED.items() if word.startswith(old)), None)


def of_missing_file(message: str) -> str:
    """Returns what to add to Hydra's message for a file that a config file chooses and that has moved; else nothing."""
    missing = re.search(r"Could not find '(\w+)/(\w+)'", message)
    word = f"{missing[1]}={missing[2]}" if missing else ""
    return f"\n{word} is now {new_choice(word)}" if new_choice(word) else ""


def old_key(key: str) -> str:
    """Returns the name of a key in earlier versions, which may be the same."""
    for old, new in RENAMED.items():
        if key == new or key.startswith(f"{new}."):
            return old + key[len(new) :]
    return key


def says_new(key: str) -> str:
    """Returns the message for a key of an earlier version."""
    return f"{key} is now {new_key(key)}"


def former_keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yields the keys of earlier versions that a nested mapping sets or names.

    Args:
        values: A config, or a part of one.
        prefix: Prefix of its keys, such as `data.`.
    """
    for name, value in values.items():
        key = f"{prefix}{name}"
        if new_key(key):
            yield key
        elif key in NAME_KEYS:
            yield from filter(new_key, value if isinstance(value, list) else [str(value)])
        elif isinstance(value, Mapping):
            yield from former_keys(value, "" if key in HOLD_KEYS else f"{key}.")
