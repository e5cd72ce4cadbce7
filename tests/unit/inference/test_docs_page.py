"""The page at /docs in a real browser: its form asks the model, and it fits a telephone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.inference.http import docs
from pipeline.inference.http.served_model import Served
from support import browser
from support.input_columns import number, text
from support.kinds import ROW
from support.serving import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser.CHROMIUM and browser.DRIVER),
        reason="no chromium with its driver (apt-get install chromium chromium-driver)",
    ),
]

FITS = "return document.documentElement.scrollWidth <= innerWidth"
# Each part that takes room says something: text, or a field to write in.
EMPTY = """return [...document.querySelectorAll('body > *:not(script), form > *')]
    .filter(part => !part.innerText.trim() && !part.querySelector('input, textarea, button'))
    .map(part => part.outerHTML)"""
ELSEWHERE = """return performance.getEntriesByType('resource').map(one => one.name)
    .filter(name => new URL(name).host !== location.host)"""


@pytest.mark.parametrize("width", [1300, 500])
def test_the_form_predicts_and_tells_what_is_wrong(kinds: Served, tmp_path: Path, width: int) -> None:
    with serving(kinds) as (client, _), browser.page(tmp_path / "profile", width, 900) as page:
        page.open(f"http://127.0.0.1:{client.port}/")
        assert page.run("return location.pathname") == "/docs"
        assert page.run(FITS)
        assert page.run(EMPTY) == []
        assert page.run(ELSEWHERE) == []
        assert page.run("return [...document.querySelectorAll('form input')].map(field => field.name)") == list(ROW)
        assert f"http://127.0.0.1:{client.port}/invocations -d" in page.text()
        page.click("button")
        page.says('"predictions"')
        number = page.run("const one = document.querySelector('[data-kind=number]'); one.value = 'x'; return one.name")
        page.click("button")
        page.says('"error_code"', number)


@pytest.mark.parametrize("width", [1300, 500])
def test_a_token_opens_the_page_and_goes_with_all_that_it_asks(kinds: Served, tmp_path: Path, width: int) -> None:
    with serving(kinds, token="s3cret-ä") as (client, _), browser.page(tmp_path / "profile", width, 900) as page:
        page.open(f"http://127.0.0.1:{client.port}/")
        page.says("This server asks for a token")
        assert page.run(FITS)
        assert not [name for name in ROW if name in page.text()]
        assert kinds.name not in page.run("return document.documentElement.outerHTML")
        typed = "document.querySelector('input').value = arguments[0]; document.querySelector('button').click()"
        page.run(typed, "s3cret")
        page.says("This is not the token.")
        page.run(typed, "s3cret-ä")
        page.says("Predicts", "Authorization: Bearer $TOKEN")
        assert page.run(FITS)
        page.click("button")
        page.says('"predictions"')
        page.open(f"http://127.0.0.1:{client.port}/docs")  # once more: the window has kept the token
        page.says("Predicts")
        page.click("a[href='openapi.json']")
        page.says('"openapi"', "/invocations")


LONG = "a_name_without_any_blank_" * 6


@pytest.mark.parametrize("width", [1300, 500])
@pytest.mark.parametrize("columns", ["long", "many"])
def test_names_and_numbers_of_columns_do_not_widen_it(kinds: Served, tmp_path: Path, width: int, columns: str) -> None:
    given = [number(LONG), text(f"{LONG} 2")] if columns == "long" else [number(f"n{k}") for k in range(400)]
    manifest: Any = SimpleNamespace(example={}, learned=kinds.loaded.manifest.learned)
    known = {given[1].name: [LONG * 3, "b"]}
    loaded: Any = SimpleNamespace(manifest=manifest)
    model = replace(kinds, name=LONG, columns=tuple(given), loaded=loaded, categories=known)
    path = tmp_path / "docs.html"
    path.write_text(docs.page(model, asks_for_token=False), encoding="utf-8")
    with browser.page(tmp_path / "profile", width, 900) as page:
        page.open(path.as_uri())
        assert page.run(FITS)
        assert page.run(EMPTY) == []
        assert page.run("return document.querySelectorAll('form input, form textarea').length") == (
            2 if columns == "long" else 1
        )
