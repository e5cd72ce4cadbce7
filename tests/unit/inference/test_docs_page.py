"""The page at /docs in a real browser: its form asks the model, and it fits a telephone."""

from pathlib import Path

import pytest

from pipeline.inference.http.model import Served
from support import browser
from support.kinds import ROW
from support.serving import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser.CHROMIUM and browser.DRIVER),
        reason="no chromium with its driver (apt-get install chromium chromium-driver)",
    ),
]


@pytest.mark.parametrize("width", [1300, 500])
def test_the_form_predicts_and_tells_what_is_wrong(kinds: Served, tmp_path: Path, width: int) -> None:
    with serving(kinds) as (client, _), browser.page(tmp_path / "profile", width, 900) as page:
        page.open(f"http://127.0.0.1:{client.port}/")
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.run("return [...document.querySelectorAll('form input')].map(field => field.name)") == list(ROW)
        page.click("button")
        page.says('"predictions"')
        number = page.run("const one = document.querySelector('[data-kind=number]'); one.value = 'x'; return one.name")
        page.click("button")
        page.says('"error_code"', number)
