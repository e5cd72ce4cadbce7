"""The checks before training: what they name in real tables, and what they must not name."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from pipeline.config.rules import Kind
from pipeline.data import InMemory
from pipeline.data.checks import Report, report, report_page, report_text, useless
from pipeline.data.checks.drift import stability
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits
from pipeline.data.target import make_target
from pipeline.train import Result

Read = Callable[[str], Path]


def rows_of(frame: pd.DataFrame, *targets: str) -> Rows:
    """Raw columns as the pipeline has them: numbers with NaN, text with "" for gaps."""
    inputs = {}
    for name in frame.columns.difference(targets, sort=False):
        column = frame[name]
        number = pd.api.types.is_numeric_dtype(column)
        inputs[str(name)] = column.to_numpy(np.float64) if number else column.fillna("").astype(str).to_numpy(object)
    return Rows("table", inputs, make_target({name: frame[name] for name in targets}, "auto"), None, None)


def kinds_of(rows: Rows) -> dict[str, Kind]:
    return {name: "category" if column.dtype == object else "numeric" for name, column in rows.inputs.items()}


def split_of(n_rows: int, seed: int = 0) -> Splits:
    train, val, test = np.split(
        np.random.default_rng(seed).permutation(n_rows), [int(0.7 * n_rows), int(0.85 * n_rows)]
    )
    return Splits(train, val, test)


def looked_at(rows: Rows, splits: Splits, kinds: dict[str, Kind]) -> Report:
    return report(InMemory.divided(rows, splits), kinds)


def report_of(frame: pd.DataFrame, *targets: str, kinds: dict[str, Kind] | None = None) -> Report:
    rows = rows_of(frame, *targets)
    return looked_at(rows, split_of(len(rows)), kinds_of(rows) | (kinds or {}))


def made(n_rows: int = 400, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"a": rng.normal(size=n_rows), "y": rng.normal(size=n_rows), **columns})


def column(found: Report, name: str) -> dict:
    return next(column for column in found.as_dict()["columns"] if column["name"] == name)


def test_a_wide_table_is_judged_by_a_thousand_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.data.checks.leakage.MAX_CELLS", 60)  # as if it had thousands of columns
    labels = np.array([f"c{row % 20}" for row in range(3000)])  # too many for some hundred rows
    assert report_of(made(3000, leak=labels, y=labels), "y").suspicious == {"leak": 1.0}


SUSPICIOUS = [
    ("titanic/titanic_seaborn.csv", {}, ["survived"], ["alive"]),
    ("bike_sharing_hour/hour.csv", {}, ["cnt"], ["registered"]),
    ("california_housing/california_sklearn.csv", {}, ["MedHouseVal"], []),
    ("california_housing_text/housing.csv", {}, ["median_house_value"], []),
    ("titanic/train.csv", {}, ["Survived"], []),
    ("penguins/penguins.csv", {}, ["species"], []),
    ("energy_efficiency/energy.csv", {}, ["Heating Load", "Cooling Load"], []),
    ("ames_housing/AmesHousing.csv", {"encoding": "utf-8-sig"}, ["SalePrice"], []),
    (
        "adult/adult.data",
        {"header": None, "names": [f"c{n}" for n in range(15)], "skipinitialspace": True},
        ["c14"],
        [],
    ),
    ("auto_mpg/auto-mpg.data", {"sep": r"\s+", "na_values": "?"}, ["mpg"], []),
    ("parkinsons_telemonitoring/parkinsons_updrs.tsv", {"sep": "\t"}, ["motor_UPDRS", "total_UPDRS"], []),
]


@pytest.mark.parametrize(("file", "how", "targets", "named"), SUSPICIOUS, ids=[case[0] for case in SUSPICIOUS])
def test_what_gives_the_target_away_is_named_and_honest_columns_are_not(
    real_data: Read, file: str, how: dict, targets: list[str], named: list[str]
) -> None:
    found = report_of(pd.read_csv(real_data(file), **how), *targets)
    assert list(found.suspicious) == named
    reported = "\n".join(line for line in report_text.lines(found) if "almost perfectly by itself" in line)
    assert re.findall(r"column '(.*?)' .*?\"data.drop=\[(.*?)\]\"", reported) == [(name, name) for name in named]


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine", "diabetes"])
def test_good_predictors_of_bundled_sets_are_not_suspicious(name: str) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    rows = rows_of(frame, "target")
    named = [looked_at(rows, split_of(len(rows), seed), kinds_of(rows)).suspicious for seed in range(3)]
    assert named == [{}, {}, {}]


def test_several_targets_are_given_away_by_a_column_for_one_of_them() -> None:
    frame = made(z=np.arange(400.0) % 37)
    found = report_of(frame.assign(leak=np.exp(frame["z"])), "y", "z")
    assert list(found.suspicious) == ["leak"]


def test_a_column_that_tells_the_target_is_what_to_try_next(trained: Callable[..., Result], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=300), "y": rng.integers(0, 2, 300)})
    table.assign(told=table["y"] * 3).to_csv(tmp_path / "told.csv", index=False)
    words = ("data=plain_table", "data.target=y", "data.task=binary", "model.units=[4]", "fit.epochs=2")
    result = trained(*words, f"data.path={tmp_path / 'told.csv'}")
    assert result.advice == (
        '"data.drop=[told]" if its values are not known before the target: '
        "it predicts the target almost perfectly by itself"
    )


def test_gaps_that_say_the_class_are_suspicious() -> None:
    died = np.arange(400) % 3 == 0
    found = report_of(
        made(boat=np.where(died, "", "b"), weight=np.where(died, np.nan, 1.0), y=died).drop(columns="a"), "y"
    )
    assert sorted(found.suspicious) == ["boat", "weight"]


def test_few_rows_of_a_class_and_few_rows_at_all_cause_no_trouble() -> None:
    rare = ["common"] * 200 + ["other"] * 199 + ["once"]
    assert report_of(made(leak=rare, y=rare), "y").suspicious["leak"] == 1.0
    assert report_of(made(20), "y").suspicious == {}


def test_useless_columns_of_a_made_table() -> None:
    numbers = np.arange(400.0)
    frame = made(
        one=1.0, word="x", gaps=np.nan, none="", b=numbers / 7, b_again=numbers / 7, zero=0.0, negative=-0.0,
        text=[f"t{n % 5}" for n in range(400)], text_again=[f"t{n % 5}" for n in range(400)], id=numbers + 7,
        code=[f"c{n}" for n in range(400)], count=numbers // 3, day=[f"d{n}" for n in range(400)],
    )  # fmt: skip
    rows = rows_of(frame, "y")
    assert useless(rows, kinds_of(rows) | {"day": "date"}) == {
        "one": "constant",
        "word": "constant",
        "gaps": "empty",
        "none": "empty",
        "zero": "constant",
        "negative": "constant",
        "b_again": "same as column 'b'",
        "text_again": "same as column 'text'",
        "id": "identifier-like: a value of its own in nearly every row",
        "code": "identifier-like: a value of its own in nearly every row",
    }


def test_identifiers_of_real_tables(real_data: Read) -> None:
    found = report_of(pd.read_csv(real_data("titanic/train.csv")), "Survived")
    assert set(found.useless) == {"PassengerId", "Name"}
    assert "'PassengerId' is identifier-like" in "\n".join(report_text.lines(found))
    assert report_of(pd.read_csv(real_data("california_housing/california_sklearn.csv")), "MedHouseVal").useless == {}


def test_what_is_reported_for_each_kind() -> None:
    frame = made(
        n=[1.0, 2.0, np.nan, 5.0] * 100, word=["b", "a", "", "a"] * 100, flag=[0.0, 1.0, 1.0, np.nan] * 100,
        day=["2024-01-02", "2023-05-06", "", "2025-07-08"] * 100,
    )  # fmt: skip
    rows = rows_of(frame, "y")
    splits = Splits(np.arange(200), np.arange(200, 300), np.arange(300, 400))
    found = looked_at(rows, splits, kinds_of(rows) | {"flag": "boolean", "day": "date"})
    n, word, flag, day = (column(found, name) for name in ("n", "word", "flag", "day"))
    assert (n["n_missing"], n["n_missing_train"], n["n_distinct"]) == (100, 50, 3)
    assert (n["least"], n["mean"], n["most"]) == (1.0, pytest.approx(8 / 3), 5.0)
    assert (word["n_missing"], word["n_distinct"], word["frequent"]) == (100, 2, {"a": 100, "b": 50})
    assert (flag["n_missing"], flag["n_distinct"], flag["frequent"]) == (100, 2, {"1": 100, "0": 50})
    assert (day["n_missing"], day["n_distinct"], day["least"], day["most"]) == (100, 3, "2023-05-06", "2025-07-08")
    assert [sum(each["shares"]) for each in (n, word, flag, day)] == pytest.approx([1.0] * 4, abs=1e-3)
    assert found.n_rows_by_split == {"train": 200, "val": 100, "test": 100}
    assert found.fingerprint == rows.fingerprint


def test_dates_go_by_time_not_by_the_alphabet() -> None:
    days = ["9.1.2024", "10.1.2023", "1.12.2024", "2.2.2023"]
    frame = made(day=days * 100, later=days[:2] * 150 + days[2:] * 50)
    rows = rows_of(frame, "y")
    splits = Splits(np.arange(200), np.arange(200, 300), np.arange(300, 400))
    found = looked_at(rows, splits, kinds_of(rows) | {"day": "date", "later": "date"})
    day, later = column(found, "day"), column(found, "later")
    assert (day["least"], day["most"], day["n_distinct"]) == ("10.1.2023", "1.12.2024", 4)
    assert day["shares"][0] == 0.5  # both days of early 2023
    assert (later["least"], later["most"], later["strong_drift"]) == ("10.1.2023", "9.1.2024", ["test"])


def test_target_per_split() -> None:
    splits = Splits(np.arange(200), np.arange(200, 300), np.arange(300, 400))
    rows = rows_of(made(y=["no", "yes"] * 150 + ["no"] * 100), "y")
    found = looked_at(rows, splits, kinds_of(rows))
    assert found.classes == {
        "train": {"no": 100, "yes": 100},
        "val": {"no": 50, "yes": 50},
        "test": {"no": 100, "yes": 0},
    }
    assert "classes in train: no 50.0%, yes 50.0%" in report_text.lines(found)
    rows = rows_of(made(y=np.arange(400) / 2), "y")
    found = looked_at(rows, splits, kinds_of(rows))
    assert found.ranges["y"]["val"] == {"min": 100.0, "mean": 124.75, "max": 149.5}


def test_drift_is_named_where_there_is_some() -> None:
    late = np.arange(400) >= 300
    frame = made(
        moved=np.where(late, 5.0, 0.0) + np.random.default_rng(2).normal(size=400),
        city=np.where(late, "new", "old"), lost=np.where(late, np.nan, 3.5),
        when=[f"2024-{n // 40 + 1:02}" for n in range(400)],
    )  # fmt: skip
    rows = rows_of(frame, "y")
    splits = Splits(np.arange(0, 300, 2), np.arange(1, 300, 2), np.arange(300, 400))
    found = looked_at(rows, splits, kinds_of(rows) | {"when": "date"})
    assert {each.name: each.strong_drift for each in found.columns} == {
        "a": [], "moved": ["test"], "city": ["test"], "lost": ["test"], "when": ["test"]
    }  # fmt: skip
    (reported,) = [line for line in report_text.lines(found) if "population stability index" in line]
    assert re.search(r"'moved' in test \(\d+\.\d\d\), 'city' in test", reported)
    assert "'a'" not in reported


def test_population_stability_index() -> None:
    train, other = np.repeat([0, 1], [60, 40]), np.repeat([0, 1], [30, 70])
    p, q = np.array([60.5, 40.5]) / 101, np.array([30.5, 70.5]) / 101
    index, strong = stability(train, other)
    assert index == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert strong
    assert stability(train, train) == (0.0, False)
    assert not stability(train[::20], other[::20])[1]  # too few rows to tell


def test_categories_that_training_lacks_are_drift_and_reported() -> None:
    """Names, codes and ids: their values were counted with the other rare ones, so that drift stayed low."""
    rng, n = np.random.default_rng(0), 900
    part = np.repeat(["train", "val", "test"], n // 3)
    later = {"train": 0, "val": 0, "test": 100}
    frame = pd.DataFrame(
        {
            "city": [f"c{rng.integers(60) + later[name]}" for name in part],
            "same": [f"c{rng.integers(60)}" for _ in part],
            "code": [float(rng.integers(6) + later[name]) for name in part],
            "id": [f"i{row}" for row in range(n)],
            "few": [f"n{rng.integers(40) if rng.random() < 0.9 else row}" for row in range(n)],
            "y": rng.normal(size=n),
        }
    )
    rows = rows_of(frame, "y")
    splits = Splits(*(np.flatnonzero(part == name) for name in later))
    found = looked_at(rows, splits, kinds_of(rows) | {"code": "category"})
    strong = {column.name: column.strong_drift for column in found.columns}
    assert strong == {"city": ["test"], "same": [], "code": ["test"], "id": [], "few": []}
    unseen = {column.name: column.unseen for column in found.columns}
    assert unseen["city"] == {"val": 0, "test": 1}
    assert unseen["id"] == {"val": 1, "test": 1}
    assert 0.05 < unseen["few"]["test"] < 0.2
    (said,) = (line for line in report_text.warnings(found) if "no training row has" in line)
    assert "'city' in test (100%), 'code' in test (100%), 'id' in val (100%), 'id' in test (100%);" in said


def test_chance_is_not_called_drift() -> None:
    rng = np.random.default_rng(3)
    frame = made(
        120,
        **{f"n{n}": rng.normal(size=120) for n in range(20)},
        **{f"t{n}": rng.choice([*"abcdefgh"], 120) for n in range(20)},
    )
    assert [each.name for each in report_of(frame, "y").columns if each.strong_drift] == []


def test_duplicate_rows_and_those_on_two_sides() -> None:
    frame = made(100, word=[f"w{n % 7}" for n in range(100)])
    frame = pd.concat([frame, frame[:10], frame[:2]], ignore_index=True)
    rows = rows_of(frame, "y")
    found = looked_at(rows, Splits(np.arange(100), np.arange(100, 110), np.arange(110, 112)), kinds_of(rows))
    assert (found.n_duplicate_rows, found.n_copies_of_training_rows) == (12, {"val": 10, "test": 2})
    lines = report_text.lines(found)
    assert "warning: 12 rows are copies of earlier rows, targets included" in lines
    assert "warning: rows that are also training rows: 10 of val and 2 of test; scores on them are too good" in lines


def test_html_escapes_all_that_comes_from_the_data() -> None:
    bad = "<script>alert(1)</script>"
    frame = made(**{"<script>": [f"{bad}{n % 3}" for n in range(400)], "y": [bad, "&lt;"] * 200})
    html = report_page.render(report_of(frame, "y"))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&amp;lt;" in html
    assert re.search(r"(src|href|url|@import)\s*[=(]", html) is None


def test_the_page_shows_how_the_target_is_distributed_and_long_values_in_short() -> None:
    frame = made(word=[f"a rather long word of many that are there {n % 9}" for n in range(400)])
    found = report_of(frame, "y")
    assert sum(found.target_shares["y"]) == pytest.approx(1, abs=1e-3)
    html = report_page.render(found)
    assert html.count("<svg") == 1 + len(found.columns)
    assert re.search(r'<span title="a rather[^"]+\d \(\d+\)">a rather .{80,}\.\.\.</span>', html)
    assert "filter" not in html  # that is for tables with many columns


def test_json_has_no_nan_and_comes_back_the_same() -> None:
    huge = np.where(np.arange(400) % 2, 1.7e308, -1.7e308)
    frame = made(gaps=np.nan, none="", huge=huge, more=np.abs(huge), few=np.where(np.arange(400) == 3, 2.0, np.nan))
    found = report_of(frame, "y", kinds={"none": "date"})
    written = json.dumps(found.as_dict(), allow_nan=False)
    assert json.loads(written) == found.as_dict()
    assert "NaN" not in report_page.render(found)
    assert report_text.lines(found)


def test_lines_are_brief() -> None:
    frame = made(
        **{f"column {n}": np.arange(400.0) % (n + 2) for n in range(70)}, **{"line\nbreak": ["x\ny", "z"] * 200}
    )
    lines = report_text.lines(report_of(frame, "y"))
    assert "and 42 more columns" in lines
    assert len(lines) < 45
    assert not any("\n" in line for line in lines)
    assert lines[2].split() == ["column", "kind", "missing", "distinct", "values", "of", "training", "rows"]


def test_an_array_without_names_is_reported_as_a_whole() -> None:
    x, y = datasets.load_digits(return_X_y=True)
    rows = Rows("digits", {"x": x}, make_target({"y": pd.Series(y)}, "auto"), None, None)
    found = looked_at(rows, split_of(len(rows)), {"x": "numeric"})
    assert (found.n_columns, found.suspicious, found.useless) == (64, {}, {})
    (reported,) = found.columns
    assert (reported.n_inputs, reported.least, reported.most, reported.drift_val) == (64, 0.0, 16.0, None)
    assert any(line.startswith("x (64 inputs)  numeric") for line in report_text.lines(found))
    assert report_page.render(found)
