"""Which folders of the package import which, read from the code: a table and a diagram.

`.venv/bin/python docs/imports.py` draws the diagram, docs/code/imports.svg; a test fails if it is outdated.
"""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import grimp

from pipeline.runtime.pages.svg import drawing, element

DOCS = Path(__file__).resolve().parent
PICTURE = DOCS / "code" / "imports.svg"
WIDTH, HEIGHT = 110, 30  # pixels of a box
ACROSS, DOWN = 170, 68  # from one box to the next
EDGE = 20  # around all of them
HEAD = "M0 0L7 3L0 6z"  # of an arrow

Imports = dict[str, set[str]]


def layers() -> list[list[str]]:
    """Returns the layers of the import contract in pyproject.toml, from the top; each is a list of folders."""
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rows = next(one["layers"] for one in contracts["contracts"] if one["id"] == "layers")
    return [row.split(" | ") for row in rows if row != "__main__"]


def found_imports() -> Imports:
    """Returns which others each folder imports."""
    graph = grimp.build_graph("pipeline", cache_dir=None)
    folders = [folder for row in layers() for folder in row]
    found = {}
    for folder in folders:
        module = f"pipeline.{folder}"
        inside = {module, *graph.find_descendants(module)}
        every = {other for one in inside for other in graph.find_modules_directly_imported_by(one)}
        found[folder] = {other.split(".")[1] for other in every if "." in other} - {folder}
    return found


def table() -> str:
    """Returns a Markdown table of the folders: what each does, and which others it imports."""
    found = found_imports()
    lines = ["| folder | what it does | imports |", "|---|---|---|"]
    for folder in found:
        about = (importlib.import_module(f"pipeline.{folder}").__doc__ or "").split("\n")[0]
        lines.append(
            f"| `{folder}` | {about} | {', '.join(f'`{other}`' for other in found if other in found[folder])} |"
        )
    return "\n".join(lines)


def picture() -> str:
    """Draws the folders as boxes, importers above what they import; arrows that others imply are omitted."""
    arrows = _not_implied(found_imports())
    places = _places(arrows)
    right = max(x for x, _ in places.values()) + WIDTH / 2 + EDGE
    floor = max(y for _, y in places.values()) + HEIGHT + EDGE
    head = element("marker", element("path", d=HEAD), id="head", refX=6, refY=3, markerWidth=7, markerHeight=6,
                   orient="auto")  # fmt: skip
    lines = [_arrow(places[folder], places[other]) for folder in arrows for other in sorted(arrows[folder])]
    boxes = [piece for folder, place in places.items() for piece in _box(folder, *place)]
    back = element("rect", width="100%", height="100%", fill="#fff")
    drawn = drawing(
        int(right), int(floor), "Which folder imports which", back, element("defs", head), *lines, *boxes,
        xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip
    return str(drawn).replace("><", ">\n<") + "\n"


def _not_implied(found: Imports) -> Imports:
    """Removes imports that other imports imply."""

    def reached(folder: str) -> set[str]:
        return found[folder].union(*(reached(other) for other in found[folder]))

    return {folder: others - set().union(*map(reached, others)) for folder, others in found.items()}


def _places(arrows: Imports) -> dict[str, tuple[float, float]]:
    """Returns the middle of each box's upper edge; a single box of a row is below those that point to it."""
    rows = layers()
    middle = EDGE + WIDTH / 2 + (max(map(len, rows)) - 1) * ACROSS / 2
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        above = [places[folder][0] for folder in places if row[0] in arrows[folder]] if len(row) == 1 else []
        center = sum(above) / len(above) if above else middle
        for place, folder in enumerate(row):
            places[folder] = center + (place - (len(row) - 1) / 2) * ACROSS, EDGE + number * DOWN
    return places


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    return element(
        "path", d=f"M{start[0]:.0f} {start[1] + HEIGHT:.0f}L{end[0]:.0f} {end[1] - 1:.0f}", stroke="#5d6779",
        fill="none", marker_end="url(#head)",
    )  # fmt: skip


def _box(folder: str, x: float, y: float) -> list[str]:
    return [
        element("rect", x=x - WIDTH / 2, y=y, width=WIDTH, height=HEIGHT, rx=5, fill="#f5f7fa", stroke="#3b6fb6"),
        element("text", folder, x=x, y=y + 20, text_anchor="middle", font_family="sans-serif", font_size=14),
    ]


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
