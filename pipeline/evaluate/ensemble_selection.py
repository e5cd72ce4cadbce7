"""Selects the networks of an ensemble: greedy with repetition, on validation rows (Caruana et al. 2004)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.data import Preprocessing, Rows, Target
from pipeline.data.preprocessing.scaling.targets import OutputScaler
from pipeline.evaluate.paired import of_logarithms, of_squares, standard_error

N_BAGS = 16
ENOUGH_ROWS = 5_000  # with so many validation rows bootstraps are not needed: the selection generalizes


@dataclass(frozen=True)
class ValidationLoss:
    """Loss of an averaged output: RMSE in the targets' units, averaged over targets, or log loss."""

    target: Target
    scaler: OutputScaler
    weight: np.ndarray  # (n_rows,)

    @classmethod
    def of(cls, rows: Rows, preprocessing: Preprocessing) -> ValidationLoss:
        """Makes the loss on these rows.

        Args:
            rows: Validation rows.
            preprocessing: Scaling of their targets.
        """
        weight = np.ones(len(rows)) if rows.sample_weight is None else rows.sample_weight
        return cls(rows.target, preprocessing.outputs, weight)

    def take(self, rows: np.ndarray) -> ValidationLoss:
        """Returns the loss on some of the rows, given by index."""
        return replace(self, target=self.target.take(rows), weight=self.weight[rows])

    def averaged(self, outputs: np.ndarray) -> np.ndarray:
        """Converts a network's outputs to what an ensemble averages, reduced to what the loss needs.

        Args:
            outputs: `(n_rows, n_outputs)`, scaled predictions or logits.

        Returns:
            Scaled predictions, or `(n_rows, 1)` probabilities of each row's true class.
        """
        outputs = outputs.astype(np.float64)
        if self.target.task == "regression":
            return outputs
        logits = np.concatenate([np.zeros_like(outputs), outputs], axis=1) if outputs.shape[1] == 1 else outputs
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        own = np.take_along_axis(exponentials, self.target.values, axis=1)
        found: np.ndarray = own / exponentials.sum(axis=1, keepdims=True)
        return found

    def __call__(self, mean: np.ndarray) -> float:
        """Computes the loss of a mean `(n_rows, n)` of what `averaged` returns."""
        return float(self.of_each(mean[np.newaxis], self.weight)[0])

    def of_each(self, means: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Computes the losses of several means.

        Args:
            means: `(n_means, n_rows, n)`.
            weight: `(n_rows,)`.

        Returns:
            `(n_means,)`
        """
        shares = weight / weight.sum()
        found: np.ndarray
        if self.target.task == "regression":
            original = self.scaler.invert(means.reshape(-1, means.shape[-1])).reshape(means.shape)
            found = np.sqrt(shares @ np.square(original - self.target.values)).mean(axis=1)
        else:
            found = -(np.log(np.maximum(means[..., 0], np.finfo(np.float64).tiny)) @ shares)
        return found

    def standard_error(self, mean: np.ndarray, other: np.ndarray) -> float:
        """Returns the standard error of the difference between the losses of two means, paired by row.

        Args:
            mean: `(n_rows, n)`.
            other: `(n_rows, n)`.
        """
        if self.target.task == "regression":
            own, others = (self.scaler.invert(given) for given in (mean, other))
            return standard_error(of_squares(self.target.values, own, others, self.weight), self.weight)
        return standard_error(of_logarithms(mean[:, 0], other[:, 0]), self.weight)


def select(candidates: Sequence[np.ndarray], loss: ValidationLoss, *, max_entries: int, seed: int) -> list[int]:
    """Returns the entries of the best ensemble found, as indices of candidates, which can repeat.

    With few validation rows a selection would overfit them. Then each of several selections uses a bootstrap of the
    rows, and an entry's weight is its mean over the selections (Caruana, Munson and Niculescu-Mizil 2006 draw
    candidates instead).

    Args:
        candidates: `loss.averaged` of each candidate's outputs.
        loss: Loss on the validation rows.
        max_entries: Maximum number of entries.
        seed: Seed of the bootstraps.
    """
    n_rows = len(loss.weight)
    if n_rows >= ENOUGH_ROWS:
        return _greedy(candidates, loss, loss.weight, max_entries)
    generator = np.random.default_rng(seed)
    shares: defaultdict[int, float] = defaultdict(float)
    for _ in range(N_BAGS):
        drawn = loss.weight * generator.multinomial(n_rows, np.full(n_rows, 1 / n_rows))
        chosen = _greedy(candidates, loss, drawn if drawn.any() else loss.weight, max_entries)
        for number, count in Counter(chosen).items():
            shares[number] += count / len(chosen) / N_BAGS
    return _apportioned(shares, max_entries)


def mean_of(candidates: Sequence[np.ndarray], entries: Sequence[int]) -> np.ndarray:
    """Returns the mean output of an ensemble.

    Args:
        candidates: `loss.averaged` of each candidate's outputs.
        entries: Indices of candidates, which can repeat.
    """
    found: np.ndarray = np.mean([candidates[number] for number in entries], axis=0)
    return found


def _greedy(candidates: Sequence[np.ndarray], loss: ValidationLoss, weight: np.ndarray, max_entries: int) -> list[int]:
    """Adds the candidate that improves the mean most until no candidate improves it."""
    entries: list[int] = []
    stacked, total, reached = np.stack(candidates), np.zeros_like(candidates[0]), np.inf
    while len(entries) < max_entries:
        losses = loss.of_each((total + stacked) / (len(entries) + 1), weight)
        best = int(np.argmin(losses))
        if entries and losses[best] >= reached:
            break
        entries.append(best)
        total, reached = total + candidates[best], float(losses[best])
    return entries


def _apportioned(shares: Mapping[int, float], n_entries: int) -> list[int]:
    """Apportions entries by shares that sum to 1: integer parts first, then the largest remainders."""
    quotas = {number: share * n_entries for number, share in shares.items()}
    counts = {number: int(quota) for number, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda number: (counts[number] - quotas[number], number))
    for number in by_remainder[: n_entries - sum(counts.values())]:
        counts[number] += 1
    return [number for number in sorted(counts) for _ in range(counts[number])]
