"""The pages that a run leaves, as a real browser shows them on a desk and on a telephone."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data import InMemory, Rows, Splits, Target, report
from pipeline.data.checks import report_page
from pipeline.export.card import worst_rows
from pipeline.export.card.page import Page
from support import browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser.CHROMIUM and browser.DRIVER),
        reason="no chromium with its driver (apt-get install chromium chromium-driver)",
    ),
]
FITS = "return document.documentElement.scrollWidth <= innerWidth"
NAMES = "return [...document.querySelectorAll('.sorts tbody tr:not([hidden])')].map(row => row.cells[0].textContent)"


def rows(n: int = 300) -> Rows:
    rng = np.random.default_rng(0)
    columns = {f"a column with quite a long name {number}": rng.normal(number, 1, n) for number in range(24)}
    columns["town"] = rng.choice([f"Unterammergau-Niederndorf {number}" for number in range(12)], n).astype(object)
    y = rng.normal(200_000, 50_000, n)
    y[7] = 3e6
    return Rows("houses", columns, Target("regression", ("price",), y[:, np.newaxis], np.array([])), None, None)


@pytest.mark.parametrize("width", [1300, 500])
def test_the_data_report_fits_and_can_be_searched(tmp_path: Path, width: int) -> None:
    splits = Splits(np.arange(200), np.arange(200, 250), np.arange(250, 300))
    given = rows()
    kinds = {name: "category" if name == "town" else "numeric" for name in given.inputs}
    path = tmp_path / "report.html"
    path.write_text(report_page.render(report(InMemory.divided(given, splits), kinds)), encoding="utf-8")  # type: ignore[arg-type]
    with browser.page(tmp_path / "profile", width, 900) as page:
        page.open(path.as_uri())
        assert page.run(FITS)
        assert page.run("return [...document.querySelectorAll('svg')].every(svg => svg.querySelector('rect'))")
        assert len(page.run(NAMES)) == 25
        page.click(".sorts th:nth-child(5)")  # distinct values: the town has the fewest
        assert page.run(NAMES)[0] == "town"
        page.click(".sorts th:nth-child(5)")
        assert page.run(NAMES)[-1] == "town"
        search = (
            "const box = document.getElementById('filter'); box.value = 'NAME 2'; box.dispatchEvent(new Event('input'))"
        )
        page.run(search)
        assert len(page.run(NAMES)) == 5  # 2, and 20 to 23


@pytest.mark.parametrize("width", [1300, 500])
def test_the_cards_error_analysis_fits(tmp_path: Path, width: int) -> None:
    card, given = Page("Model card"), rows()
    outputs = {"prediction": np.full((300, 1), 2e5)}
    worst_rows.write(card, None, given, outputs, list(given.inputs))  # type: ignore[arg-type]
    path = tmp_path / "card.html"
    path.write_text(card.html(), encoding="utf-8")
    with browser.page(tmp_path / "profile", width, 900) as page:
        page.open(path.as_uri())
        assert page.run(FITS)
        page.says("row 7", "3,000,000")
