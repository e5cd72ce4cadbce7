"""Several objectives at once: what no other is better than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.config import direction


def pareto_front(points: Sequence[Mapping[str, float]], objectives: Sequence[str]) -> list[bool]:
    """Which points no other one beats, being as good in every objective and better in one.

    Args:
        points: Values by name; one that lacks an objective is beaten by all that do not.
        objectives: Names that have a direction; without any, nothing is on a front.
    """
    signs = {name: -1 if direction(name) == "maximize" else 1 for name in objectives}
    costs = [tuple(sign * point.get(name, sign * float("inf")) for name, sign in signs.items()) for point in points]

    def is_beaten(cost: tuple[float, ...]) -> bool:
        return any(other != cost and all(a <= b for a, b in zip(other, cost, strict=True)) for other in costs)

    return [bool(objectives) and not is_beaten(cost) for cost in costs]
