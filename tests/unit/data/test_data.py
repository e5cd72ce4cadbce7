"""Rows and splits: every source, every kind of split, and the messages for bad input."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.config import CONF
from pipeline.config.rules import Data
from pipeline.data import Rows, Splits
from pipeline.data.reading.sources import SOURCES

BUNDLED = [
    ("digits", 1797, 64, "multiclass", 10),
    ("breast_cancer", 569, 30, "binary", 2),
    ("wine", 178, 13, "multiclass", 3),
    ("iris", 150, 4, "multiclass", 3),
    ("diabetes", 442, 10, "regression", 0),
    ("linnerud", 20, 3, "regression", 0),
]


def read(*overrides: str) -> Rows:
    return data.read_rows(load(*overrides).data)


def divided(*overrides: str) -> tuple[Rows, Splits]:
    rows = read(*overrides)
    return rows, data.split(rows, load(*overrides).data.split)


@pytest.mark.parametrize(("name", "n_rows", "n_inputs", "task", "n_classes"), BUNDLED)
def test_bundled_sets(name: str, n_rows: int, n_inputs: int, task: str, n_classes: int) -> None:
    rows = read(f"data={name}")
    assert (len(rows), rows.n_inputs, rows.target.task) == (n_rows, n_inputs, task)
    assert len(rows.target.classes) == n_classes
    assert rows.target.values.shape == (n_rows, 3 if name == "linnerud" else 1)


def test_labels_are_the_originals() -> None:
    assert read("data=iris").target.classes.tolist() == ["setosa", "versicolor", "virginica"]
    assert read("data=digits").target.classes.tolist() == list(range(10))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_image_sets_from_a_local_npz_keep_their_official_test_rows(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / f"{name}.npz"
    x, y = rng.integers(0, 256, (120, 28, 28), np.uint8), np.arange(120, dtype=np.uint8) % 10
    np.savez(path, x_train=x[:100], y_train=y[:100], x_test=x[100:], y_test=y[100:])
    rows, splits = divided(f"data={name}", f"data.path={path}", "data.split.val_fraction=0.2")
    assert rows.n_inputs == 784
    assert splits.test.tolist() == list(range(100, 120))
    assert len(splits.val) == 20
    np.testing.assert_array_equal(rows.inputs["x"], x.reshape(120, 784))


def test_image_set_from_the_original_files(tmp_path: Path) -> None:
    for stem, array in (
        ("train-images-idx3", np.arange(40 * 4, dtype=np.uint8).reshape(40, 2, 2)),
        ("train-labels-idx1", np.arange(40, dtype=np.uint8) % 2),
        ("t10k-images-idx3", np.zeros((4, 2, 2), np.uint8)),
        ("t10k-labels-idx1", np.arange(4, dtype=np.uint8) % 2),
    ):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (tmp_path / f"{stem}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    rows = read("data=mnist", f"data.path={tmp_path}", "data.task=auto")
    assert (len(rows), rows.n_inputs, rows.target.task) == (44, 4, "binary")
    assert rows.inputs["x"][39].tolist() == [156, 157, 158, 159]


def test_california_from_npz_and_from_csv(tmp_path: Path, table: Callable[..., Path]) -> None:
    np.savez(tmp_path / "c.npz", x=np.ones((30, 8)), y=np.arange(30.0))
    assert list(read("data=california_housing", f"data.path={tmp_path / 'c.npz'}").inputs) == ["x"]
    path = table(MedInc=np.arange(30.0), MedHouseVal=np.arange(30.0))
    assert list(read("data=california_housing", f"data.path={path}").inputs) == ["MedInc"]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["no", "yes"], "binary", ["no", "yes"]),
        ([True, False], "binary", [False, True]),
        ([0.0, 1.0], "binary", [0, 1]),
        ([-1, 1], "binary", [-1, 1]),
        ([0.5, 1.5], "binary", [0.5, 1.5]),
        (["a", "b,c", "ü"], "multiclass", ["a", "b,c", "ü"]),
        ([3, 4, 5], "multiclass", [3, 4, 5]),
        ([0.5, 1.0, 2.0], "regression", []),
        (list(range(21)), "regression", []),
    ],
)
def test_auto_finds_the_task(table: Callable[..., Path], values: list, task: str, classes: list) -> None:
    repeated = values * 10
    path = table(a=np.arange(float(len(repeated))), y=repeated)
    target = read("data=plain_table", f"data.path={path}", "data.target=y").target
    assert (target.task, target.classes.tolist()) == (task, classes)


def test_drop_and_sample_weight_are_not_inputs(regression_table: Path) -> None:
    rows = read(
        "data=plain_table",
        f"data.path={regression_table}",
        "data.target=y",
        "data.drop=[b]",
        "data.sample_weight=weight",
    )
    assert list(rows.inputs) == ["a"]
    np.testing.assert_array_equal(rows.sample_weight, pd.read_csv(regression_table)["weight"])


def test_fingerprint_tells_rows_apart(regression_table: Path) -> None:
    rows = read("data=plain_table", f"data.path={regression_table}", "data.target=y")
    assert rows.fingerprint == read("data=plain_table", f"data.path={regression_table}", "data.target=y").fingerprint
    assert rows.fingerprint != rows.take(np.arange(len(rows))[::-1]).fingerprint
    assert rows.fingerprint != read("data=plain_table", f"data.path={regression_table}", "data.target=a").fingerprint


@pytest.mark.parametrize(("part", "outlier"), [("val", 1e29), ("test", 1e29), ("val", -1e20)])
def test_outlier_that_training_rows_do_not_know(
    table: Callable[..., Path], tmp_path: Path, part: str, outlier: float
) -> None:
    path = table(a=[0.0, 1.0] * 10 + [outlier], y=np.arange(21.0))
    parts = {"train": np.arange(18), "val": [18], "test": [19]}
    np.savez(tmp_path / "s.npz", **(parts | {part: [20]}))
    rows, splits = divided(
        "data=plain_table", f"data.path={path}", "data.target=y", f"data.split.path={tmp_path / 's.npz'}"
    )
    preprocessing = data.fit_preprocessing(rows.take(splits.train), load("data=iris").data)
    with pytest.raises(DataError) as raised:
        preprocessing.check(rows)
    assert f"column 'a', row 20: {outlier:g} is 1e+18 or more when scaled\n" in str(raised.value)
    assert "remove or cap such outliers, bound scaled inputs with data.clip=10, or set" in str(raised.value)
    data.fit_preprocessing(rows.take(splits.train), load("data=iris", "data.clip=10").data).check(rows)


def test_messages_name_the_rows_of_the_file_after_some_were_dropped(file: Callable[..., Path]) -> None:
    path = file("a,g,y\n1,p,\n" + "1,p,1\n2,q,2.5\n" * 20 + "1e28,,3\n")
    test_path = file("a,g,y\n1,p,\n1,p,\n1e29,p,7\n", "test.csv")
    given = ["data=plain_table", f"data.path={path}", "data.target=y", "data.missing_target=drop"]
    rows = read(*given)
    preprocessing = data.fit_preprocessing(rows.take(np.arange(40)), load(*given).data)
    with pytest.raises(DataError, match=r"column 'a', row 41: 1e\+28 is"):
        preprocessing.check(rows)
    with pytest.raises(DataError, match=r"column 'a', row 2 of data.split.test_path: 1e\+29 is"):
        preprocessing.check(read(*given, f"data.split.test_path={test_path}"))
    with pytest.raises(DataError, match="1 missing values, first in row 41; kind=group"):
        divided(*given, "data.split.kind=group", "data.split.column=g")
    with pytest.raises(DataError, match=r"not dates as year-month-day: 'p' \(row 1\), 'q' \(row 2\)"):
        read(*given, "data.column_kinds={g: date}")


def test_only_the_proportions_of_sample_weights_matter(regression_table: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(regression_table)
    frame.assign(weight=frame["weight"] * 1e-300).to_csv(tmp_path / "tiny.csv", index=False)
    weights = []
    for path in (regression_table, tmp_path / "tiny.csv"):
        overrides = ["data=plain_table", f"data.path={path}", "data.target=y", "data.sample_weight=weight"]
        rows = read(*overrides)
        weights.append(data.fit_preprocessing(rows, load(*overrides).data).apply(rows).sample_weight)
    assert weights[0].mean() == pytest.approx(1)
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5)


def test_large_integer_labels_stay_apart(table: Callable[..., Path]) -> None:
    path = table(a=np.arange(30.0), y=[2**62, 2**62 + 1, 2**62 + 2] * 10)
    assert read("data=plain_table", f"data.path={path}", "data.target=y").target.classes.tolist() == [
        2**62,
        2**62 + 1,
        2**62 + 2,
    ]


@pytest.mark.parametrize(
    ("low", "task"), [(2**53, "classes"), (2**63, "classes"), (10**21, "classes"), (10**21, "regression")]
)
def test_large_integer_labels_beside_rows_without_one_stay_apart(
    table: Callable[..., Path], low: int, task: str
) -> None:
    """Floats, which pandas makes of them, do not tell them apart, or they were text and `NA` one of them."""
    labels = [low + 1, None, low + 2] if task == "classes" else [low * n if n else None for n in range(30)]
    path = table(a=np.arange(30.0), y=pd.Series(labels * (30 // len(labels)), dtype=object))
    words = ["data=plain_table", f"data.path={path}", "data.target=y", "data.missing_target=drop"]
    found = read(*words).target
    if task == "classes":
        assert list(map(int, found.classes)) == [low + 1, low + 2]
    assert (found.task, len(found.values)) == (("binary", 20) if task == "classes" else ("regression", 29))


@pytest.mark.parametrize("large", [2**53 + 1, 2**64 + 1])
def test_large_labels_beside_decimals_are_refused(table: Callable[..., Path], large: int) -> None:
    path = table(a=np.arange(30.0), y=pd.Series(["5.0", "7.0", str(large)] * 10))
    words = ["data=plain_table", f"data.path={path}", "data.target=y"]
    with pytest.raises(DataError, match=r"'y' has classes beyond 2\*\*53, such as .*, or set data.task=regression"):
        read(*words)
    assert read(*words, "data.task=regression").target.values.max() == float(large)


def test_decimals_and_dates_as_target(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(30.0), "y": [Decimal(n) / 7 for n in range(30)]})
    frame["day"] = pd.date_range("2026-01-01", periods=30)
    frame.to_parquet(tmp_path / "t.parquet")
    options = ["data=plain_table", f"data.path={tmp_path / 't.parquet'}"]
    assert read(*options, "data.target=y", "data.drop=[day]").target.task == "regression"
    with pytest.raises(DataError, match="column 'day' holds dates"):
        read(*options, "data.target=day")


def test_every_data_set_has_a_file_a_rule_and_a_reader() -> None:
    names = {path.stem for path in (CONF / "data").glob("*.yaml")} - {"base", "plain_table"}
    assert names == set(SOURCES) == set(Data.model_fields["name"].annotation.__args__)  # type: ignore[union-attr]
