"""States in words whether the best configuration is significantly better."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.compare.candidates import Candidate, with_deviation
from pipeline.compare.ranking import Comparison
from pipeline.compare.significance import FEWEST, PairedTest, paired_test
from pipeline.runtime.console import number

N_RIVALS = 5


@dataclass(frozen=True)
class Verdict:
    """The best configuration compared with the next ones."""

    headline: str  # a few words
    text: str  # figures and advice
    rivals: list[tuple[Candidate, PairedTest]]


def verdict(comparison: Comparison) -> Verdict:
    """Compares the best configuration with the next few; the first of them decides the headline."""
    if not comparison.candidates:
        return Verdict("Nothing to rank", "No run has finished with a score.", [])
    best, *others = comparison.candidates
    if not others:
        return Verdict("One configuration", _alone(best, comparison), [])
    rivals = [(other, paired_test(best, other, comparison.sign)) for other in others[:N_RIVALS]]
    return _worded(rivals[0][1], comparison, rivals)


def _alone(best: Candidate, comparison: Comparison) -> str:
    return f"{comparison.objective} {with_deviation(best)} over {_runs(best)}; nothing to compare it with."


def _runs(candidate: Candidate) -> str:
    return f"{len(candidate.runs)} run{'s' if len(candidate.runs) > 1 else ''}"


def _worded(first: PairedTest, comparison: Comparison, rivals: list[tuple[Candidate, PairedTest]]) -> Verdict:
    gain = f"The best is ahead of the next by {number(first.difference)} in {comparison.objective}"
    if first.n == 0:
        text = f"{gain}, but they share no seed or fold"
        return Verdict("Too few seeds to tell", f"{text}. {_more_seeds()}", rivals)
    if first.too_few:
        shared = "one seed or fold" if first.n == 1 else f"{first.n} seeds or folds"
        return Verdict("Too few seeds to tell", f"{gain}, on {shared} in common. {_more_seeds()}", rivals)
    figures = f"{gain}, mean of {first.n} seeds or folds"
    if first.p_t is None or first.low is None or first.high is None or first.effect is None:
        return Verdict(*_without_noise(first, figures), rivals)
    corrected = ", corrected for overlapping training sets" if first.splits_vary else ""
    ranks = f"; Wilcoxon p {_p(first.p_wilcoxon)}" if first.p_wilcoxon is not None else ""
    figures += (
        f" (95 % interval {number(first.low)} to {number(first.high)}; paired t test{corrected}: "
        f"p {_p(first.p_t)}{ranks}; effect size {first.effect:.2f} standard deviations)."
    )
    if first.is_settled:
        return Verdict("The best beats the next beyond seed noise", f"{figures}{_flattered(comparison)}", rivals)
    return Verdict("Not settled: within seed noise", f"{figures} {_needed(first)}", rivals)


def _without_noise(paired_test: PairedTest, figures: str) -> tuple[str, str]:
    if paired_test.difference == 0:
        return (
            "No difference",
            "The two best have the same score on every seed or fold; choose the smaller or faster one.",
        )
    return "The same difference on every seed", f"{figures}; without variation between seeds there is nothing to test."


def _needed(paired_test: PairedTest) -> str:
    if paired_test.seeds_needed is None and paired_test.splits_vary:
        return (
            "More seeds would not settle it while each draws its own split; fix data.split.seed, or use more "
            "validation rows."
        )
    if paired_test.seeds_needed is None:
        return "No practical number of seeds can settle it; choose the smaller or faster one."
    more = paired_test.seeds_needed - paired_test.n
    again = f"{more} more of each" if more > 0 else "as many again"
    return f"About {paired_test.seeds_needed} seeds would settle a difference of this size, {again}."


def _more_seeds() -> str:
    return f"Run both with at least {FEWEST} seeds, better five, as in seed=0,1,2,3,4."


def _flattered(comparison: Comparison) -> str:
    n = len(comparison.candidates)
    if n <= 2:
        return ""
    return f" It was selected from {n} by the same scores, which makes p optimistic; new seeds can confirm it."


def _p(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "?"
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"
