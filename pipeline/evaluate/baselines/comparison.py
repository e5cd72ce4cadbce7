"""Comparison of a network with its baselines: scores, and whether differences exceed the noise of the rows.

Validation rows decide whether a difference is clear and what to try next; test scores are only shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.config import Config
from pipeline.config.rules import Baseline
from pipeline.config.scores import baseline_metric
from pipeline.evaluate import Evaluation, Scores
from pipeline.evaluate.baselines.baseline_cache import CachedScores
from pipeline.evaluate.paired import Difference, of_logarithms, of_squares, standard_error
from pipeline.runtime.program import program

STRONG = "tabm"  # the architecture to try if another one loses
NEAR_THE_END = 0.9  # of the epochs: if the best epoch is later, more epochs may help
SEARCH = (
    "with the same keys and hydra/sweeper=search search.n_trials=20 'fit.learning_rate=tag(log,interval(3e-4,1e-2))'"
)


@dataclass(frozen=True)
class BaselineComparison:
    """A network compared with its baselines."""

    scores: dict[Baseline, Scores]  # `train_rmse`, `val_rmse`, ... of each
    differences: dict[Baseline, Difference]
    advice: str | None  # what to try if boosting is clearly better

    @property
    def main_scores(self) -> tuple[str, ...]:
        """Names of the scores that tables list, without the split."""
        some = next(iter(self.scores.values()), {})
        return tuple(name for name in ("rmse", "log_loss", "accuracy") if f"val_{name}" in some)

    @property
    def metrics(self) -> dict[str, float]:
        """The baselines' scores under the names that a run logs."""
        found: dict[str, float] = {}
        for name, scores in self.scores.items():
            found |= {baseline_metric(name, score): value for score, value in scores.items()}
            found[baseline_metric(name, "ahead")] = self.differences[name].ahead
            found[baseline_metric(name, "ahead_error")] = self.differences[name].error
        return found

    @property
    def texts(self) -> dict[str, str]:
        """A sentence for each baseline, by label."""
        return {f"against {name}": difference.text for name, difference in self.differences.items()}


def compare_with_baselines(
    baselines: Mapping[Baseline, CachedScores], found: Evaluation, config: Config, epochs: int, best_epoch: int | None
) -> BaselineComparison:
    """Compares a network with the collected baselines.

    Args:
        baselines: Scores of the baselines, by name.
        found: The network's predictions and scores of the same rows.
        config: The experiment.
        epochs: Number of trained epochs.
        best_epoch: Epoch whose weights were kept, from 1; None without early stopping.
    """
    differences = {name: difference(scored, found) for name, scored in baselines.items()}
    boosting = differences.get("boosting")
    loses = boosting is not None and boosting.is_clear and boosting.ahead < 0
    advice = "; ".join(_next(config, epochs, best_epoch)) if loses else None
    return BaselineComparison({name: scored.scores for name, scored in baselines.items()}, differences, advice)


def difference(scored: CachedScores, found: Evaluation) -> Difference:
    """Compares a network with a baseline on the validation rows, paired by row.

    Args:
        scored: The baseline.
        found: The network's predictions.
    """
    target, weight = found.targets["val"], found.weights["val"]
    if target.task == "regression":
        own, other = found.outputs["val"]["prediction"], scored.val
        score, per_row = "val_rmse", of_squares(target.values, own, other, weight)
    else:
        of_truth = [
            np.take_along_axis(given, target.values, axis=1)[:, 0]
            for given in (found.outputs["val"]["probabilities"], scored.val)
        ]
        score, per_row = "val_log_loss", of_logarithms(*of_truth)
    return Difference(score, found.scores[score], scored.scores[score], standard_error(per_row, weight))


def _next(config: Config, epochs: int, best_epoch: int | None) -> Sequence[str]:
    """Returns what the user can change, most promising first."""
    found = [] if config.model.name == STRONG else [f"model={STRONG}"]
    if best_epoch is None or best_epoch > NEAR_THE_END * epochs:
        out_of_time = config.fit.max_minutes is not None and epochs < config.fit.epochs
        minutes = config.fit.max_minutes or 0
        found.append(f"fit.max_minutes={2 * minutes:g}" if out_of_time else f"fit.epochs={2 * config.fit.epochs}")
    return [*found, f"{program()} sweep {SEARCH}"]
