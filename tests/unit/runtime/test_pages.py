"""Pages: every template stands by itself and escapes what it is given, and so does a drawing."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import pipeline
from pipeline.runtime import pages
from pipeline.runtime.pages import Column, Table
from pipeline.runtime.pages.svg import Svg, bars, drawing, element

PACKAGE = Path(pipeline.__file__).parent
TEMPLATES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.html"))
HOSTILE = "</text><script>alert(1)</script>\"'&"


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_lets_a_text_through_or_loads_anything(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|(src|href)=.?https?:|@import|url\(", text)
    if name not in ("runtime/pages/base.html", "runtime/pages/parts.html"):
        assert text.startswith('{% extends "runtime/pages/base.html" %}')


def test_a_page_needs_all_that_its_template_names() -> None:
    with pytest.raises(UndefinedError, match="'title' is undefined"):
        pages.render("runtime/pages/base.html")
    assert "<title>&lt;/text&gt;" in pages.render("runtime/pages/base.html", title=HOSTILE)


def test_a_table_escapes_heads_titles_and_cells() -> None:
    given = Table([Column(HOSTILE, title=HOSTILE), Column("b", "id")], [[HOSTILE, 1], ["x", "y"]])
    parts = pages._environment().get_template("runtime/pages/parts.html").module
    table = str(parts.table(given, mark_first=True))  # type: ignore[attr-defined]
    assert "<script" not in table
    assert table.count("&lt;script&gt;") == 3
    assert table.count('<tr class="best">') == 1
    assert '<td class="id">1</td></tr>' in table


def test_an_element_escapes_all_but_elements() -> None:
    made = element("text", HOSTILE, element("title", HOSTILE), class_=HOSTILE, x=1.25, y=2, text_anchor="end")
    found = ET.fromstring(made)
    assert found.attrib == {"class": HOSTILE, "x": "1.2", "y": "2", "text-anchor": "end"}
    assert found.text == HOSTILE
    assert found[0].text == HOSTILE
    assert isinstance(made, Svg)


def test_drawings_say_what_they_show() -> None:
    found = ET.fromstring(drawing(20, 10, HOSTILE, element("path", d="M0 0h9")))
    assert (found.attrib["aria-label"], found.attrib["viewBox"]) == (HOSTILE, "0 0 20 10")


@pytest.mark.parametrize("shares", [[], [0.0, 0.0], [0.5, 0.25, 0.25]])
def test_the_tallest_bar_is_as_high_as_the_picture(shares: list[float]) -> None:
    found = ET.fromstring(bars(shares))
    assert [bar.attrib["height"] for bar in found] == [f"{56 * share:.1f}" for share in shares]
    assert found.attrib["width"] == str(7 * len(shares))
