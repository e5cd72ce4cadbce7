"""Configurations of `tune` that train as one network."""

from __future__ import annotations

import itertools

import pytest

from pipeline import load
from pipeline.sweep.tune.configurations import Drawn, configurations
from pipeline.sweep.tune.packing import LOOK_AHEAD, Group, groups

PLAIN = ("model=dense", "model.numeric_embedding=none")


def grouped(*words: str, n: int = 17, n_affordable: int = 1000) -> list[Group]:
    drawn = itertools.islice(configurations(("data=iris", *words), load("data=iris", *words)), n)
    return list(groups(drawn, lambda: n_affordable))


def widths(drawn: Drawn) -> list[int]:
    units: list[int] = drawn.config.model.units
    return units


def test_the_first_is_alone_and_others_are_packed_by_their_sizes() -> None:
    found = grouped(*PLAIN)
    assert [drawn.number for drawn in found[0].networks] == [0]
    assert sorted(drawn.number for group in found for drawn in group.networks) == list(range(17))
    assert max(len(group.networks) for group in found) > 2
    assert [group.networks[0].number for group in found] == sorted(group.networks[0].number for group in found)
    for group in found:
        assert max(sum(widths(drawn)) for drawn in group.networks) <= 2 * min(
            sum(widths(one)) for one in group.networks
        )


def test_a_group_has_its_share_of_the_time_that_others_wait_for() -> None:
    (_, *found) = grouped(*PLAIN)
    waiting = [sum(len(group.networks) for group in found[place:]) for place in range(len(found))]
    assert [group.share for group in found] == pytest.approx(
        [len(group.networks) / n for group, n in zip(found, waiting, strict=True)]
    )
    assert found[-1].share == 1


@pytest.mark.parametrize("words", [["model=tabm"], [*PLAIN, "model.batch_norm=true"], [*PLAIN, "fit.optimizer=muon"]])
def test_what_cannot_be_packed_is_not_waited_for(words: list[str]) -> None:
    drawn = configurations(("data=iris", *words), load("data=iris", *words))
    found = groups(drawn, lambda: 1000)
    assert [[one.number for one in next(found).networks] for _ in range(3)] == [[0], [1], [2]]
    assert next(drawn).number == 3


@pytest.mark.parametrize(("n_affordable", "n_seen"), [(5, 5), (0, 1), (1000, LOOK_AHEAD)])
def test_no_more_are_drawn_than_there_is_time_for(n_affordable: int, n_seen: int) -> None:
    drawn = configurations(("data=iris", *PLAIN), load("data=iris", *PLAIN))
    found = groups(drawn, lambda: n_affordable)
    next(found), next(found)
    assert next(drawn).number == 1 + n_seen
