"""Intervals of scores by the bootstrap (Efron 1979): rows drawn anew, as often as there are, and scored again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from pipeline.data import Target, identifiers

DRAWS = 1000
PERCENTILES = (2.5, 97.5)
MAX_GROUPS = 2000  # more rows than this are drawn in random groups of equal size: as good, and the work stays the same
MAX_RANKED = 2_000_000  # rows times draws times classes, for scores that sort the rows
MIN_DRAWS = 200

Interval = tuple[float, float]


def intervals(
    target: Target, outputs: dict[str, np.ndarray], weight: np.ndarray | None, seed: int
) -> dict[str, Interval]:
    """95 % intervals of the scores, by the names that `evaluate` gives them; some are left out where rows are many.

    Args:
        target: Truth.
        outputs: What the model made of the rows.
        weight: `(n_rows,)`; None weighs all alike.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    weight = np.ones(len(target.values)) if weight is None else weight
    if target.task == "regression":
        drawn = _regression(target, outputs["prediction"], weight, rng)
    else:
        drawn = _classes(target, outputs, weight, rng) | _ranked(target, outputs["probabilities"], weight, rng)
    defined = {name: values[np.isfinite(values)] for name, values in drawn.items()}
    return {
        name: (float(low), float(high))
        for name, values in defined.items()
        if len(values)
        for low, high in [np.percentile(values, PERCENTILES)]
    }


def _drawn(n: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n is drawn, `(n_draws, n)`."""
    numbers = rng.integers(0, n, (n_draws, n)) + n * np.arange(n_draws)[:, np.newaxis]
    return np.bincount(numbers.ravel(), minlength=n_draws * n).reshape(n_draws, n).astype(np.float64)


def _drawn_sums(statistics: Iterable[np.ndarray], n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Sums `(n_draws, n_statistics)` over drawn rows; of all rows, only one statistic is in memory at a time."""
    n_groups = min(n_rows, MAX_GROUPS)
    group = rng.permutation(n_rows) * n_groups // n_rows
    sums = [np.bincount(group, values, minlength=n_groups) for values in statistics]
    return _drawn(n_groups, DRAWS, rng) @ np.stack(sums, axis=1)


def _regression(
    target: Target, prediction: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    pairs = list(zip(prediction.T, target.values.T, strict=True))
    statistics = itertools.chain(
        [weight],
        (weight * np.abs(made - truth) for made, truth in pairs),
        (weight * (made - truth) ** 2 for made, truth in pairs),
        (weight * (truth - truth.mean()) for _, truth in pairs),
        (weight * (truth - truth.mean()) ** 2 for _, truth in pairs),
    )
    sums = _drawn_sums(statistics, len(weight), rng)
    total = sums[:, :1]
    absolute, squared, values, squares = np.split(sums[:, 1:], 4, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares - values**2 / total
        found = {"rmse": np.sqrt(squared / total), "mae": absolute / total, "r2": 1 - squared / spread}
    means = {name: each.mean(axis=1) for name, each in found.items()}
    if len(target.names) == 1:
        return means
    named = enumerate(identifiers(list(target.names)))
    return means | {f"{name}_{output}": each[:, at] for at, output in named for name, each in found.items()}


def _classes(
    target: Target, outputs: dict[str, np.ndarray], weight: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    truth, said, every = target.values[:, 0], target.named(outputs), range(len(target.classes))
    own = outputs["probabilities"][np.arange(len(truth)), truth]
    tiny = np.finfo(np.float64).eps
    statistics = itertools.chain(
        [weight, weight * (truth == said), -weight * np.log(np.clip(own, tiny, 1))],
        (weight * ((truth == number) & (said == number)) for number in every),
        (weight * (truth == number) for number in every),
        (weight * (said == number) for number in every),
    )
    sums = _drawn_sums(statistics, len(weight), rng)
    hits, actual, called = np.split(sums[:, 3:], 3, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * hits / (actual + called)
        there = np.isfinite(f1)
        f1_macro = np.where(there, f1, 0).sum(axis=1) / there.sum(axis=1)
        return {"accuracy": sums[:, 1] / sums[:, 0], "log_loss": sums[:, 2] / sums[:, 0], "f1_macro": f1_macro}


def _ranked(
    target: Target, probabilities: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Areas under the curves: of the second of two classes, or the mean of each class against the rest."""
    n_rows, n_classes = probabilities.shape
    positives = [1] if n_classes == 2 else range(n_classes)
    n_draws = min(DRAWS, MAX_RANKED // (n_rows * len(positives)))
    if n_draws < MIN_DRAWS:
        return {}
    weights = _drawn(n_rows, n_draws, rng) * weight
    areas = [_areas(probabilities[:, number], target.values[:, 0] == number, weights) for number in positives]
    roc, pr = (np.mean(each, axis=0) for each in zip(*areas, strict=True))
    return {"roc_auc": roc, "pr_auc": pr}


def _areas(probability: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area under the ROC curve and average precision of each draw; rows of equal probability count as one step."""
    order = np.argsort(-probability, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(probability[order])) + 1)
    hits = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    alarms = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    all_hits, all_alarms = hits.cumsum(axis=1), alarms.cumsum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = (alarms * (all_hits - hits / 2)).sum(axis=1) / (all_hits[:, -1] * all_alarms[:, -1])
        precision = np.nan_to_num(all_hits / (all_hits + all_alarms))
        pr = (hits * precision).sum(axis=1) / all_hits[:, -1]
    return roc, pr
