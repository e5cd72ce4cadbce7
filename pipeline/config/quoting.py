"""Quoting of overrides for a shell and for Hydra, which would read some texts as other values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

KEY = re.compile(r"[\w@:./+~-]+")
ESCAPED = re.compile(r"[\\()\[\]{}:=,]")  # characters to escape in a name of a mapping
EXAMPLE = "data.target='f(x)'"
NAMES = ("missing_values", "target", "drop", "columns", "sample_weight")  # keys of `data` that accept any text
OF_NAMES = re.compile(rf"\+{{0,2}}data\.({'|'.join(NAMES)}|split\.column)=(?!.*[(){{}}\\$])")
ITEM = re.compile(r"""'[^']*'|"[^"]*"|[^,\[\]'"]+""")
LIKE_A_NUMBER = re.compile(r"[+-]?\.?[0-9][0-9_.eE+-]*|true|false", re.IGNORECASE)


def in_shell(word: str) -> str:
    """Quotes a word for a shell, with inner quotes left readable."""
    return f'"{word}"' if not re.search(r'["$`\\!]', word) else shlex.quote(word)


def quoted(value: object) -> str:
    """Quotes a value so that Hydra reads it as text."""
    text = str(value).replace("\\", "\\\\") if str(value).endswith("\\") else str(value)
    return "'" + text.replace("'", r"\'") + "'"


def how_to_quote(word: str) -> str:
    """Explains how to quote an override that Hydra cannot parse; with the corrected override if there is one."""
    key, _, value = word.partition("=")
    value = value.strip()
    candidates = [f"{key}={quoted(value)}"]
    if value[:1] == "[" and value[-1:] == "]":
        items = (item.strip() for item in value[1:-1].split(","))
        candidates = [f"{key}=[{', '.join(item if _is_quoted(item) else quoted(item) for item in items)}]", *candidates]
    elif value[:1] in ("[", "{"):
        candidates = []
    for candidate in candidates if KEY.fullmatch(key) else []:
        if _can_be_read(candidate):
            return f"Quote a value with these characters twice: {in_shell(candidate)}"
    return f"Quote a text with these characters twice, as in {in_shell(EXAMPLE)}"


def as_typed(words: Sequence[str]) -> list[str]:
    """Quotes the column names and missing values in overrides that Hydra would change.

    Hydra turns 1.10 into 1.1, 1_000 into 1000, 1e3 into 1000.0, and true into True.
    """
    return [_as_typed(word) for word in words]


def _as_typed(word: str) -> str:
    found = OF_NAMES.match(word)
    return word if found is None else found[0] + ITEM.sub(lambda item: _kept(item[0]), word[found.end() :])


def _kept(item: str) -> str:
    text = item.strip()
    if not LIKE_A_NUMBER.fullmatch(text):
        return item
    value = OverridesParser.create().parse_override(f"x={text}").value()
    return item if str(value) == text else item.replace(text, quoted(text))


def by_column(key: str, values: Mapping[str, str]) -> str:
    """Formats an override with a value per column for a shell; if Hydra cannot parse it, names a config file instead.

    Args:
        key: The key.
        values: Values by column.
    """
    names = {name: ESCAPED.sub(r"\\\g<0>", name) for name in values}
    entries = (f"{names[name]}: {value}" for name, value in values.items())
    word = f"{key}={{{', '.join(entries)}}}"
    return in_shell(word) if _can_be_read(word) else f"{key} for {', '.join(map(repr, values))} in a config file"


def _is_quoted(item: str) -> bool:
    return len(item) > 1 and item[0] == item[-1] and item[0] in "'\""


def _can_be_read(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True
