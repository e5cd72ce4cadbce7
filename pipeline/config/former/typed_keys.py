"""Reports overrides with keys of earlier versions, each with its replacement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hydra.core.override_parser.types import Override

from pipeline.config.former.renamed import former_keys, new_choice, new_key, says_new
from pipeline.config.quoting import in_shell

Parse = Callable[[list[str]], list[Override]]


def in_words(overrides: Sequence[Override], parse: Parse) -> tuple[list[Override], list[str]]:
    """Translates overrides to the current keys, so that other mistakes can be found too.

    Args:
        overrides: As typed.
        parse: Parses words into overrides.

    Returns:
        The translated overrides, and a line for each that used a former key.
    """
    found, lines = [], []
    for override in overrides:
        key, value = override.key_or_group, override.value()
        inside = list(former_keys(value, f"{key}.")) if isinstance(value, dict) else []
        if new_key(key):
            word = with_new_key(str(override.input_line).lstrip("+"))  # + is not needed for a known key
            lines.append(f"{says_new(key)}; write {in_shell(word)}")
            found += parse([word])
        elif inside:
            lines += map(says_new, inside)
        else:
            found.append(override)
    return found, lines


def with_new_key(word: str) -> str:
    """Returns an override with the current name of its key, or of the file that it chooses."""
    if (choice := new_choice(word)) is not None:
        return choice
    key = word.lstrip("+~").partition("=")[0]
    return word.replace(key, new_key(key) or key, 1)
