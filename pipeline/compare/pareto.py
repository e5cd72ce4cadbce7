"""The Pareto front of several objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.config import direction


def pareto_front(points: Sequence[Mapping[str, float]], objectives: Sequence[str]) -> list[bool]:
    """Returns which points are on the Pareto front: no other point is as good in every objective and better in one.

    Args:
        points: Values by name; a point that lacks an objective is dominated by all that have it.
        objectives: Names of scores with a direction; without any, no point is on the front.
    """
    signs = {name: -1 if direction(name) == "maximize" else 1 for name in objectives}
    costs = [tuple(sign * point.get(name, sign * float("inf")) for name, sign in signs.items()) for point in points]

    def is_beaten(cost: tuple[float, ...]) -> bool:
        return any(other != cost and all(a <= b for a, b in zip(other, cost, strict=True)) for other in costs)

    return [bool(objectives) and not is_beaten(cost) for cost in costs]
