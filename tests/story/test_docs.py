"""The documentation names what there is."""

import re
from pathlib import Path

import pytest

from pipeline.config.rules import OF_COMMANDS, OWN_BEGINNINGS, OWN_TAGS
from pipeline.config.scores import DIRECTIONS
from support.documentation import DOCS, PAGES, TEXT, name
from support.places import ROOT

RESULTS = TEXT[DOCS / "reference" / "results.md"]
PATH = re.compile(r"`((?:pipeline|tests|conf|docs|benchmarks)/[\w./-]+\.(?:py|yaml|md))`")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = [path for path in PATH.findall(TEXT[page]) if "highway" not in path]
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_files_that_internals_name_exist() -> None:
    cells = re.findall(r"`((?:config|fit|track|sweep|inference)/[\w/]+\.py)`", (DOCS / "code/internals.md").read_text())
    assert len(cells) > 5
    assert [name for name in cells if not (ROOT / "pipeline" / name).is_file()] == []


def test_every_private_name_of_another_library_is_among_the_internals() -> None:
    text = (DOCS / "code/internals.md").read_text(encoding="utf-8")
    private = re.compile(r"^from ([a-z]\w+)[\w.]*\._[\w.]* import|^from ([a-z]\w+)[\w.]* import _", re.MULTILINE)
    files = {}
    for path in (ROOT / "pipeline").rglob("*.py"):
        for first, second in private.findall(path.read_text(encoding="utf-8")):
            if (first or second) != "pipeline":
                files[path.relative_to(ROOT / "pipeline").as_posix()] = first or second
    assert len(files) > 4
    assert [f"{file}: {library}" for file, library in files.items() if f"`{file}`" not in text] == []


def test_every_tag_and_score_is_on_the_page() -> None:
    named = set(re.findall(r"`([^`]+)`", RESULTS))
    assert sorted(set(DIRECTIONS) - named) == []
    rows = re.findall(r"^\| (`.*?) \|", RESULTS.partition("## Tags")[2], re.MULTILINE)
    tags = {tag for row in rows for tag in re.findall(r"`([^`]+)`", row)}
    assert sorted(tag for tag in tags if not tag.startswith(OWN_BEGINNINGS)) == sorted(OWN_TAGS | OF_COMMANDS)
    assert [beginning for beginning in OWN_BEGINNINGS if not any(tag.startswith(beginning) for tag in tags)] == []
