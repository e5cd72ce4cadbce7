"""SVG drawings: they use the page's colours, need no script, and stay small with many points."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

Svg = Markup  # templates do not escape it
BAR_WIDTH, BAR_HEIGHT = 7, 28  # pixels


def element(name: str, *inside: str, **attributes: object) -> Svg:
    """Returns an element; escapes its contents and attributes, except Markup.

    Args:
        name: Such as `circle`.
        inside: Texts, and other elements.
        attributes: By name, with `_` for `-`, and `_` after a keyword of Python. Floats are rounded to 0.1 pixel.
    """
    given = "".join(map(_attribute, attributes, attributes.values()))
    return Svg(f"<{name}{given}>{''.join(map(escape, inside))}</{name}>" if inside else f"<{name}{given}/>")


def _attribute(key: str, value: object) -> str:
    text = f"{value:.1f}" if isinstance(value, float) else escape(value)
    return f' {key.rstrip("_").replace("_", "-")}="{text}"'


def drawing(width: int, height: int, label: str, *inside: str, css: str = "", **attributes: object) -> Svg:
    """Returns a drawing; a page scales it to the available width.

    Args:
        width: In pixels.
        height: In pixels.
        label: Description for screen readers.
        inside: Its elements.
        css: Its class.
        attributes: Other attributes.
    """
    return element(
        "svg", *inside, width=width, height=height, viewBox=f"0 0 {width} {height}", role="img", aria_label=label,
        class_=css, **attributes,
    )  # fmt: skip


def bars(shares: Sequence[float]) -> Svg:
    """Returns a histogram with a bar per bin; the tallest bar has the full height."""
    tallest = max(shares, default=0.0) or 1.0
    heights = [BAR_HEIGHT * share / tallest for share in shares]
    drawn = [
        element("rect", x=BAR_WIDTH * place, y=BAR_HEIGHT - height, width=BAR_WIDTH - 1, height=height)
        for place, height in enumerate(heights)
    ]
    return drawing(BAR_WIDTH * len(shares), BAR_HEIGHT, "distribution", *drawn, css="bars")
