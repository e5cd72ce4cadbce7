"""Permutation importance of parameters, in a random forest that predicts the rank of a configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from pipeline.compare.logged_values import ordered, parsed
from pipeline.compare.ranking import Comparison

FEWEST = 8  # configurations: a forest learns nothing from fewer
N_FOLDS, N_TREES, N_REPEATS = 3, 40, 5
MAX_ROWS = 2000  # more only take longer


@dataclass(frozen=True)
class ParameterImportance:
    """How much of the ranking the parameters explain, and the share of each."""

    explained: float  # R2 of the ranks of held-out configurations
    shares: dict[str, float]  # by key, largest first; they sum to 1

    @property
    def is_meaningful(self) -> bool:
        """Whether the forest predicts better than a constant."""
        return self.explained > 0.1


def importance(comparison: Comparison) -> ParameterImportance | None:
    """Fits a forest (Breiman 2001) to the ranks, and permutes each parameter of held-out configurations.

    It predicts ranks, because a few diverged runs would dominate the variance of scores.

    Returns:
        The importance; None with fewer than eight configurations or if no parameter differs.
    """
    candidates = comparison.candidates[:: math.ceil(len(comparison.candidates) / MAX_ROWS) or 1]
    keys = comparison.varying
    if len(candidates) < FEWEST or not keys:
        return None
    inputs = np.column_stack([_numbers([candidate.params[key] for candidate in candidates]) for key in keys])
    ranks = np.linspace(0, 1, len(candidates))
    drops, predicted = np.zeros(len(keys)), np.empty(len(candidates))
    for seen, unseen in KFold(N_FOLDS, shuffle=True, random_state=0).split(inputs):
        forest = RandomForestRegressor(N_TREES, min_samples_leaf=2, random_state=0).fit(inputs[seen], ranks[seen])
        predicted[unseen] = forest.predict(inputs[unseen])
        found = permutation_importance(forest, inputs[unseen], ranks[unseen], n_repeats=N_REPEATS, random_state=0)
        drops += np.maximum(found.importances_mean, 0)
    shares = drops / (drops.sum() or 1.0)
    explained = 1 - float(np.sum((ranks - predicted) ** 2) / np.sum((ranks - ranks.mean()) ** 2))
    return ParameterImportance(
        explained, {keys[place]: float(shares[place]) for place in np.argsort(-shares, kind="stable")}
    )


def _numbers(values: list[str]) -> np.ndarray:
    """Returns numbers unchanged, and other values by their position in the natural order."""
    found = [parsed(value) for value in values]
    if all(isinstance(value, float) for value in found):
        return np.array(found, dtype=np.float64)
    places = {value: place for place, value in enumerate(ordered(values))}
    return np.array([places[value] for value in values], dtype=np.float64)
