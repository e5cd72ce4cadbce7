"""Small line drawings as SVG: drawn in no time, sharp at any size, the same whenever they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

import numpy as np

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 520, 260, 64, 34, 24
COLORS = ("#2563eb", "#ea580c", "#6b7280")

Line = tuple[Sequence[float], Sequence[float]]
Way = Literal["line", "dots", "both"]


def lines(title: str, xlabel: str, given: Mapping[str, Line], first: Way = "line") -> str:
    """Lines by name, on common axes; values that are not finite are left out.

    Args:
        title: Of the drawing.
        xlabel: Below the axis.
        given: The lines.
        first: How the first one is drawn: as a line, as dots, or as a line with its points.
    """
    points = {name: _finite(line) for name, line in given.items()}
    every = np.concatenate(list(points.values()))
    if not len(every):
        every = np.zeros((1, 2))
    (x0, y0), (x1, y1) = every.min(axis=0), every.max(axis=0)
    x1, y1 = x1 if x1 > x0 else x0 + 1, y1 if y1 > y0 else y0 + 1
    right, floor = WIDTH - 10, HEIGHT - BOTTOM

    def place(point: np.ndarray) -> tuple[float, float]:
        return (
            LEFT + (point[0] - x0) / (x1 - x0) * (right - LEFT),
            floor - (point[1] - y0) / (y1 - y0) * (floor - TOP),
        )

    drawn = [
        _drawn(number, name, list(map(place, line)), first if number == 0 else "line")
        for number, (name, line) in enumerate(points.items())
    ]
    frame = f'<path d="M{LEFT},{TOP}V{floor}H{right}" fill="none" stroke="#888"/>'
    ends = [
        _text(LEFT - 6, floor, _short(y0), end=True), _text(LEFT - 6, TOP + 8, _short(y1), end=True),
        _text(LEFT, floor + 16, _short(x0)), _text(right, floor + 16, _short(x1), end=True),
        _text((LEFT + right) / 2 - 20, floor + 28, xlabel),
    ]  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img"><title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f"{frame}{''.join(ends)}{''.join(drawn)}</svg>"
    )


def _short(value: float) -> str:
    """Of an end of an axis."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e8 else f"{value:.4g}"


def _drawn(number: int, name: str, line: Sequence[tuple[float, float]], way: Way) -> str:
    """A line of the drawing, its points in pixels, with its name above."""
    color, found = COLORS[number % len(COLORS)], ""
    if way != "dots":
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        found += f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
    if way != "line" or len(line) == 1:
        found += "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in line)
    return found + _text(LEFT + 10 + 150 * number, 14, name, color)


def _finite(line: Line) -> np.ndarray:
    points = np.array(line, np.float64).T.reshape(-1, 2)
    return points[np.isfinite(points).all(axis=1)]


def _text(x: float, y: float, text: str, color: str = "#444", end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    font = f'font-family="sans-serif" font-size="12" fill="{color}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {font}{anchor}>{escape(text)}</text>'
