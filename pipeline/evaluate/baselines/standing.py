"""How a network stands to its baselines: scores side by side, and how much of a difference is noise of the rows.

Whether a difference is clear, and what to try next, is judged by validation rows; test scores are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.config import Config
from pipeline.config.rules import Baseline
from pipeline.config.scores import baseline_metric
from pipeline.data import Target
from pipeline.evaluate import Evaluation, Scores
from pipeline.evaluate.baselines.kept import Scored

CLEAR = 2.0  # standard errors, beyond which a difference is more than the noise of the validation rows
STRONG = "tabm"  # the architecture to try where another one loses
NEAR_THE_END = 0.9  # of the epochs: a best one behind it says that more of them may help
SEARCH = (
    "make sweep with the same keys and hydra/sweeper=search sweep.n_trials=20 "
    "'fit.learning_rate=tag(log,interval(3e-4,1e-2))'"
)


@dataclass(frozen=True)
class Difference:
    """By how much a network is better than a baseline on the validation rows, in RMSE or log loss."""

    score: str  # val_rmse or val_log_loss
    own: float
    other: float
    error: float  # standard error of own - other, over the rows

    @property
    def ahead(self) -> float:
        """Positive where the network is better."""
        return self.other - self.own

    @property
    def is_clear(self) -> bool:
        """Whether it is more than noise of the rows."""
        return abs(self.ahead) > CLEAR * self.error

    @property
    def told(self) -> str:
        """In words, such as `0.4 % better in val_rmse, within noise of the validation rows`."""
        share = abs(self.ahead) / self.other * 100 if self.other else 0.0
        way = "better" if self.ahead >= 0 else "worse"
        noise = "beyond noise" if self.is_clear else "within noise"
        return f"{share:.2g} % {way} in {self.score}, {noise} of the validation rows"


@dataclass(frozen=True)
class Standing:
    """A network beside its baselines."""

    scores: dict[Baseline, Scores]  # `train_rmse`, `val_rmse`, ... of each
    differences: dict[Baseline, Difference]
    advice: str | None  # what to try where boosting is clearly better

    @property
    def main_scores(self) -> tuple[str, ...]:
        """Of all scores those that tables list, without their part."""
        some = next(iter(self.scores.values()), {})
        return tuple(name for name in ("rmse", "log_loss", "accuracy") if f"val_{name}" in some)

    @property
    def metrics(self) -> dict[str, float]:
        """As a run logs them."""
        found: dict[str, float] = {}
        for name, scores in self.scores.items():
            found |= {baseline_metric(name, score): value for score, value in scores.items()}
            found[baseline_metric(name, "ahead")] = self.differences[name].ahead
            found[baseline_metric(name, "ahead_error")] = self.differences[name].error
        return found

    @property
    def told(self) -> dict[str, str]:
        """A sentence for each baseline, by a label."""
        return {f"against {name}": difference.told for name, difference in self.differences.items()}


def standing(
    baselines: Mapping[Baseline, Scored], found: Evaluation, config: Config, epochs: int, best_epoch: int | None
) -> Standing:
    """Compares.

    Args:
        baselines: What was collected.
        found: What the network made of the same rows.
        config: The experiment.
        epochs: That it trained for.
        best_epoch: Whose weights were kept.
    """
    differences = {name: difference(scored, found) for name, scored in baselines.items()}
    boosting = differences.get("boosting")
    loses = boosting is not None and boosting.is_clear and boosting.ahead < 0
    advice = "; ".join(_next(config, epochs, best_epoch)) if loses else None
    return Standing({name: scored.scores for name, scored in baselines.items()}, differences, advice)


def difference(scored: Scored, found: Evaluation) -> Difference:
    """A network against a baseline on the validation rows, pair by pair."""
    target, weight = found.targets["val"], found.weights["val"]
    if target.task == "regression":
        score, per_row = "val_rmse", _of_squares(target, found.outputs["val"]["prediction"], scored.val, weight)
    else:
        score, (own, other) = (
            "val_log_loss",
            (_logarithms(target, given) for given in (found.outputs["val"]["probabilities"], scored.val)),
        )
        per_row = own - other
    return Difference(score, found.scores[score], scored.scores[score], _standard_error(per_row, weight))


def _of_squares(target: Target, own: np.ndarray, other: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """What each row adds to the difference in RMSE: (a² - b²) / (a + b) = a - b; of several targets the mean."""
    squares = [np.square(given - target.values) for given in (own, other)]
    sums = np.sum([np.sqrt(np.average(of_rows, axis=0, weights=weight)) for of_rows in squares], axis=0)
    return ((squares[0] - squares[1]) / np.where(sums > 0, sums, 1)).mean(axis=1)


def _logarithms(target: Target, probabilities: np.ndarray) -> np.ndarray:
    """Each row's part of the log loss, clipped as scikit-learn does."""
    of_truth = probabilities[np.arange(len(probabilities)), target.values[:, 0]]
    smallest = np.finfo(probabilities.dtype).eps
    return -np.log(np.clip(of_truth, smallest, 1 - smallest))


def _standard_error(per_row: np.ndarray, weight: np.ndarray | None) -> float:
    """Of the weighted mean."""
    shares = np.full(len(per_row), 1 / len(per_row)) if weight is None else weight / weight.sum()
    mean = float(shares @ per_row)
    return float(np.sqrt(np.square(shares * (per_row - mean)).sum()))


def _next(config: Config, epochs: int, best_epoch: int | None) -> Sequence[str]:
    """What a user can change, the most promising first."""
    found = [] if config.model.name == STRONG else [f"model={STRONG}"]
    if best_epoch is None or best_epoch > NEAR_THE_END * epochs:
        out_of_time = config.fit.max_minutes is not None and epochs < config.fit.epochs
        minutes = config.fit.max_minutes or 0
        found.append(f"fit.max_minutes={2 * minutes:g}" if out_of_time else f"fit.epochs={2 * config.fit.epochs}")
    return [*found, SEARCH]
