"""Drawings in SVG, element by element: they take the page's colours, need no script and are small with many points."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

Svg = Markup  # what templates take as it is
BAR_WIDTH, BAR_HEIGHT = 7, 28  # pixels


def element(name: str, *inside: str, **attributes: object) -> Svg:
    """An element; of what is inside, and of attributes, all is escaped that is no Markup.

    Args:
        name: Such as `circle`.
        inside: Texts, and other elements.
        attributes: By name, with `_` for `-` and one behind a word of Python's. A float gets tenths of a pixel.
    """
    given = "".join(map(_attribute, attributes, attributes.values()))
    return Svg(f"<{name}{given}>{''.join(map(escape, inside))}</{name}>" if inside else f"<{name}{given}/>")


def _attribute(key: str, value: object) -> str:
    text = f"{value:.1f}" if isinstance(value, float) else escape(value)
    return f' {key.rstrip("_").replace("_", "-")}="{text}"'


def drawing(width: int, height: int, label: str, *inside: str, css: str = "", **attributes: object) -> Svg:
    """A drawing; a page makes it as wide as there is room.

    Args:
        width: In pixels.
        height: In pixels.
        label: What it shows, for those who do not see it.
        inside: Its elements.
        css: Its class.
        attributes: Others of its.
    """
    return element(
        "svg", *inside, width=width, height=height, viewBox=f"0 0 {width} {height}", role="img", aria_label=label,
        class_=css, **attributes,
    )  # fmt: skip


def bars(shares: Sequence[float]) -> Svg:
    """A small bar per bin, the tallest as high as the picture."""
    tallest = max(shares, default=0.0) or 1.0
    heights = [BAR_HEIGHT * share / tallest for share in shares]
    drawn = [
        element("rect", x=BAR_WIDTH * place, y=BAR_HEIGHT - height, width=BAR_WIDTH - 1, height=height)
        for place, height in enumerate(heights)
    ]
    return drawing(BAR_WIDTH * len(shares), BAR_HEIGHT, "distribution", *drawn, css="bars")
