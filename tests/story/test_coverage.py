"""Bounds and sets of labels hold as often as asked, on splits that are drawn anew: whatever the network is worth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from pipeline import load
from pipeline.evaluate import baselines
from pipeline.export.conformal import range_of_coverage, rank
from pipeline.train import prepare, score, train

pytestmark = pytest.mark.slow

COVERAGE, LEVEL = 0.9, 0.99
SPLITS = int(os.environ.get("PIPELINE_SPLITS", "4"))  # of each table; 20 take a quarter of an hour
LOWEST, HIGHEST, ENOUGH, MANY = 0.88, 0.93, 100, 20  # mean over many splits, where so many rows are kept
DEVIATIONS = 3.3  # of a mean, within which nearly all are
QUICK = ("fit.epochs=5", "baselines=[]", "fit.early_stopping.patience=2", "fit.schedule=constant")
BOUNDS, SETS = "interval", "prediction_set"
BUNDLED = {"diabetes": BOUNDS, "breast_cancer": SETS, "iris": SETS, "wine": SETS}
# Tables whose split is drawn at random, with their experiment and file.
TABLES = {
    "ames_housing": (BOUNDS, "ames_housing/AmesHousing.csv"),
    "auto_mpg": (BOUNDS, "auto_mpg/auto-mpg.data"),
    "california": (BOUNDS, "california_housing/california_sklearn.csv"),
    "california_housing_text": (BOUNDS, "california_housing_text/housing.csv"),
    "energy_efficiency": (BOUNDS, "energy_efficiency/energy.csv"),
    "adult": (SETS, "adult/adult.data"),
    "penguins": (SETS, "penguins/penguins.csv"),
    "titanic": (SETS, "titanic/train.csv"),
}


class Covered(NamedTuple):
    """Of one target on one split."""

    share: float  # of the test rows
    n_calibration: int
    n_test: int

    @property
    def is_in_range(self) -> bool:
        """Whether so many rows allow it."""
        low, high = range_of_coverage(self.n_calibration, COVERAGE, LEVEL, self.n_test)
        return low <= self.share <= high


def covered(words: tuple[str, ...], kind: str, seed: int, store: str) -> Iterator[Covered]:
    """Trains and scores; nothing is exported."""
    config = load(*words, *QUICK, f"decision.{kind}={COVERAGE}", f"seed={seed}", f"tracking.uri={store}")
    prepared = prepare(config)
    with baselines.in_background(config, prepared.dataset) as beside, train(config, prepared) as trained:
        scored = score(config, prepared, trained, beside)
    found, learned = scored.found, scored.decided.learned
    truth, outputs = found.targets["test"].values, found.outputs["test"]
    if kind == BOUNDS:
        hits = (outputs["lower"] <= truth) & (truth <= outputs["upper"])
    else:
        hits = outputs["prediction_set"][np.arange(len(truth)), truth[:, 0]][:, np.newaxis] > 0
    for of_target in hits.T:
        made = learned.interval or learned.prediction_set
        assert made is not None
        yield Covered(float(of_target.mean()), made.n_rows, len(truth))


def check(name: str, words: tuple[str, ...], kind: str, store: str) -> None:
    found = [each for seed in range(SPLITS) for each in covered(words, kind, seed, store)]
    shares = np.array([each.share for each in found])
    n_out = sum(not each.is_in_range for each in found)
    print(
        f"{name}: mean {shares.mean():.4f}, {shares.min():.3f} to {shares.max():.3f} on {SPLITS} splits; {n_out} of "
        f"{len(found)} beyond {LEVEL:.0%} for {found[0].n_calibration} and {found[0].n_test} rows"
    )
    n, n_test = found[0].n_calibration, found[0].n_test
    deviation = stats.betabinom(n_test, rank(n, COVERAGE), n + 1 - rank(n, COVERAGE)).std() / n_test
    assert shares.mean() == pytest.approx(rank(n, COVERAGE) / (n + 1), abs=DEVIATIONS * deviation / SPLITS**0.5)
    if n >= ENOUGH and SPLITS >= MANY:
        assert LOWEST <= shares.mean() <= HIGHEST
    assert n_out <= stats.binom(len(found), 1 - LEVEL).ppf(0.999)  # that chance alone puts there


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_tables(store: str, name: str) -> None:
    check(name, (f"data={name}", "model.units=[16]"), BUNDLED[name], store)


def test_members(store: str) -> None:
    words = ("data=diabetes", "model=tabm", "model.members=8", "model.units=[16]", "fit=adamw")
    check("diabetes, tabm", words, BOUNDS, store)


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_experiments(store: str, real_data: Callable[[str], Path], name: str) -> None:
    kind, file = TABLES[name]
    check(name, (f"experiment={name}", f"data.path={real_data(file)}"), kind, store)
