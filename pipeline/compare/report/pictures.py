"""The charts of a comparison."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from pipeline.compare.candidates import Candidate
from pipeline.compare.logged_values import ordered, parsed, short
from pipeline.compare.ranking import Comparison
from pipeline.runtime.pages.axis import Axis, label, of_categories, of_epochs, of_numbers, of_scores
from pipeline.runtime.pages.chart import Chart, Mark
from pipeline.runtime.pages.svg import Svg

MAX_STEPS = 300  # points of a curve: more are indistinguishable
N_BINS = 8  # at most, for a parameter whose values hardly repeat
MIN_IN_BIN = 3
MAX_DISTINCT = 12  # values that each get a median
STYLES = ("dashed", "")  # of the lines of training and of validation

Curve = list[tuple[int, float]]


def effect(comparison: Comparison, key: str) -> Svg:
    """Draws the score by one parameter, over all values of the others, with the median.

    Args:
        comparison: The ranked configurations.
        key: The parameter.
    """
    candidates = comparison.candidates
    values = [candidate.params[key] for candidate in candidates]
    means = [candidate.mean for candidate in candidates]
    axis, scores = of_parameter(values), of_scores(means, kept=means[:1])
    chart = Chart(axis, scores, x_title=comparison.labels[key], y_title=comparison.objective)
    chart.marks(_marks(comparison, {rank: (found.params[key], found.mean) for rank, found in enumerate(candidates)}))
    middles = _middles(values, means)
    if axis.categories:
        return chart.dashes(middles, "middle").svg()
    return chart.line([(float(value), score) for value, score in middles], "middle").svg()


def front(comparison: Comparison, name: str) -> Svg | None:
    """Draws the objective against another one; None if no run has both.

    Args:
        comparison: The ranked configurations.
        name: The other objective.
    """
    best = [rank for rank, is_best in enumerate(comparison.on_front) if is_best]
    return against(comparison, name, lambda found: comparison.value(found, name), comparison.objective, best)


def against(
    comparison: Comparison,
    x_title: str,
    x: Callable[[Candidate], float | None],
    y_name: str,
    best: Sequence[int] = (0,),
) -> Svg | None:
    """Draws a metric, such as the objective or a gap, against a size; None if no run has both.

    Args:
        comparison: The ranked configurations.
        x_title: Name of the size.
        x: Returns the size of a configuration.
        y_name: Name of the metric.
        best: Ranks to highlight, from 0.
    """
    points = dict[int, tuple[float, float]]()
    for rank, candidate in enumerate(comparison.candidates):
        size, score = x(candidate), comparison.value(candidate, y_name)
        if size is not None and score is not None:
            points[rank] = size, score
    if not points:
        return None
    sizes, scores = zip(*points.values(), strict=True)
    vertical = of_scores(scores, kept=[points[rank][1] for rank in best if rank in points])
    chart = Chart(of_numbers(sizes), vertical, x_title=x_title, y_title=y_name)
    return chart.marks(_marks(comparison, points, best)).svg()


def seeds(comparison: Comparison, shown: Sequence[Candidate]) -> Svg:
    """Draws the scores of all seeds of some configurations, and their means.

    Args:
        comparison: The ranked configurations.
        shown: Configurations to draw.
    """
    names = [f"#{rank}" for rank, _ in enumerate(shown, 1)]
    y = of_scores([score for candidate in shown for score in candidate.scores.values()], shown[0].scores.values())
    chart = Chart(of_categories(names), y, x_title="place", y_title=comparison.objective)
    for name, candidate in zip(names, shown, strict=True):
        css = "best" if name == "#1" else ""
        chart.marks(
            Mark(name, score, f"seed {replica[0]}, fold {replica[2]}: {label(score)}", css)
            for replica, score in candidate.scores.items()
        )
        chart.dashes([(name, candidate.mean)], "middle")
    return chart.svg()


def learning(name: str, curves: Sequence[tuple[Curve, Curve]]) -> Svg | None:
    """Draws training (dashed) and validation (solid) by epoch, one color per run; None if no run logged them.

    Args:
        name: Name of the metric.
        curves: Training and validation curves of each run.
    """
    points = [point for pair in curves for curve in pair for point in curve]
    if not points:
        return None
    chart = Chart(
        of_epochs(max(step for step, _ in points)),
        of_scores([value for _, value in points]),
        x_title="epoch",
        y_title=name,
    )
    for number, pair in enumerate(curves):
        for curve, css in [(curve, css) for curve, css in zip(pair, STYLES, strict=True) if curve]:
            chart.line([(float(step), value) for step, value in _thinned(curve)], f"c{number} {css}")
    return chart.svg()


def descriptions_of(comparison: Comparison) -> dict[int, str]:
    """Returns a line that describes each configuration, by rank from 0."""
    return {
        rank: f"#{rank + 1}  {comparison.objective} {label(candidate.mean)}  "
        + "  ".join(f"{comparison.labels[key]}={short(value)}" for key, value in candidate.params.items())
        for rank, candidate in enumerate(comparison.candidates)
    }


def of_parameter(values: Sequence[str]) -> Axis:
    """Returns the axis of a parameter's values: numeric if all are numbers, else categories in natural order."""
    found = [parsed(value) for value in values]
    numbers = [value for value in found if isinstance(value, float)]
    return of_numbers(numbers, label_each=True) if len(numbers) == len(found) else of_categories(ordered(values))


def _marks(
    comparison: Comparison, points: Mapping[int, tuple[float | str, float]], best: Sequence[int] = (0,)
) -> list[Mark]:
    """Returns a point for each configuration, the best ones on top."""
    names = descriptions_of(comparison)
    ranks = sorted(points, key=lambda rank: (rank in best, -rank))
    return [Mark(*points[rank], names[rank], "best" if rank in best else "") for rank in ranks]


def _middles(values: Sequence[str], scores: Sequence[float]) -> list[tuple[float | str, float]]:
    """Returns the median score by value, or by bins of equal counts if values hardly repeat."""
    groups: dict[float | str, list[float]] = defaultdict(list)
    numeric = all(isinstance(parsed(value), float) for value in values)
    for value, score in zip(values, scores, strict=True):
        groups[parsed(value) if numeric else value].append(score)
    if len(groups) <= min(MAX_DISTINCT, len(values) / 2) or not numeric:
        return [(value, statistics.median(groups[value])) for value in sorted(groups)]
    return _middles_of_bins([(float(value), score) for value, score in zip(values, scores, strict=True)])


def _middles_of_bins(points: Sequence[tuple[float, float]]) -> list[tuple[float | str, float]]:
    """Returns median value and score of bins of equal counts; empty with too few points for two bins."""
    pairs = sorted(points)
    n_bins = min(N_BINS, len(pairs) // MIN_IN_BIN)
    edges = [round(len(pairs) * part / n_bins) for part in range(n_bins + 1)] if n_bins > 1 else []
    bins = [pairs[start:end] for start, end in pairwise(edges)]
    return [
        (statistics.median(value for value, _ in found), statistics.median(score for _, score in found))
        for found in bins
    ]


def _thinned(curve: Curve) -> Curve:
    every = -(-len(curve) // MAX_STEPS)
    return curve[::every] if curve[-1] in curve[::every] else [*curve[::every], curve[-1]]
