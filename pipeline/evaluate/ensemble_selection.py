"""Selects the networks of an ensemble: greedy with repetition, on validation rows (Caruana et al. 2004)."""

from __future__ import annotations

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from threadpoolctl import ThreadpoolController

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

    @property
    def name(self) -> str:
        """Name of the score that it is on validation rows."""
        return "val_rmse" if self.target.task == "regression" else "val_log_loss"

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
        shares = self.weight / self.weight.sum()
        if self.target.task == "regression":
            return float(np.sqrt(shares @ np.square(self.scaler.invert(mean) - self.target.values)).mean())
        return -float(np.log(np.maximum(mean[:, 0], np.finfo(np.float64).tiny)) @ shares)

    def by_rows(self, candidates: Sequence[np.ndarray]) -> Callable[[np.ndarray], _Losses]:
        """Returns a function from `(n_rows,)` weights to the losses by which a greedy selection adds candidates.

        Args:
            candidates: What `averaged` returns for each.
        """
        if self.target.task == "regression":
            errors = np.stack([(self.scaler.invert(one) - self.target.values).T for one in candidates], axis=1)
            return lambda weight: _SquaredErrors(*_counted(errors, weight))
        probabilities = np.stack([one[:, 0] for one in candidates])
        return lambda weight: _LogLosses(*_counted(probabilities, weight))

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
    with _blas().limit(limits=1, user_api="blas"):  # threads gain nothing here, and lose much beside other programs
        return _selected(loss, loss.by_rows(candidates), max_entries, seed)


def _selected(loss: ValidationLoss, of_rows: Callable[[np.ndarray], _Losses], max_entries: int, seed: int) -> list[int]:
    n_rows = len(loss.weight)
    if n_rows >= ENOUGH_ROWS:
        return _greedy(of_rows(loss.weight), max_entries)
    generator = np.random.default_rng(seed)
    shares: defaultdict[int, float] = defaultdict(float)
    for _ in range(N_BAGS):
        drawn = loss.weight * generator.multinomial(n_rows, np.full(n_rows, 1 / n_rows))
        chosen = _greedy(of_rows(drawn if drawn.any() else loss.weight), max_entries)
        for number, count in Counter(chosen).items():
            shares[number] += count / len(chosen) / N_BAGS
    return _apportioned(shares, max_entries)


@functools.cache
def _blas() -> ThreadpoolController:
    """Returns what limits the threads of matrix products; making it takes 20 ms."""
    return ThreadpoolController()


def mean_of(candidates: Sequence[np.ndarray], entries: Sequence[int]) -> np.ndarray:
    """Returns the mean output of an ensemble.

    Args:
        candidates: `loss.averaged` of each candidate's outputs.
        entries: Indices of candidates, which can repeat.
    """
    found: np.ndarray = np.mean([candidates[number] for number in entries], axis=0)
    return found


class _Losses(Protocol):
    """The losses of ensembles that have one more entry."""

    def with_each(self) -> np.ndarray:
        """Returns `(n_candidates,)` losses of the ensemble with each candidate added."""

    def add(self, number: int) -> None:
        """Adds a candidate."""


class _SquaredErrors:
    """Losses of a regression, from the candidates' products of errors: a step does not need the rows.

    Errors are averaged in the targets' units. That is exact for affine scalings; predictions beyond the range of
    `data.output_clip` count as its end before they are averaged instead of after.

    Args:
        errors: `(n_targets, n_candidates, n_rows)`.
        shares: `(n_rows,)` weights that sum to 1.
    """

    def __init__(self, errors: np.ndarray, shares: np.ndarray) -> None:
        self._products = (errors * shares) @ errors.swapaxes(1, 2)  # (n_targets, n_candidates, n_candidates)
        self._own = np.diagonal(self._products, axis1=1, axis2=2)
        self._total = np.zeros((len(errors), 1))
        self._with_total = np.zeros_like(self._own)
        self._n_entries = 0

    def with_each(self) -> np.ndarray:
        squares = (self._total + 2 * self._with_total + self._own) / (self._n_entries + 1) ** 2
        found: np.ndarray = np.sqrt(np.maximum(squares, 0)).mean(axis=0)
        return found

    def add(self, number: int) -> None:
        self._total += 2 * self._with_total[:, [number]] + self._own[:, [number]]
        self._with_total = self._with_total + self._products[:, number]
        self._n_entries += 1


class _LogLosses:
    """Log losses.

    Args:
        probabilities: `(n_candidates, n_rows)` of the true classes.
        shares: `(n_rows,)` weights that sum to 1.
    """

    def __init__(self, probabilities: np.ndarray, shares: np.ndarray) -> None:
        self._probabilities, self._shares = probabilities, shares
        self._total = np.zeros_like(shares)
        self._n_entries = 0

    def with_each(self) -> np.ndarray:
        totals = np.maximum(self._total + self._probabilities, np.finfo(np.float64).tiny)
        found: np.ndarray = math.log(self._n_entries + 1) - np.log(totals, out=totals) @ self._shares
        return found

    def add(self, number: int) -> None:
        self._total = self._total + self._probabilities[number]
        self._n_entries += 1


def _greedy(losses: _Losses, max_entries: int) -> list[int]:
    """Adds the candidate that improves the mean most until no candidate improves it."""
    entries: list[int] = []
    reached = np.inf
    while len(entries) < max_entries:
        found = losses.with_each()
        best = int(np.argmin(found))
        if entries and found[best] >= reached:
            break
        entries.append(best)
        losses.add(best)
        reached = float(found[best])
    return entries


def _counted(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns values `(..., n_rows)` and shares of the rows that have a weight."""
    has_weight = weight > 0
    return values[..., has_weight], weight[has_weight] / weight.sum()


def _apportioned(shares: Mapping[int, float], n_entries: int) -> list[int]:
    """Apportions entries by shares that sum to 1: integer parts first, then the largest remainders."""
    quotas = {number: share * n_entries for number, share in shares.items()}
    counts = {number: int(quota) for number, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda number: (counts[number] - quotas[number], number))
    for number in by_remainder[: n_entries - sum(counts.values())]:
        counts[number] += 1
    return [number for number in sorted(counts) for _ in range(counts[number])]
