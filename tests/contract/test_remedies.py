"""Every override that a message prints is tried: it is pasted as it stands, and the same message never comes again."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.test_bad_input import CORPUS, A, Corpus, N, npz, prepared, table
from pipeline import ConfigError, DataError

pytestmark = pytest.mark.slow

ROOTS = "data|fit|model|seed|objective|decision|tracking|sweep"
# In double or single quotes as for a shell, or as it stands; several with blanks between them belong together.
OVERRIDE = rf"""(?:"(?:{ROOTS})[\w.]*=[^"]*"|'(?:{ROOTS})[\w.]*=[^']*'|(?<![\w.'"])(?:{ROOTS})[\w.]*=[^\s;,()]+)"""
REMEDY = re.compile(rf"{OVERRIDE}(?: {OVERRIDE})*")
AS_EXAMPLE = re.compile(r"as in '?\"?$")
MAX_WAY_LENGTH = 4  # messages, one after the other
# Overrides that another message, or the user's own file, has to go with: the reason stands beside each.
NOT_BY_THEMSELVES = {
    "data.header=false": "goes with data.columns, the user's own names",
    "data.columns=[...]": "the user's own names",
    "data.drop=[...]": "the user's own names",
}

MORE: Corpus = {
    "200 classes of 3 rows": (table(a=np.arange(600.0), y=[f"c{row // 3}" for row in range(600)]), [], []),
    "200 classes of 3 rows, random": (
        table(a=np.arange(600.0), y=[f"c{row // 3}" for row in range(600)]), ["data.split.kind=random"], []
    ),
    "200 classes of 3 rows, folds": (
        table(a=np.arange(600.0), y=[f"c{row // 3}" for row in range(600)]), ["data.split.kind=kfold"], []
    ),
    "counts": (table(a=A, y=[0, 1] * 19 + [7, 9]), [], []),
    "counts in folds": (table(a=A, y=[0, 1] * 19 + [7, 9]), ["data.split.kind=kfold"], []),
    "a parenthesis in a name": (table(a=A, **{"f(x)": A / 3}), ["data.target=f(x)"], []),
    "a number for a name": (table(a=A, **{"1": A / 3}), ["data.target=1"], []),
    "a comma in a name": (table(a=A, **{"a,b": A / 3}), ["data.target=a,b"], []),
    "a marker that is not a word": (table(a=["<0.1", *A[1:]], y=A / 3), ["data.missing_values=[<0.1]"], []),
    "dates and others": (
        table(**{"f(x)": [*[f"2024-01-{1 + row % 28:02}" for row in range(N - 1)], "soon"]}, y=A / 3),
        ["data.split.path=FOLDER/p.npz"], [],
    ),
    "infinite": (table(a=[np.inf, 1e31, *A[2:]], y=A / 3), [], []),
    "a target with gaps": (table(a=A, y=[None, *A[1:] / 3]), [], []),
    "a target with infinities and gaps": (table(a=A, y=[None, np.inf, *A[2:] / 3]), [], []),
    "stratified in blocks": (
        table(a=np.arange(200.0), y=["p", "q"] * 100),
        ["data.streaming=on", "data.memory_budget=64MB", "data.split.kind=stratified"], [],
    ),
    "a rare class in blocks": (
        table(a=np.arange(200.0), y=[*["p", "q"] * 99, "r", "s"]), ["data.streaming=on", "data.memory_budget=64MB"], []
    ),
    "too small a budget": (table(a=A, y=A / 3), ["data.streaming=on", "data.memory_budget=1MB"], []),
    "a decimal comma": (table(a=A, y=[f"{row},5" for row in range(N)]), [], []),
    "a regression by class": (table(a=A, y=A / 3), ["data.split.kind=stratified"], []),
}  # fmt: skip
SITUATIONS = CORPUS | MORE


def remedies_in(message: str, given: list[str]) -> Iterator[list[str]]:
    """The overrides that a message tells to set, as a shell would pass them on."""
    for word in given:
        message = message.replace(word, "")  # what it is about
    for found in REMEDY.finditer(message):
        words = shlex.split(found[0].rstrip(".:"))
        if not AS_EXAMPLE.search(message[: found.start()]) and NOT_BY_THEMSELVES.keys().isdisjoint(words):
            yield words


def reported(folder: Path, name: str, words: list[str]) -> str | None:
    """The message, or None if all is well."""
    files, overrides, _ = SITUATIONS[name]
    if isinstance(files, bytes):
        files = {"t.csv": files, "p.npz": npz(train=np.arange(30), val=np.arange(30, 35), test=np.arange(35, 40))}
    replaced = {word.partition("=")[0] for word in words}
    kept = [word for word in overrides if word.partition("=")[0] not in replaced]
    try:
        prepared(folder, files, [*kept, *words])
    except (ConfigError, DataError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", SITUATIONS)
def test_printed_overrides_do_not_lead_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    first = reported(tmp_path, name, [])
    assert first is not None
    given = SITUATIONS[name][1]
    ways = [([first], words) for words in remedies_in(first, given)]
    while ways:
        messages, words = ways.pop()
        message = reported(tmp_path, name, words)
        if message is None:
            continue
        assert "not an override such as key=value" not in message, (words, message)
        assert message not in messages, f"{words} lead back to: {message}"
        assert len(messages) < MAX_WAY_LENGTH, [*messages, message]
        ways += [([*messages, message], [*words, *more]) for more in remedies_in(message, [*given, *words])]


@pytest.mark.parametrize("name", sorted(MORE.keys() - {"a rare class in blocks"}))  # which takes two
def test_one_of_the_printed_overrides_is_all_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    message = reported(tmp_path, name, [])
    assert message is not None
    outcomes = {" ".join(words): reported(tmp_path, name, words) for words in remedies_in(message, SITUATIONS[name][1])}
    assert None in outcomes.values(), (message, outcomes)
