"""Charts: two axes to which marks and lines are added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pipeline.runtime.pages.axis import Axis
from pipeline.runtime.pages.svg import Svg, drawing, element

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 30, 44
LETTER = 6.6  # width of a character of tick labels, in pixels
MAX_LETTERS = 16  # maximum number of characters of a label
MANY = 200  # points from which they are drawn fainter
SLANTED_ROOM = 44  # extra pixels at the bottom for slanted labels
STYLE = Path(__file__).with_name("chart.css")

Point = tuple[float | str, float]


@dataclass(frozen=True)
class Mark:
    """A point with its tooltip."""

    x: float | str
    y: float
    title: str = ""
    css: str = ""


class Chart:
    """A chart that is drawn as SVG.

    Args:
        x: Horizontal axis.
        y: Vertical axis.
        x_title: Title below the horizontal axis.
        y_title: Title above the vertical axis.
    """

    def __init__(self, x: Axis, y: Axis, *, x_title: str, y_title: str) -> None:
        self._x, self._y = x, y
        self._slanted = _crowded(x)
        more = SLANTED_ROOM if self._slanted else 0
        self._height, self._floor = HEIGHT + more, HEIGHT - BOTTOM
        self._titles = x_title, y_title
        self._legend: list[Svg] = []
        self._pieces: list[Svg] = []

    def marks(self, marks: Iterable[Mark], *, radius: float = 3.5) -> Chart:
        """Adds points.

        Args:
            marks: The points.
            radius: In pixels.
        """
        for mark in marks:
            x, y = self._at(mark.x, mark.y)
            css = f"mark {mark.css}".rstrip()
            title = [element("title", mark.title)] if mark.title else []
            self._pieces.append(element("circle", *title, class_=css, cx=x, cy=y, r=radius))
        return self

    def line(self, points: Sequence[Point], css: str) -> Chart:
        """Adds a line through points; a single point is drawn as a dot.

        Args:
            points: May be empty.
            css: CSS class of the line, which sets its colour.
        """
        places = [self._at(*point) for point in points]
        if len(places) == 1:
            ((x, y),) = places
            self._pieces.append(element("circle", class_=f"dot {css}", cx=x, cy=y, r=3))
        elif places:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            self._pieces.append(element("polyline", class_=f"line {css}", points=path))
        return self

    def dashes(self, points: Iterable[Point], css: str) -> Chart:
        """Adds a short horizontal stroke at each point, such as the median of a category.

        Args:
            points: The points.
            css: CSS class of the strokes.
        """
        for x, y in (self._at(*point) for point in points):
            self._pieces.append(element("path", class_=f"line {css}", d=f"M{x - 12:.1f} {y:.1f}h24"))
        return self

    def legend(self, names: Mapping[str, str]) -> Chart:
        """Adds a legend: names with their CSS classes, which set their colours."""
        parts = [element("tspan", name, class_=css, dx=14) for name, css in names.items()]
        self._legend = [element("text", *parts, class_="legend", x=WIDTH - RIGHT, y=14, text_anchor="end")]
        return self

    def svg(self) -> Svg:
        """Returns the drawing for a page."""
        return self._drawn()

    def image(self) -> Svg:
        """Returns the drawing as a standalone file, with its style, on white."""
        back = element("rect", width=WIDTH, height=self._height, fill="#fff")
        style = element("style", Svg(STYLE.read_text(encoding="utf-8")))
        return self._drawn(style, back, xmlns="http://www.w3.org/2000/svg")

    def _drawn(self, *below: Svg, **attributes: str) -> Svg:
        x_title, y_title = self._titles
        middle = (LEFT + WIDTH - RIGHT) / 2
        return drawing(
            WIDTH, self._height, f"{y_title} by {x_title}", *below,
            element("text", y_title, class_="title", x=4, y=14),
            element("text", x_title, class_="title", x=middle, y=self._height - 6, text_anchor="middle"),
            *self._legend, *self._grid(), *self._pieces,
            css="many" if len(self._pieces) > MANY else "", **attributes,
        )  # fmt: skip

    def _grid(self) -> list[Svg]:
        right, found = WIDTH - RIGHT, []
        for value, label in self._y.ticks:
            y = self._at_y(value)
            found.append(element("path", class_="grid", d=f"M{LEFT} {y:.1f}H{right}"))
            found.append(element("text", label, x=LEFT - 6, y=y + 4, text_anchor="end"))
        for value, label in self._x.ticks:
            found += self._x_label(self._at_x(self._x.named(value)), label)
        return [*found, element("path", class_="frame", d=f"M{LEFT} {TOP}V{self._floor}H{right}")]

    def _x_label(self, at: float, label: str) -> list[Svg]:
        text = cut(label), element("title", label)
        tick = element("path", class_="frame", d=f"M{at:.1f} {self._floor}v4")
        if self._slanted:
            turned = f"translate({at + 3:.1f} {self._floor + 14}) rotate(-35)"
            return [tick, element("text", *text, transform=turned, text_anchor="end")]
        return [tick, element("text", *text, x=at, y=self._floor + 17, text_anchor="middle")]

    def _at(self, x: float | str, y: float) -> tuple[float, float]:
        return self._at_x(x), self._at_y(y)

    def _at_x(self, value: float | str) -> float:
        return LEFT + self._x.place(value) * (WIDTH - LEFT - RIGHT)

    def _at_y(self, value: float) -> float:
        return self._floor - self._y.place(value) * (self._floor - TOP)


def cut(text: str, longest: int = MAX_LETTERS) -> str:
    """Shortens a text that is too long, with an ellipsis at the end.

    Args:
        text: The text.
        longest: Maximum number of characters.
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _crowded(axis: Axis) -> bool:
    """Whether horizontal labels would overlap."""
    wide = WIDTH - LEFT - RIGHT
    places = sorted((axis.place(axis.named(value)) * wide, len(cut(label)) * LETTER / 2) for value, label in axis.ticks)
    return any(left + half + 6 > right - other for (left, half), (right, other) in pairwise(places))
