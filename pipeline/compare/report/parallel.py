"""Parallel coordinates (Inselberg 1985): a line per configuration through each of its parameters and its score."""

from __future__ import annotations

from pipeline.compare.candidates import Candidate
from pipeline.compare.logged_values import Value
from pipeline.compare.ranking import Comparison
from pipeline.compare.report.pictures import of_parameter
from pipeline.runtime.pages.axis import Axis, of_scores
from pipeline.runtime.pages.chart import cut
from pipeline.runtime.pages.svg import Svg, drawing, element

WIDTH, HEIGHT = 1120, 400
LEFT, RIGHT, TOP, BOTTOM = 30, 96, 46, 16
MAX_AXES = 9
MANY = 100  # lines beyond which they are drawn fainter
TOP_SHARE = 0.1  # share of highlighted configurations
LETTER = 7.0  # width in pixels


def parallel(comparison: Comparison, keys: list[str], titles: dict[int, str]) -> Svg:
    """Draws the chart.

    Args:
        comparison: The ranked configurations.
        keys: Parameters to show, the most important first; those that do not fit are left out.
        titles: By rank, the tooltip of its line.
    """
    shown, candidates = keys[:MAX_AXES], comparison.candidates
    axes = [of_parameter([candidate.params[key] for candidate in candidates]) for key in shown]
    axes.append(of_scores([candidate.mean for candidate in candidates], kept=[candidates[0].mean]))
    distance = (WIDTH - LEFT - RIGHT) / max(1, len(axes) - 1)
    places = [LEFT + distance * number for number in range(len(axes))]
    lines = [
        element(
            "polyline", element("title", titles[rank]), class_=_css(rank, len(candidates)),
            points=_points(candidates[rank], shown, axes, places),
        )
        for rank in reversed(range(len(candidates)))  # the best is drawn last, on top
    ]  # fmt: skip
    names = [*(comparison.labels[key] for key in shown), comparison.objective]
    letters = max(4, int(distance / LETTER))
    drawn = [piece for axis in zip(axes, places, names, strict=True) for piece in _axis(*axis, letters)]
    css = "parallel many" if len(candidates) > MANY else "parallel"
    return drawing(WIDTH, HEIGHT, "parallel coordinates", *lines, *drawn, css=css)


def _css(rank: int, n: int) -> str:
    return "best" if rank == 0 else "good" if rank < n * TOP_SHARE else "rest"


def _points(candidate: Candidate, keys: list[str], axes: list[Axis], places: list[float]) -> str:
    values: list[Value] = [*(candidate.params[key] for key in keys), candidate.mean]
    return " ".join(
        f"{at:.0f},{_height(axis.place(value)):.1f}" for at, axis, value in zip(places, axes, values, strict=True)
    )


def _height(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - BOTTOM - TOP)


def _axis(axis: Axis, at: float, name: str, letters: int) -> list[Svg]:
    """Draws an axis with labels and name; the name of the first starts at the left edge."""
    labels = [
        element("text", cut(label, letters - 2), element("title", label), class_="halo", x=at + 6,
                y=_height(axis.place(axis.named(value))) + 4)
        for value, label in axis.ticks
    ]  # fmt: skip
    x, anchor = (4.0, "start") if at == LEFT else (at, "middle")
    title = element(
        "text", cut(name, letters), element("title", name), class_="title", x=x, y=TOP - 16, text_anchor=anchor
    )
    return [element("path", class_="frame", d=f"M{at:.0f} {TOP}V{HEIGHT - BOTTOM}"), *labels, title]
