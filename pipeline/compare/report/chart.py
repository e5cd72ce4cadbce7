"""Drawings in SVG by hand: they take the page's colours, need no script and are small with a thousand points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from pipeline.compare.report.axis import Axis

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 30, 44
LETTER = 6.6  # pixels, of the tick labels' type
LONGEST = 16  # letters of a label before it is cut
MANY = 200  # points, which are then drawn fainter
SLANTED_ROOM = 44  # pixels more at the bottom


@dataclass(frozen=True)
class Mark:
    """A point with what a pointer that rests on it is told."""

    x: float | str
    y: float
    title: str
    css: str = ""


class Chart:
    """A frame with two axes, filled piece by piece."""

    def __init__(self, x: Axis, y: Axis, *, x_title: str, y_title: str) -> None:
        self._x, self._y = x, y
        self._slanted = _crowded(x)
        self._bottom = BOTTOM + (SLANTED_ROOM if self._slanted else 0)
        self._height = HEIGHT + (SLANTED_ROOM if self._slanted else 0)
        self._titles = x_title, y_title
        self._pieces: list[str] = []

    def marks(self, marks: Iterable[Mark], *, radius: float = 3.5) -> Chart:
        """Adds points."""
        self._pieces += [
            f'<circle class="mark {mark.css}" cx="{self._at_x(mark.x):.1f}" cy="{self._at_y(mark.y):.1f}" '
            f'r="{radius}"><title>{escape(mark.title)}</title></circle>'
            for mark in marks
        ]
        return self

    def line(self, points: Sequence[tuple[float | str, float]], css: str) -> Chart:
        """Adds a line through points; a lone one becomes a dot, none nothing."""
        if len(points) == 1:
            x, y = points[0]
            self._pieces.append(f'<circle class="dot {css}" cx="{self._at_x(x):.1f}" cy="{self._at_y(y):.1f}" r="3"/>')
            return self
        if not points:
            return self
        path = " ".join(f"{self._at_x(x):.1f},{self._at_y(y):.1f}" for x, y in points)
        self._pieces.append(f'<polyline class="line {css}" points="{path}"/>')
        return self

    def dashes(self, points: Iterable[tuple[float | str, float]], css: str) -> Chart:
        """Adds a short level stroke at each point, as of a category's middle."""
        for x, y in points:
            at_x, at_y = self._at_x(x), self._at_y(y)
            self._pieces.append(f'<path class="line {css}" d="M{at_x - 12:.1f} {at_y:.1f}h24"/>')
        return self

    def svg(self) -> str:
        """The drawing."""
        x_title, y_title = (escape(title) for title in self._titles)
        middle = (LEFT + WIDTH - RIGHT) / 2
        many = "many" if len(self._pieces) > MANY else ""
        return (
            f'<svg class="{many}" viewBox="0 0 {WIDTH} {self._height}" role="img" aria-label="{y_title} by {x_title}">'
            f'<text class="title" x="4" y="14">{y_title}</text>'
            f'<text class="title" x="{middle}" y="{self._height - 6}" text-anchor="middle">{x_title}</text>'
            f"{self._grid()}{''.join(self._pieces)}</svg>"
        )

    def _grid(self) -> str:
        right, floor = WIDTH - RIGHT, self._height - self._bottom
        rows = [
            f'<path class="grid" d="M{LEFT} {self._at_y(value):.1f}H{right}"/>'
            f'<text x="{LEFT - 6}" y="{self._at_y(value) + 4:.1f}" text-anchor="end">{escape(label)}</text>'
            for value, label in self._y.ticks
        ]
        columns = [self._x_label(self._at_x(self._named(value)), label, floor) for value, label in self._x.ticks]
        return f'{"".join(rows)}{"".join(columns)}<path class="frame" d="M{LEFT} {TOP}V{floor}H{right}"/>'

    def _x_label(self, at: float, label: str, floor: float) -> str:
        text = f"{escape(cut(label))}<title>{escape(label)}</title>"
        tick = f'<path class="frame" d="M{at:.1f} {floor}v4"/>'
        if self._slanted:
            turned = f'transform="translate({at + 3:.1f} {floor + 14}) rotate(-35)" text-anchor="end"'
            return f"{tick}<text {turned}>{text}</text>"
        return f'{tick}<text x="{at:.1f}" y="{floor + 17}" text-anchor="middle">{text}</text>'

    def _named(self, value: float) -> float | str:
        return self._x.categories[int(value)] if self._x.categories else value

    def _at_x(self, value: float | str) -> float:
        return LEFT + self._x.place(value) * (WIDTH - LEFT - RIGHT)

    def _at_y(self, value: float) -> float:
        floor = self._height - self._bottom
        return floor - self._y.place(value) * (floor - TOP)


def cut(text: str, longest: int = LONGEST) -> str:
    """A text that fits, its end replaced where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _crowded(axis: Axis) -> bool:
    """Whether level labels would touch their neighbours."""
    wide = WIDTH - LEFT - RIGHT
    places = sorted(
        (axis.place(axis.categories[int(value)] if axis.categories else value) * wide, len(cut(label)) * LETTER / 2)
        for value, label in axis.ticks
    )
    return any(left + half + 6 > right - other for (left, half), (right, other) in pairwise(places))
