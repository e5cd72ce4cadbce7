"""What people read: README.md and the pages of docs/."""

import re
from pathlib import Path

from support.places import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)]
TEXT = {path: path.read_text(encoding="utf-8") for path in PAGES}


def name(page: Path) -> str:
    """As test reports call a page."""
    return page.relative_to(ROOT).as_posix()


def blocks(language: str) -> list[str]:
    """The blocks of code in this language, of all pages."""
    return [block for text in TEXT.values() for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]


def block(language: str, part: str) -> str:
    """The one block of code that has this in it."""
    (found,) = [block for block in blocks(language) if part in block]
    return found
