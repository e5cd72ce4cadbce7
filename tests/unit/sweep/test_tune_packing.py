"""Configurations of `tune` that train as one network."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import cast

import pytest

from pipeline import load
from pipeline.sweep.tune.configurations import Drawn, configurations
from pipeline.sweep.tune.limits import Limits
from pipeline.sweep.tune.packing import LOOK_AHEAD, groups
from pipeline.sweep.tune.selection import Selection

PLAIN = ("model=dense", "model.numeric_embedding=none")


def grouped(*words: str, n: int = 17, n_ahead: int = 1000) -> list[list[Drawn]]:
    drawn = itertools.islice(configurations(("data=iris", *words), load("data=iris", *words)), n)
    return list(groups(drawn, lambda: n_ahead))


def widths(drawn: Drawn) -> list[int]:
    units: list[int] = drawn.config.model.units
    return units


def test_the_first_is_alone_and_others_are_packed_by_their_sizes() -> None:
    found = grouped(*PLAIN)
    assert [drawn.number for drawn in found[0]] == [0]
    assert sorted(drawn.number for group in found for drawn in group) == list(range(17))
    assert max(len(group) for group in found) > 2
    assert [group[0].number for group in found] == sorted(group[0].number for group in found)
    for group in found:
        assert max(sum(widths(drawn)) for drawn in group) <= 2 * min(sum(widths(one)) for one in group)


@pytest.mark.parametrize("words", [["model=tabm"], [*PLAIN, "model.batch_norm=true"], [*PLAIN, "fit.optimizer=muon"]])
def test_what_cannot_be_packed_is_not_waited_for(words: list[str]) -> None:
    drawn = configurations(("data=iris", *words), load("data=iris", *words))
    found = groups(drawn, lambda: 1000)
    assert [[one.number for one in next(found)] for _ in range(3)] == [[0], [1], [2]]
    assert next(drawn).number == 3


def test_what_is_planned_together_takes_a_quarter_of_the_time_that_is_left() -> None:
    limits = Limits(load("data=iris", "tune.minutes=4").tune)
    each = SimpleNamespace(seconds=6.0)
    assert limits.n_ahead(cast(Selection, SimpleNamespace(members=[each, each]))) == pytest.approx(10, abs=1)
    limits.seconds_before = 180  # by an earlier command
    assert limits.n_ahead(cast(Selection, SimpleNamespace(members=[each]))) == pytest.approx(2, abs=1)


@pytest.mark.parametrize(("n_ahead", "n_seen"), [(5, 5), (1, 1), (0, 1), (1000, LOOK_AHEAD)])
def test_no_more_are_drawn_than_there_is_time_for(n_ahead: int, n_seen: int) -> None:
    drawn = configurations(("data=iris", *PLAIN), load("data=iris", *PLAIN))
    found = groups(drawn, lambda: n_ahead)
    next(found), next(found)
    assert next(drawn).number == 1 + n_seen
