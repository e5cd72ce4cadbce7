"""The ensemble that `tune` selects, after epochs and after configurations."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from pipeline import load
from pipeline.data.preprocessing.scaling.targets import OutputScaler
from pipeline.data.target import make_target
from pipeline.evaluate.ensemble_selection import ValidationLoss
from pipeline.runtime.signals import leave, signals_raise
from pipeline.sweep.tune import selection as selecting
from pipeline.sweep.tune.configurations import Drawn
from pipeline.sweep.tune.limits import Limits
from pipeline.sweep.tune.networks import TrainedNetwork, TunedMember, TunedSnapshot
from pipeline.sweep.tune.resampling import Resampling
from pipeline.sweep.tune.selection import Selection

N_ROWS = 200
TRUTH = np.random.default_rng(0).normal(size=(N_ROWS, 1))


def loss_of(truth: np.ndarray) -> ValidationLoss:
    target = make_target({"y": pd.Series(truth[:, 0])}, "regression")
    return ValidationLoss(target, OutputScaler.fit(truth, "none", "data.output_scaling"), np.ones(len(truth)))


def selection(loss: ValidationLoss) -> Selection:
    return Selection(cast(Resampling, SimpleNamespace(loss=loss)), max_entries=32, seed=0)


def drawn(number: int) -> Drawn:
    return cast(Drawn, SimpleNamespace(number=number, words=()))


def member(number: int, averaged: np.ndarray, epoch: int = 99) -> TunedMember:
    trained = SimpleNamespace(checkpoint=SimpleNamespace(best_epoch=epoch))
    return TunedMember(drawn(number), (cast(TrainedNetwork, trained),), averaged, 0.0)


def snapshot(number: int, epoch: int, averaged: np.ndarray, weights: list[np.ndarray] | None = None) -> TunedSnapshot:
    return TunedSnapshot(drawn(number), epoch, averaged, lambda: weights or [])


def errors(seed: int) -> np.ndarray:
    return np.random.default_rng(seed + 1).normal(size=TRUTH.shape)


def names(found: Selection) -> list[tuple[int, int]]:
    """Numbers and epochs of the ensemble's networks; the best weights have epoch 99."""
    return sorted((one.drawn.number, one.epoch) for one in found.networks)


def test_a_network_in_training_is_kept_as_it_was_when_it_was_selected() -> None:
    found = selection(loss_of(TRUTH))
    found.add(member(0, TRUTH + errors(0)))
    weights = [np.zeros(2)]
    taken = TunedSnapshot(drawn(1), 3, TRUTH - errors(0), lambda: [weights[0].copy()])
    found.consider([taken])
    weights[0] += 1  # training goes on
    found.consider([snapshot(1, 4, TRUTH + 5 * errors(1))])
    assert names(found) == [(0, 99), (1, 3)]
    (kept,) = found.snapshots_of(1)
    np.testing.assert_array_equal(kept.weights()[0], np.zeros(2))
    assert found.shares == pytest.approx({0: 0.5, 1: 0.5}, abs=0.1)
    assert found.snapshots_of(0) == []


def test_a_snapshot_that_a_better_one_replaces_is_not_kept() -> None:
    found = selection(loss_of(TRUTH))
    for epoch, size in enumerate((1.0, 0.1), start=1):
        found.consider([snapshot(0, epoch, TRUTH + size * errors(0))])
    assert names(found) == [(0, 2)]
    found.add(member(0, TRUTH + 0.01 * errors(0)))
    assert names(found) == [(0, 99)]


def test_the_best_weights_take_the_place_of_their_own_snapshot() -> None:
    found = selection(loss_of(TRUTH))
    found.consider([snapshot(0, 7, TRUTH + errors(0)), snapshot(1, 7, TRUTH - errors(0))])
    reached = found.reached
    found.add(member(0, TRUTH + errors(0), epoch=7))
    assert (names(found), found.reached) == ([(0, 7), (1, 7)], reached)
    assert found.snapshots_of(0) == []
    assert found.entries[0] is found.members[0]


def test_outputs_that_are_not_finite_are_not_selected() -> None:
    found = selection(loss_of(TRUTH))
    found.consider([snapshot(0, 1, np.full_like(TRUTH, np.nan)), snapshot(1, 1, TRUTH + errors(1))])
    assert names(found) == [(1, 1)]


def test_what_fails_or_does_not_end_leaves_the_ensemble() -> None:
    found = selection(loss_of(TRUTH))
    found.consider([snapshot(0, 1, TRUTH + errors(0))])
    found.omit(0)
    assert (found.entries, found.reached) == ([], np.inf)
    found.add(member(1, TRUTH + errors(0)))
    alone = found.reached
    found.consider([snapshot(2, 1, TRUTH - errors(0))])
    assert found.reached < alone
    found.omit_unfinished()
    assert (names(found), found.reached) == ([(1, 99)], alone)


@pytest.mark.parametrize(
    ("settings", "n_tried", "minutes", "raised"),
    [
        ("tune.minutes=10 tune.n_trials=2", 2, 1, "tune.n_trials=4"),
        ("tune.minutes=10 tune.n_trials=20", 2, 9.9, "tune.minutes=20"),
        ("tune.minutes=10", 2, 9.9, "tune.minutes=20"),
        ("tune.minutes=10", 2, 2, None),
        ("tune.minutes=null tune.n_trials=3", 3, 99, "tune.n_trials=6"),
    ],
)
def test_the_limit_that_ended_tuning_is_the_one_to_raise(
    settings: str, n_tried: int, minutes: float, raised: str | None
) -> None:
    found = selection(loss_of(TRUTH))
    found.members.append(member(0, TRUTH))
    limits = Limits(load(*settings.split()).tune, seconds_before=60 * minutes, n_tried=n_tried)
    assert limits.are_reached(found) == (raised is not None)
    assert limits.to_raise() == raised


def test_an_interrupt_waits_until_a_trained_network_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    found = selection(loss_of(TRUTH))
    select = selecting.select

    def interrupted(*given: Any, **settings: Any) -> list[int]:
        os.kill(os.getpid(), signal.SIGINT)
        return select(*given, **settings)

    monkeypatch.setattr(selecting, "select", interrupted)
    with signals_raise():
        with pytest.raises(KeyboardInterrupt):
            found.add(member(0, TRUTH + errors(0)))
        leave()
    assert names(found) == [(0, 99)]


def test_a_configuration_that_the_ensemble_has_from_an_earlier_epoch_is_not_idle() -> None:
    found = selection(loss_of(TRUTH))
    found.add(member(0, TRUTH + errors(0)))
    found.consider([snapshot(1, 1, TRUTH - errors(0)), snapshot(2, 1, TRUTH + 3 * errors(2))])
    for number in (1, 2, 3):
        found.add(member(number, TRUTH + 3 * errors(number)))
    assert 1 in found.shares
    assert found.n_idle == 2


def test_epochs_to_choose_from_do_not_make_chance_a_reason() -> None:
    """Where no network and no epoch is better than another, the ensemble is as good on new rows as the mean of all."""
    worse = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(1500, 1))
        truth = signal + rng.normal(size=signal.shape)
        found, new = selection(loss_of(truth[:750])), loss_of(truth[750:])
        networks = [signal + 0.5 * rng.normal(size=truth.shape) for _ in range(8)]
        later: dict[tuple[int, int], np.ndarray] = {}
        for epoch in range(15):
            outputs = [network + 0.2 * rng.normal(size=truth.shape) for network in networks]
            later |= {(number, epoch): one[750:] for number, one in enumerate(outputs)}
            found.consider([snapshot(number, epoch, one[:750]) for number, one in enumerate(outputs)])
        for number, one in enumerate(networks):
            later[number, 99] = one[750:]
            found.add(member(number, one[:750]))
        chosen = [later[one.drawn.number, one.epoch] for one in found.entries]
        worse.append(new(np.mean(chosen, axis=0)) / new(np.mean(networks, axis=0)[750:]))
    assert np.mean(worse) < 1.01
