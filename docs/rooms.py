"""Which room of the package imports which, by the imports themselves: a table, and a picture.

`python docs/rooms.py` writes the picture anew, docs/code/rooms.svg; a test says when it is stale.
"""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import grimp

from pipeline.runtime.pages.svg import drawing, element

DOCS = Path(__file__).resolve().parent
PICTURE = DOCS / "code" / "rooms.svg"
WIDTH, HEIGHT = 110, 30  # pixels of a box
ACROSS, DOWN = 170, 68  # from one box to the next
EDGE = 20  # around all of them
HEAD = "M0 0L7 3L0 6z"  # of an arrow

Imports = dict[str, set[str]]


def layers() -> list[list[str]]:
    """The rooms, row by row from the top, as the contract in pyproject.toml has them."""
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rows = next(one["layers"] for one in contracts["contracts"] if one["id"] == "layers")
    return [row.split(" | ") for row in rows if row != "__main__"]


def imports() -> Imports:
    """What each room imports of the others."""
    graph = grimp.build_graph("pipeline", cache_dir=None)
    rooms = [room for row in layers() for room in row]
    found = {}
    for room in rooms:
        module = f"pipeline.{room}"
        inside = {module, *graph.find_descendants(module)}
        every = {other for one in inside for other in graph.find_modules_directly_imported_by(one)}
        found[room] = {other.split(".")[1] for other in every if "." in other} - {room}
    return found


def table() -> str:
    """What each room is for, and which others it imports."""
    found = imports()
    lines = ["| room | what it does | imports |", "|---|---|---|"]
    for room in found:
        about = (importlib.import_module(f"pipeline.{room}").__doc__ or "").split("\n")[0]
        lines.append(f"| `{room}` | {about} | {', '.join(f'`{other}`' for other in found if other in found[room])} |")
    return "\n".join(lines)


def picture() -> str:
    """The rooms as boxes, importers above what they import; an arrow that others imply is left out."""
    arrows = _not_implied(imports())
    places = _places(arrows)
    right = max(x for x, _ in places.values()) + WIDTH / 2 + EDGE
    floor = max(y for _, y in places.values()) + HEIGHT + EDGE
    head = element("marker", element("path", d=HEAD), id="head", refX=6, refY=3, markerWidth=7, markerHeight=6,
                   orient="auto")  # fmt: skip
    lines = [_arrow(places[room], places[other]) for room in arrows for other in sorted(arrows[room])]
    boxes = [piece for room, place in places.items() for piece in _box(room, *place)]
    back = element("rect", width="100%", height="100%", fill="#fff")
    drawn = drawing(
        int(right), int(floor), "Which room imports which", back, element("defs", head), *lines, *boxes,
        xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip
    return str(drawn).replace("><", ">\n<") + "\n"


def _not_implied(found: Imports) -> Imports:
    """Without what is imported by way of another, too."""

    def reached(room: str) -> set[str]:
        return found[room].union(*(reached(other) for other in found[room]))

    return {room: others - set().union(*map(reached, others)) for room, others in found.items()}


def _places(arrows: Imports) -> dict[str, tuple[float, float]]:
    """The middle of each box's upper edge; one that is alone in its row stands below those that point to it."""
    rows = layers()
    middle = EDGE + WIDTH / 2 + (max(map(len, rows)) - 1) * ACROSS / 2
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        above = [places[room][0] for room in places if row[0] in arrows[room]] if len(row) == 1 else []
        center = sum(above) / len(above) if above else middle
        for place, room in enumerate(row):
            places[room] = center + (place - (len(row) - 1) / 2) * ACROSS, EDGE + number * DOWN
    return places


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    return element(
        "path", d=f"M{start[0]:.0f} {start[1] + HEIGHT:.0f}L{end[0]:.0f} {end[1] - 1:.0f}", stroke="#5d6779",
        fill="none", marker_end="url(#head)",
    )  # fmt: skip


def _box(room: str, x: float, y: float) -> list[str]:
    return [
        element("rect", x=x - WIDTH / 2, y=y, width=WIDTH, height=HEIGHT, rx=5, fill="#f5f7fa", stroke="#3b6fb6"),
        element("text", room, x=x, y=y + 20, text_anchor="middle", font_family="sans-serif", font_size=14),
    ]


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
