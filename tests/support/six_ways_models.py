"""Models that are asked in all ways, and what they say of raw values that cells mean."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from pipeline import data, load
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import FORMATS
from pipeline.data.reading.notation import written_date
from pipeline.export.loaded_model import LoadedModel
from pipeline.track.mlflow_model import write_model
from pipeline.track.model_rows import described
from support.serving import served, serving
from support.six_ways import Asked, Taken
from support.untrained import save

N = 60
GAP = object()
KEYS = ("data=plain_table", "data.target=y", "data.missing_values=[-9999,unknown]", "data.missing_indicator=true")


def table() -> pd.DataFrame:
    """Columns of each kind; `age`, `note` and `seen` have gaps."""
    rng, rows = np.random.default_rng(0), np.arange(N)
    days = pd.date_range("2020-01-15", periods=N, freq="17D").strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "size": rng.normal(50, 20, N).round(2),
            "age": np.where(rows % 7 == 3, np.nan, rng.integers(1, 90, N)),
            "code": rng.choice([1, 2, 3], N),
            "garden": rng.choice([True, False], N),
            "town": rng.choice(["Bern", "Köln", "St. Gallen, SG"], N),
            "note": np.where(rows % 5 == 2, None, rng.choice(["good", "bad"], N)),
            "level": rng.choice(["1", "2", "x"], N),
            "zip": rng.choice(["02134", "10001", "A1"], N),
            "flag": rng.choice(["True", "False"], N),
            "yes": rows % 3 == 0,
            "day": days,
            "seen": np.where(rows % 6 == 1, None, days),
            "y": rng.normal(size=N) * 100,
        }
    )


FORMATS_BY_NAME = {written.name: written for written in FORMATS}
DRESS = 'data.column_formats={price: "$1,234.5", weight: "1,5 kg", born: "%d/%m/%y", at: "%I:%M %p"}'


def dressed() -> pd.DataFrame:
    """Numbers and dates that `data.column_formats` reads; `weight` has gaps."""
    rng, rows = np.random.default_rng(1), np.arange(N)
    days = pd.date_range("1998-01-15", periods=N, freq="117D")
    weights = [f"{weight:.1f} kg".replace(".", ",") for weight in rng.normal(50, 20, N)]
    return pd.DataFrame(
        {
            "price": [f"${price:,.2f}" for price in rng.normal(5000, 900, N)],
            "weight": np.where(rows % 7 == 3, None, weights),
            "born": days.strftime("%d/%m/%y"),
            "at": [f"{1 + row % 12:02}:{row % 60:02} {'AM' if row % 3 else 'PM'}" for row in rows],
            "size": rng.normal(50, 20, N).round(2),
            "y": rng.normal(size=N) * 100,
        }
    )


def dates() -> pd.DataFrame:
    """Dates in the ways that are read by themselves."""
    days = pd.date_range("2020-01-15 07:30", periods=N, freq="17D")
    offsets = np.resize(["+02:00", "-0330", "Z", ""], N)
    return pd.DataFrame(
        {
            "zone": [f"{day:%Y-%m-%dT%H:%M:%S}{offset}" for day, offset in zip(days, offsets, strict=True)],
            "basic": days.strftime("%Y%m%dT%H%M%S"),
            "dashes": days.strftime("%d-%m-%Y"),
            "y": np.random.default_rng(2).normal(size=N) * 100,
        }
    )


@contextlib.contextmanager
def models_in(folder: Path) -> Iterator[dict[str, Asked]]:
    """Models: of a CSV file, of one with decimal commas, of Parquet, of numbers and dates in dress, of other dates."""
    typed = table()[["size", "garden", "y"]].assign(
        day=pd.to_datetime(table()["day"]), land=np.resize(["NA", "DE", "CH"], N)
    )
    with contextlib.ExitStack() as stack:
        yield {
            "csv": asked(stack, folder / "plain.csv", table(), "data.column_kinds={flag:category, yes:numeric}"),
            "comma": asked(stack, folder / "comma.csv", table()[["size", "town", "y"]], "data.decimal=','"),
            "dress": asked(stack, folder / "dress.csv", dressed(), DRESS),
            "dates": asked(stack, folder / "dates.csv", dates()),
            "parquet": asked(stack, folder / "typed.parquet", typed),
        }


def asked(stack: contextlib.ExitStack, path: Path, frame: pd.DataFrame, *keys: str) -> Asked:
    """The model of a table, and all that answers for it; with weights that it was not trained for."""
    written = {"sep": ";", "decimal": ","} if "data.decimal=','" in keys else {}
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False, **written)
    keys = (*KEYS, *keys, f"data.path={path}")
    folder = save(path.with_suffix(".saved_model"), *keys, "model.units=[]")
    config = load(*keys).data
    write_model(path.with_suffix(".mlflow"), folder, described(data.read_rows(config)))
    client, _ = stack.enter_context(serving(served(folder, "m")))
    pyfunc = mlflow.pyfunc.load_model(str(path.with_suffix(".mlflow")))
    return Asked(config, frame, written, LoadedModel(folder), pyfunc, client)


def expected(asked: Asked, column: str, *means: Any) -> Taken:
    """What the model says of the raw values that cells mean."""
    about = asked.about(column)
    gap: Any = "" if about.is_text else np.nan
    said = [
        written_date(about.date, datetime.datetime.fromisoformat(one)) if about.date and one is not GAP else one
        for one in means
    ]
    return asked.expected(column, [gap if one is GAP else one for one in said])


def base(asked: Asked, column: str) -> Any:
    about, value = asked.about(column), asked.base[column]
    if about.date:
        moment = FORMATS_BY_NAME[about.date].parse(NumpyOps(), np.array([about.text_of(value)], object))
        return pd.to_datetime(pd.DataFrame(moment))[0].isoformat()
    return about.text_of(value) if about.is_text else about.number_of(value)
