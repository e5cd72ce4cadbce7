"""Overrides as a shell and Hydra take them: a value that Hydra would take for something else stands in inner quotes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

KEY = re.compile(r"[\w@:./+~-]+")
ESCAPED = re.compile(r"[\\()\[\]{}:=,]")  # of a name in a mapping
EXAMPLE = "data.target='f(x)'"
NAMES = ("missing_values", "target", "drop", "columns", "sample_weight")  # keys of the data section that take any text
OF_NAMES = re.compile(rf"\+{{0,2}}data\.({'|'.join(NAMES)}|split\.column)=(?!.*[(){{}}\\$])")
ITEM = re.compile(r"""'[^']*'|"[^"]*"|[^,\[\]'"]+""")
LIKE_A_NUMBER = re.compile(r"[+-]?\.?[0-9][0-9_.eE+-]*|true|false", re.IGNORECASE)


def in_shell(word: str) -> str:
    """A word of a command line in quotes that keep the inner ones readable."""
    return f'"{word}"' if not re.search(r'["$`\\!]', word) else shlex.quote(word)


def quoted(value: object) -> str:
    """A value as text to Hydra, whatever it looks like."""
    text = str(value).replace("\\", "\\\\") if str(value).endswith("\\") else str(value)
    return "'" + text.replace("'", r"\'") + "'"


def how_to_quote(word: str) -> str:
    """Says how an override that Hydra cannot read is written, with one that it can if there is such."""
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
            return f"A value that holds such signs needs quotes inside of quotes: {in_shell(candidate)}"
    return f"A text that holds such signs needs quotes inside of quotes, as in {in_shell(EXAMPLE)}"


def as_typed(words: Sequence[str]) -> list[str]:
    """Overrides that name columns or marks of gaps, with quotes around what Hydra would make another text of.

    It makes 1.1 of 1.10, 1000 of 1_000, 1000.0 of 1e3, and True of true.
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
    """An override with an entry for each column, as a shell takes it; or where to write what Hydra cannot read."""
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
