"""Parallel coordinates (Inselberg 1985): a line per configuration through each of its parameters and its score."""

from __future__ import annotations

from html import escape

from pipeline.compare.candidates import Candidate
from pipeline.compare.logged_values import Value
from pipeline.compare.ranking import Comparison
from pipeline.compare.report.axis import Axis, of_parameter, of_scores
from pipeline.compare.report.chart import cut

WIDTH, HEIGHT = 1120, 400
LEFT, RIGHT, TOP, BOTTOM = 30, 96, 46, 16
MAX_AXES = 9
TOP_SHARE = 0.1  # of the configurations that stand out
LETTER = 7.0  # pixels


def parallel(comparison: Comparison, keys: list[str], titles: dict[int, str]) -> str:
    """The drawing.

    Args:
        comparison: The ranked configurations.
        keys: Parameters to show, the most important first; what is too many is left out.
        titles: By rank, the tooltip of its line.
    """
    shown, candidates = keys[:MAX_AXES], comparison.candidates
    axes = [of_parameter([candidate.params[key] for candidate in candidates]) for key in shown]
    axes.append(of_scores([candidate.mean for candidate in candidates], kept=[candidates[0].mean]))
    distance = (WIDTH - LEFT - RIGHT) / max(1, len(axes) - 1)
    places = [LEFT + distance * number for number in range(len(axes))]
    lines = [
        f'<polyline class="{_css(rank, len(candidates))}" points="{_points(candidates[rank], shown, axes, places)}">'
        f"<title>{escape(titles[rank])}</title></polyline>"
        for rank in reversed(range(len(candidates)))  # the best is drawn last, over the others
    ]
    names = [*(comparison.labels[key] for key in shown), comparison.objective]
    letters = max(4, int(distance / LETTER))
    drawn = [_axis(*axis, letters) for axis in zip(axes, places, names, strict=True)]
    many = "many" if len(candidates) > 100 else ""
    return (
        f'<svg class="parallel {many}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="parallel coordinates">'
        f"{''.join(lines)}{''.join(drawn)}</svg>"
    )


def _css(rank: int, n: int) -> str:
    return "best" if rank == 0 else "good" if rank < n * TOP_SHARE else "rest"


def _points(candidate: Candidate, keys: list[str], axes: list[Axis], places: list[float]) -> str:
    values: list[Value] = [*(candidate.params[key] for key in keys), candidate.mean]
    return " ".join(
        f"{at:.0f},{_height(axis.place(value)):.1f}" for at, axis, value in zip(places, axes, values, strict=True)
    )


def _height(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - BOTTOM - TOP)


def _axis(axis: Axis, at: float, name: str, letters: int) -> str:
    anchor = "start" if at == LEFT else "middle"
    labels = "".join(
        f'<text class="halo" x="{at + 6:.0f}" y="{_height(_place(axis, value)) + 4:.1f}">'
        f"{escape(cut(label, letters - 2))}<title>{escape(label)}</title></text>"
        for value, label in axis.ticks
    )
    return (
        f'<path class="frame" d="M{at:.0f} {TOP}V{HEIGHT - BOTTOM}"/>{labels}'
        f'<text class="title" x="{at if anchor == "middle" else 4:.0f}" y="{TOP - 16}" text-anchor="{anchor}">'
        f"{escape(cut(name, letters))}<title>{escape(name)}</title></text>"
    )


def _place(axis: Axis, value: float) -> float:
    return axis.place(axis.categories[int(value)] if axis.categories else value)
