"""Overrides with keys of an earlier version, on a command line: named, each with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hydra.core.override_parser.types import Override

from pipeline.config.former.renamed import former_keys, new_key, says_new
from pipeline.config.quoting import in_shell

Parse = Callable[[list[str]], list[Override]]


def in_words(overrides: Sequence[Override], parse: Parse) -> tuple[list[Override], list[str]]:
    """The overrides by today's keys, so that what else is wrong can be found, and a line for each that had another.

    Args:
        overrides: As they were typed.
        parse: Makes overrides of words.
    """
    found, lines = [], []
    for override in overrides:
        key, value = override.key_or_group, override.value()
        inside = list(former_keys(value, f"{key}.")) if isinstance(value, dict) else []
        if new_key(key):
            word = with_new_key(str(override.input_line).lstrip("+"))  # which is not needed
            lines.append(f"{says_new(key)}; write {in_shell(word)}")
            found += parse([word])
        elif inside:
            lines += map(says_new, inside)
        else:
            found.append(override)
    return found, lines


def with_new_key(word: str) -> str:
    """An override as it is written now."""
    key = word.lstrip("+~").partition("=")[0]
    return word.replace(key, new_key(key) or key, 1)
