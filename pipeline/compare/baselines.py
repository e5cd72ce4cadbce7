"""Compares the best configuration with the baselines of its runs, which were fitted on the same rows."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cached_property

from pipeline.compare.candidates import Candidate
from pipeline.compare.ranking import Comparison
from pipeline.compare.significance import LEVEL, paired_test
from pipeline.config.rules import BASELINES
from pipeline.config.scores import baseline_metric, percent

OF_ROWS = ("val_rmse", "val_log_loss")  # scores for which a run logs the noise over validation rows


@dataclass(frozen=True)
class Against:
    """The best configuration compared with a baseline, in the objective."""

    name: str
    objective: str
    best: Candidate
    baseline: Candidate  # the same runs with the baseline's scores

    @cached_property
    def ahead(self) -> float:
        """Mean lead of the configuration; negative if it is worse."""
        return self.best.sign * (self.baseline.mean - self.best.mean)

    @property
    def text(self) -> str:
        """A sentence such as `0.4 % better in val_rmse (0.5021 against 0.5041), within noise of 3 seeds or folds`."""
        share = percent(self.ahead / self.baseline.mean if self.baseline.mean else 0.0)
        way = "better" if self.ahead >= 0 else "worse"
        return (
            f"{share} {way} in {self.objective} ({self.best.mean:.5g} against {self.baseline.mean:.5g}), "
            f"{self._noise()}"
        )

    def _noise(self) -> str:
        """Describes the noise of seeds or folds if there are enough of them, else that of the validation rows."""
        found = paired_test(self.best, self.baseline, self.best.sign)
        if not found.too_few:
            of = f"noise of {found.n} seeds or folds"
            return f"beyond {of}" if found.p_t is None or found.p_t < LEVEL else f"within {of}"
        errors = [run.metrics.get(baseline_metric(self.name, "ahead_error")) for run in self.best.runs.values()]
        known = [error for error in errors if error is not None]
        if self.objective not in OF_ROWS or not known:
            return "too few seeds to tell from noise"
        of = "noise of the validation rows"
        return (
            f"beyond {of}"
            if abs(self.ahead) > 2 * math.sqrt(statistics.fmean(e * e for e in known))
            else f"within {of}"
        )


def against(comparison: Comparison) -> list[Against]:
    """Compares the best configuration with each baseline that all of its runs have."""
    best, objective = comparison.best, comparison.objective
    if best is None:
        return []
    found = []
    for name in BASELINES:
        key = baseline_metric(name, objective)
        scores = {replica: run.metrics[key] for replica, run in best.runs.items() if key in run.metrics}
        if len(scores) == len(best.runs):
            found.append(Against(name, objective, best, Candidate({}, best.runs, scores, best.sign)))
    return found
