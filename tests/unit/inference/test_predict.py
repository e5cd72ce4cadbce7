"""Batch prediction: the same as the training reader's rows give, from any dialect, and whole files or none."""

import gc
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import DataError, data, load
from pipeline.errors import PipelineError
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.batch.source import ParquetSource
from pipeline.inference.score_file import score_file

N = 60


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": [f"r{number}" for number in range(N)],
            "size": rng.normal(80, 9, N).round(2),
            "town": rng.choice(["Bern", "Köln", "St. Gallen, SG"], N),
            "code": rng.choice([1, 2, 3], N),
            "zip": rng.choice(["A010", "B200", "C000"], N),
            "garden": rng.choice([True, False], N),
            "built": [f"19{year}-03-04" for year in rng.integers(10, 99, N)],
        }
    )
    table["price"] = 3 * table["size"] + 50 * (table["town"] == "Bern") + rng.normal(size=N)
    table.loc[3, "size"], table.loc[5, "town"], table.loc[7, "built"] = None, None, None
    return table


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, untrained: Callable[..., Path]) -> tuple[Path, Path]:
    """A model and the file that its preprocessing was fitted on."""
    folder = tmp_path_factory.mktemp("houses")
    path = folder / "houses.csv"
    frame().to_csv(path, index=False)
    keys = ("data.drop=[id]", "data.missing_values=[-999]")
    return untrained(folder / "m", "data=plain_table", f"data.path={path}", "data.target=price", *keys), path


@pytest.fixture(scope="module")
def expected(houses: tuple[Path, Path]) -> np.ndarray:
    folder, path = houses
    rows = data.read_rows(load("data=plain_table", f"data.path={path}", "data.target=price", "data.drop=[id]").data)
    return LoadedModel(folder).predict_raw(rows.inputs)["prediction"][:, 0]


def predicted(houses: tuple[Path, Path], path: Path, output: str = "out.csv", **options: object) -> pd.DataFrame:
    out = path.parent / output
    done = predict(str(houses[0]), path, out, **options)  # type: ignore[arg-type]
    found = pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out)
    assert done.n_rows == len(found)
    assert [file.name for file in path.parent.glob(".unfinished*")] == []
    return found


def written(table: pd.DataFrame, path: Path, kind: str) -> Path:
    if kind == "parquet":
        table.to_parquet(path.with_suffix(".parquet"))
        return path.with_suffix(".parquet")
    if kind == "parquet.gz":
        path = path.with_suffix(".parquet.gz")
        path.write_bytes(gzip.compress(table.to_parquet()))
        return path
    if kind == "gz":
        path = path.with_suffix(".csv.gz")
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("kind", ["csv", "gz", "parquet", "parquet.gz"])
def test_the_training_file_gives_what_the_training_reader_gives(
    houses: tuple[Path, Path], expected: np.ndarray, tmp_path: Path, kind: str
) -> None:
    shuffled = frame()[["built", "price", "zip", "id", "garden", "town", "size", "code"]]
    path = written(shuffled, tmp_path / "new.csv", kind)
    output = "out.parquet" if kind == "parquet" else "out.csv"
    found = predicted(houses, path, output, keep=["id", "size"])
    assert list(found) == ["id", "size", "prediction"]
    assert list(found["id"]) == list(frame()["id"])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-12)


DIALECTS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "semicolons": lambda t: t.to_csv(index=False, sep=";").encode(),
    "tabs": lambda t: t.to_csv(index=False, sep="\t").encode(),
    "blanks around values": lambda t: t.to_csv(index=False).replace(",", " , ").replace("n ,  SG", "n, SG").encode(),
    "quotation marks behind blanks": lambda t: t.to_csv(index=False, quoting=2).replace(',"', ', "').encode(),
    "marks of gaps": lambda t: t.fillna({"size": -999}).to_csv(index=False, na_rep="?").encode(),
    "bom and line ends": lambda t: b"\xef\xbb\xbf" + t.to_csv(index=False, lineterminator="\r\n").encode(),
    "utf-16": lambda t: t.to_csv(index=False).encode("utf-16"),
    "latin": lambda t: t.to_csv(index=False).encode("cp1252"),
    "latin beyond the sample": lambda t: t.assign(note="x" * 6000).to_csv(index=False).encode()
    .replace("Köln".encode(), b"Koln", 40).replace("Köln".encode(), "Köln".encode("cp1252")),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_and_marks(houses: tuple[Path, Path], expected: np.ndarray, tmp_path: Path, dialect: str) -> None:
    table = frame()
    path = tmp_path / "new.csv"
    path.write_bytes(DIALECTS[dialect](table))
    if dialect == "latin beyond the sample":
        expected = expected[~table["town"].eq("Köln").to_numpy()]
        found = predicted(houses, path)["prediction"][~table["town"].eq("Köln")]
    else:
        found = predicted(houses, path)["prediction"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_types_are_the_models_and_not_a_blocks(houses: tuple[Path, Path], tmp_path: Path) -> None:
    """Towns that are numbers, unseen ones, booleans as text, dates with a time: none is inferred anew."""
    table = frame().head(3).assign(town=["12", "nan", "Ürgüp"], built=["1950-01-01T00:00:00", "1951-2-3", ""])
    table["garden"] = ["true", "FALSE", "1"]
    typed = table.assign(garden=[True, False, True], zip=["A010 ", "x", ""])
    as_csv = predicted(houses, written(table.assign(zip=typed["zip"]), tmp_path / "a.csv", "csv"))
    as_parquet = predicted(houses, written(typed.replace({"town": {"nan": ""}}), tmp_path / "b.csv", "parquet"))
    np.testing.assert_allclose(as_csv["prediction"], as_parquet["prediction"], rtol=1e-12)


BAD = [
    ("size,town\n1,Bern\n", r"missing columns: 'code', 'zip', 'garden', 'built'; the columns are 'size', 'town'"),
    ("id,size,town,code,zip,garden,built\n1,2,3\n", r"line 2: 3 fields, but there are 7 columns; correct the line"),
    ("size,town,code,zip,garden,built\n1,a,1,1,1,\nwide,a,1,1,1,\n",
     r"column 'size', row 1: 'wide' is not a number; correct it"),
    ("size,town,code,zip,garden,built\n1,a,1,1,1,\ninf,a,1,1,1,\n", r"column 'size', row 1: inf is infinite"),
    ("size,size,town,code,zip,garden,built\n1,2,a,1,1,1,\n", r"more than one column named 'size'"),
    ("size,town,code,zip,garden,built\n", "the input has no rows"),
    ("", "it is empty"),
    ("size,town\0", "holds a zero byte"),
    ("PAR1", "it is Parquet; name it .parquet"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_input_is_named_and_leaves_no_output(
    houses: tuple[Path, Path], tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "new.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        predict(str(houses[0]), path, tmp_path / "out.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["new.csv"]


@pytest.mark.parametrize(
    ("output", "keep", "message"),
    [
        ("out.xlsx", [], r"out.xlsx must end in .csv or .parquet"),
        ("no/out.csv", [], "for out.csv does not exist; create it"),
        ("new.csv", [], "is the input; name another output"),
        ("out.csv", ["idd"], r"--keep: missing columns: 'idd' \(did you mean 'id'\?\)"),
        ("out.csv", ["prediction"], "--keep: 'prediction' is the name of a prediction"),
    ],
)
def test_outputs_that_cannot_be(
    houses: tuple[Path, Path], tmp_path: Path, output: str, keep: list[str], message: str
) -> None:
    path = written(frame().assign(prediction=1), tmp_path / "new.csv", "csv")
    with pytest.raises(DataError, match=message):
        predict(str(houses[0]), path, tmp_path / output, keep=keep)


def test_an_older_output_stays_when_prediction_fails(houses: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    bad = frame().astype({"size": object})
    bad.loc[50, "size"] = "wide"
    with pytest.raises(DataError, match="row 50"):
        predict(str(houses[0]), written(bad, tmp_path / "new.csv", "csv"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "old"


def test_missing_input_and_broken_parquet(houses: tuple[Path, Path], tmp_path: Path) -> None:
    for name, content, message in [
        ("no.csv", None, "no.csv does not exist"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.parquet.gz", gzip.compress(b"PAR1"), "cannot be read as Parquet"),
        ("b.parquet.gz", b"PAR1", "cannot be read as Parquet"),
        ("a.csv.gz", gzip.compress(b"size" * 99)[:20], "cannot be read"),
        ("a.xlsx", b"", "has an unknown extension; use one of .csv"),
    ]:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            predict(str(houses[0]), tmp_path / name, tmp_path / "out.csv")


def test_a_file_without_header_has_the_columns_of_training(untrained: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "t.data"
    table = frame()[["size", "town", "price"]]
    table.to_csv(path, index=False, header=False, sep="|")
    keys = ("data.header=false", "data.columns=[size,town,price]")
    model = str(untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=price", *keys))
    found = []
    for columns, header in ((["size", "town", "price"], False), (["size", "town"], False), (["town", "size"], True)):
        table[columns].to_csv(tmp_path / "n.csv", index=False, header=header)
        predict(model, tmp_path / "n.csv", tmp_path / "o.csv")
        found.append(pd.read_csv(tmp_path / "o.csv")["prediction"].to_numpy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    table[["town"]].to_csv(tmp_path / "n.csv", index=False, header=False)
    with pytest.raises(DataError, match="has 1 columns, and no header with the model's columns; it must have the 3"):
        predict(model, tmp_path / "n.csv", tmp_path / "o.csv")


def test_classes_and_arrays(untrained: Callable[..., Path], tmp_path: Path) -> None:
    folder = untrained(tmp_path / "m", "data=digits")
    x = data.read_rows(load("data=digits").data).inputs["x"][:5]
    table = pd.DataFrame(x, columns=[f"p{number}" for number in range(64)]).assign(id=range(5))
    found = predicted((folder, tmp_path), written(table, tmp_path / "n.csv", "csv"), keep=["id"])
    assert list(found) == ["id", "label", *(f"probability_{digit}" for digit in range(10))]
    model = LoadedModel(folder)
    assert list(found["label"]) == model.predict_raw({"x": x})["label"].tolist()
    with pytest.raises(
        DataError, match=r"the model takes an array of 64 numbers a row: .* apart from those of --keep, .* it has 65"
    ):
        predict(str(folder), tmp_path / "n.csv", tmp_path / "o.csv")
    written(table.assign(**{model.manifest.target[0]: 0}), tmp_path / "n.csv", "csv")
    with pytest.raises(DataError, match=r"apart from the target and --weight, .* it has 65"):
        score_file(str(folder), tmp_path / "n.csv")


def test_an_unknown_model_is_an_error_of_ours(houses: tuple[Path, Path], store: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"no such folder or run; the nearest runs|the store .* does not exist"):
        predict("nowhere", houses[1], tmp_path / "o.csv", tracking_uri=store)


def test_parquet_is_not_kept_once_it_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(tmp_path / "t.parquet", pa.schema({name: pa.float64() for name in "abcde"})) as writer:
        for _ in range(30):
            writer.write_table(pa.table({name: rng.normal(size=20_000) for name in "abcde"}))
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() for _ in ParquetSource(tmp_path / "t.parquet").blocks(list("abcde")))
    assert most - before < 8e6  # of 24 MB


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", ", "])
def test_rows_that_end_in_a_delimiter_are_read_as_in_training(
    untrained: Callable[..., Path], tmp_path: Path, mark: str
) -> None:
    between = mark.strip(" ")
    lines = [f"{row}{between}{row * 2}.5{between}{row}.25{mark}\n" for row in range(40)]
    path = tmp_path / "t.csv"
    path.write_text(f"a{between}b{between}y\n" + "".join(lines))
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path='{path}'", "data.target=y")
    predict(str(folder), path, tmp_path / "o.csv")
    path.write_text("".join(line.rstrip(f"{mark} \n") + "\n" for line in path.read_text().splitlines()))
    predict(str(folder), path, tmp_path / "plain.csv")
    assert (tmp_path / "o.csv").read_text() == (tmp_path / "plain.csv").read_text()
    whole = f"1{between}2{between}3\n"  # with tabs: a row as all are, divided by blanks
    for odd in (f"1{between}2{between}3{between}x\n", *([whole] if mark != "\t" else [])):
        path.write_text(f"a{between}b{between}y\n" + "".join([*lines[:5], odd, *lines[5:]]))
        with pytest.raises(DataError, match=r"line 7: . fields, but there are 3 columns"):
            predict(str(folder), path, tmp_path / "o.csv")


def trained_on(untrained: Callable[..., Path], path: Path, *keys: str) -> Path:
    return untrained(path.with_name("m"), "data=plain_table", f"data.path={path}", "data.target=price", *keys)


@pytest.mark.parametrize("quoting", [0, 2])
def test_columns_without_a_name_are_called_as_in_training(
    untrained: Callable[..., Path], tmp_path: Path, quoting: int
) -> None:
    """Such as the index that pandas writes."""
    table = frame().drop(columns=["id", "size", "built"])
    table.index = pd.Index(np.random.default_rng(1).integers(0, 9, N))  # otherwise it is an identifier
    path = tmp_path / "t.csv"
    table.to_csv(path, quoting=quoting)
    model = trained_on(untrained, path)
    assert "Unnamed: 0" in LoadedModel(model).manifest.inputs
    assert predict(str(model), path, tmp_path / "out.csv", keep=["Unnamed: 0"]).n_rows == N
    assert pd.read_csv(tmp_path / "out.csv")["Unnamed: 0"].tolist() == table.index.tolist()


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n\n", "  \n", "\ufeff\n"])
@pytest.mark.parametrize("exact", [False, True])
def test_blank_lines_before_the_header_are_no_rows(
    untrained: Callable[..., Path], tmp_path: Path, blank: str, exact: bool
) -> None:
    path = tmp_path / "t.csv"
    table = pd.DataFrame({"town": ["Bonn", "Bern", "Rome", "Oslo"] * 15, "code": ["a", "b", "c"] * 20})
    table["price"] = [*range(60)]
    text = table.to_csv(index=False).replace("Bonn", ' "Bonn"' if exact else "Bonn")
    path.write_text(blank + text, encoding="utf-8", newline="")
    model = trained_on(untrained, path)
    assert predict(str(model), path, tmp_path / "out.csv", keep=["town"]).n_rows == 60
    assert pd.read_csv(tmp_path / "out.csv")["town"].str.strip().tolist() == table["town"].tolist()


def test_a_kept_column_that_csv_cannot_hold_is_named(houses: tuple[Path, Path], tmp_path: Path) -> None:
    lists = pa.table(
        {**dict(frame().items()), "tags": [["new", "cheap"]] * N, "more": [{"a": 1}] * N, "raw": [b"\xff"] * N}
    )
    pq.write_table(lists, tmp_path / "n.parquet")
    said = "CSV cannot hold column 'tags' of type list<.*>; name an output that ends in .parquet"
    with pytest.raises(DataError, match=said):
        predicted(houses, tmp_path / "n.parquet", keep=["id", "tags"])
    with pytest.raises(DataError, match=r"CSV cannot hold column 'more' .* and column 'raw' of type binary;"):
        predicted(houses, tmp_path / "n.parquet", keep=["more", "raw"])
    found = predicted(houses, tmp_path / "n.parquet", "out.parquet", keep=["tags", "more"])
    assert list(found["tags"][0]) == ["new", "cheap"]


def test_an_output_that_is_given_up_is_closed(
    houses: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    table = pd.concat([frame()] * 3, ignore_index=True)
    table["size"] = table["size"].astype(object)
    table.loc[150, "size"] = "large"
    table.to_csv(tmp_path / "n.csv", index=False)
    monkeypatch.setattr("pipeline.inference.batch.text.BLOCK_ROWS", 50)
    monkeypatch.setattr("pipeline.inference.batch.text.BLOCK_BYTES", 2000)
    for output in ("out.parquet", "out.csv"):
        with pytest.raises(PipelineError, match="column 'size', row 150"):
            predicted(houses, tmp_path / "n.csv", output)
        gc.collect()
        assert unraisable == []
