"""Targets that are numbers to a reader and text to a program: told at once what to do, not that classes are many."""

from collections.abc import Callable

import pandas as pd
import pytest

from pipeline import DataError
from pipeline.data.target import make_target

DRESSES: dict[str, Callable[[float], str]] = {
    "thousands": lambda value: f"{value:,.2f}",
    "euros": lambda value: f"{value:.2f} €",
    "euros before": lambda value: f"€ {value:,.0f}",
    "francs": lambda value: f"CHF {value:,.2f}".replace(",", "'"),
    "decimal comma": lambda value: f"{value:.2f}".replace(".", ","),
    "kilograms": lambda value: f"{value:.1f}kg",
    "percent": lambda value: f"-{value / 1e4:.3f}%",
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("task", ["auto", "regression", "multiclass"])
def test_dressed_numbers_are_named_with_the_remedy(dress: str, task: str) -> None:
    column = pd.Series([DRESSES[dress](1234.5 + 357.25 * row) for row in range(200)], name="price", dtype="str")
    with pytest.raises(DataError) as error:
        make_target({"price": column}, task)
    assert f"'price' holds text that looks like numbers, such as {column[0]!r}" in str(error.value)
    assert "remove separators of thousands and units" in str(error.value)
    assert "data.decimal=','" in str(error.value)


@pytest.mark.parametrize(
    "labels",
    [[f"c{row}" for row in range(40)], [f"{row:03}" for row in range(40)], [f"A {row}" for row in range(40)],
     [f"{1 + row % 28:02}.{1 + row // 28:02}.2021" for row in range(40)], [f"{row % 4} kg" for row in range(40)],
     [f"2021-01-{row}" for row in range(40)]],
)  # fmt: skip
def test_labels_with_digits_stay_classes(labels: list[str]) -> None:
    found = make_target({"y": pd.Series(labels, name="y", dtype="str")}, "auto")
    assert found.task == "multiclass"
