"""Conclusions of a study in sentences: only claims that the repetitions support.

Two points are compared by a paired t-test (Student 1908) at LEVEL, because their repetitions share the split and the
seed of the initial weights. Each point is a mean of few repetitions, so an inner minimum counts as a turning point only
if both ends are significantly worse.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import stats

from pipeline.compare.study import words
from pipeline.compare.study.figures import Line, Point
from pipeline.config.studies import Study

LEVEL = 0.05
UNTESTED = "in one run each, which cannot tell a difference from chance"


def sentences(study: Study, lines: list[Line]) -> list[str]:
    """Returns a sentence per quantity and line, and one that compares several lines at their best.

    Args:
        study: The study, whose `tells` lists the quantities.
        lines: Its figures.
    """
    found = []
    for quantity in study.tells:
        for line in lines:
            text = _words(line, quantity) if study.axis.reads == "word" else _trend(line, quantity)
            text += _missing(line, quantity)
            found.append(_capital(f"{line.name}: {text}" if line.name else text, study, quantity))
        if len(lines) > 1 and (compared := _compared(lines, quantity)):
            found.append(_capital(compared, study, quantity))
    failed = sum(point.n_failed for line in lines for point in line.points)
    return [*found, f"{failed} of these {_n_runs(lines)} runs have no result."] if failed else found


def differs(a: Point, b: Point, quantity: str) -> bool:
    """Whether two points differ significantly, by difference or by ratio.

    Args:
        a: A point.
        b: Another point.
        quantity: Name of the quantity to compare.
    """
    pairs = np.stack([a.values[quantity], b.values[quantity]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if words.by_ratio(quantity) and (pairs > 0).all():
        pairs = np.log(pairs)
    differences = pairs[0] - pairs[1]
    if len(differences) < 2:
        return False
    if np.ptp(differences) <= 1e-12 * np.abs(differences).max():
        return bool(differences[0] != 0)
    return bool(stats.ttest_1samp(differences, 0).pvalue < LEVEL)


def best_of(points: tuple[Point, ...], quantity: str) -> Point:
    """Returns the point with the best mean, or the smallest for a quantity without a direction.

    Args:
        points: Points of a line.
        quantity: Name of the quantity.
    """
    sign = -1 if words.better(quantity) == "maximize" else 1
    return min(points, key=lambda point: sign * point.mean(quantity))


def turning_point(points: tuple[Point, ...], quantity: str) -> Point | None:
    """Returns the best point if it is an inner one and differs significantly from both ends, else such a worst one.

    Args:
        points: Points of a line, from left to right.
        quantity: Name of the quantity.
    """
    known = measured(points, quantity)
    if len(known) < 3:
        return None
    best = best_of(known, quantity)
    worst = max(known, key=lambda point: abs(point.mean(quantity) - best.mean(quantity)))
    return next((point for point in (best, worst) if _stands_out(point, known, quantity)), None)


def measured(points: tuple[Point, ...], quantity: str) -> tuple[Point, ...]:
    """Returns the points where every repetition has the quantity: a mean of the others would be too optimistic.

    Args:
        points: Points of a line.
        quantity: Name of the quantity.
    """
    return tuple(point for point in points if np.isfinite(point.values[quantity]).all())


def _stands_out(point: Point, points: tuple[Point, ...], quantity: str) -> bool:
    first, last = points[0], points[-1]
    return point not in (first, last) and all(differs(end, point, quantity) for end in (first, last))


def _trend(line: Line, quantity: str) -> str:
    points = measured(line.points, quantity)
    if len(points) < 2:
        return f"{{quantity}} is known at {len(points)} of {len(line.points)} points"
    first, last, best = points[0], points[-1], best_of(points, quantity)
    if _is_single(points, quantity):
        ends = (f"{words.number(point.mean(quantity))} at {words.position(point.position)}" for point in (first, last))
        return f"{{quantity}} is {' and '.join(ends)}, {UNTESTED}"

    def at(point: Point) -> str:
        return f"{words.number(point.mean(quantity))} at {words.position(point.position)}"

    if turn := turning_point(points, quantity):
        verb = "is best in between" if turn is best else "is worst in between"
        return f"{{quantity}} {verb}: {at(turn)}, against {at(first)} and {at(last)}"
    if differs(first, last, quantity):
        verb = "falls" if last.mean(quantity) < first.mean(quantity) else "rises"
        return f"{{quantity}} {verb} from {at(first)} to {at(last)}"
    if differs(first, best, quantity):
        return f"{{quantity}} changes from {at(first)} to {at(best)}; later changes are within the seeds' spread"
    if differs(last, best, quantity):
        return f"{{quantity}} changes from {at(best)} to {at(last)}; earlier changes are within the seeds' spread"
    return f"{{quantity}} shows no change beyond the seeds' spread ({at(first)}, {at(last)})"


def _words(line: Line, quantity: str) -> str:
    points = measured(line.points, quantity)
    if len(points) < 2:
        return f"{{quantity}} is known at {len(points)} of {len(line.points)} points"
    best = best_of(points, quantity)
    return _ranking([(words.position(point.position), point) for point in points], best, quantity)


def _compared(lines: list[Line], quantity: str) -> str:
    points = [(line.name, best_of(known, quantity)) for line in lines if (known := measured(line.points, quantity))]
    if len(points) < 2:
        return ""
    best = best_of(tuple(point for _, point in points), quantity)
    return f"each at its best, {_ranking(points, best, quantity)}"


def _ranking(points: list[tuple[str, Point]], best: Point, quantity: str) -> str:
    def listed(chosen: list[tuple[str, Point]]) -> str:
        return ", ".join(f"{name} {words.number(point.mean(quantity))}" for name, point in chosen)

    others = [pair for pair in points if pair[1] is not best]
    others.sort(key=lambda pair: abs(pair[1].mean(quantity) - best.mean(quantity)))
    worse = [pair for pair in others if differs(pair[1], best, quantity)]
    level = [pair for pair in others if pair not in worse]
    superlative = {"minimize": "best (lowest)", "maximize": "best (highest)", None: "lowest"}[words.better(quantity)]
    text = f"{{quantity}} is {superlative} with {listed([pair for pair in points if pair[1] is best])}"
    if _is_single([point for _, point in points], quantity):
        return f"{text}, against {listed(others)}, {UNTESTED}"
    if level:
        text += f"; within the seeds' spread of it: {listed(level)}"
    return text + (f"; beyond it: {listed(worse)}" if worse else "; none is beyond it")


def _is_single(points: Iterable[Point], quantity: str) -> bool:
    """Whether each point has a single repetition."""
    return all(len(point.values[quantity]) == 1 for point in points)


def _missing(line: Line, quantity: str) -> str:
    known = measured(line.points, quantity)
    others = [words.position(point.position) for point in line.points if point not in known]
    reached = "reached " if quantity.endswith("_to_loss") else ""
    return f" (not {reached}in every run at {', '.join(others)})" if others else ""


def _n_runs(lines: list[Line]) -> int:
    return sum(len(point.trials) for line in lines for point in line.points)


def _capital(sentence: str, study: Study, quantity: str) -> str:
    text = sentence.replace("{quantity}", words.name(quantity, study.target_loss))
    return f"{text[0].upper()}{text[1:]}."
