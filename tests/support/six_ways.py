"""The ways in which rows reach a model: training, files, the server's CSV and JSON, a loaded model, MLflow's pyfunc."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import DataError, data
from pipeline.config.rules import Data
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import format_of
from pipeline.data.reading.input_column import InputColumn
from pipeline.data.reading.notation import written_date
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.batch.predict_file import opened, parser_of
from pipeline.inference.batch.source import FormatChanged
from support.serving import Client


@dataclass(frozen=True)
class Refused:
    """An error that names row and column."""


@dataclass(frozen=True)
class Taken:
    """What the model says of some rows, and how many gaps it warns of in the column that is looked at."""

    predictions: tuple[float, ...]
    new_gaps: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Taken) or self.new_gaps != other.new_gaps:
            return False
        # The network computes in float32, with other last digits for other numbers of rows.
        return len(self.predictions) == len(other.predictions) and bool(
            np.allclose(self.predictions, other.predictions, rtol=1e-5, atol=2e-3)
        )


Outcome = Refused | Taken


def refused(error: Exception, said: str) -> Refused:
    """The outcome of an error, which must begin with what names row and column."""
    assert re.match(said, str(error)), error
    return Refused()


@dataclass(frozen=True)
class Asked:
    """A trained model, and all that answers for it. Rows are a base row with other cells in one column."""

    config: Data  # by which it was trained
    table: pd.DataFrame  # that it was trained on
    written: dict[str, Any]  # of CSV: how the table is written
    model: LoadedModel
    pyfunc: Any
    client: Client

    @property
    def base(self) -> dict[str, Any]:
        """A row that every way takes."""
        row = self.table.drop(columns="y").iloc[0]
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}

    def about(self, column: str) -> InputColumn:
        """What the manifest says of a column."""
        return self.model.manifest.inputs[column]

    def expected(self, column: str, raw: Sequence[float | str]) -> Taken:
        """What the model says of raw values, without anything that cleans them."""
        columns = {
            name: np.array([self.about(name).text_of(value)] * len(raw), object)
            if self.about(name).is_text
            else np.array([self.about(name).number_of(value)] * len(raw))
            for name, value in self.base.items()
        }
        columns[column] = np.array(raw, columns[column].dtype)
        predictions = self.model.predict_raw(columns)["prediction"][:, 0]
        n_gaps = sum(value == "" or value != value for value in raw)
        return Taken(tuple(predictions.tolist()), 0 if self.about(column).gaps else n_gaps)

    def text(self, column: str, cells: list[str], folder: Path) -> Iterator[tuple[str, Outcome]]:
        """What becomes of texts, way by way."""
        yield "training", self._trained(column, cells, folder)
        rows = self._rows(column, cells)
        as_text = rows.map(self._as_text)
        yield "CSV file", self._file(column, self._csv(as_text, folder / "n.csv"))
        rows.assign(**{column: as_text[column].astype("str")}).to_parquet(folder / "n.parquet", index=False)
        yield "Parquet file", self._file(column, folder / "n.parquet")
        yield "server CSV", self._posted(column, as_text.to_csv(index=False), "text/csv")
        yield "server JSON", self._posted(column, self._json(rows), "application/json")
        yield "dict", self._loaded(column, rows.to_dict("list"))
        for kind in ("object", "str", "category"):
            frame = rows.assign(**{column: as_text[column].astype(kind)})
            yield f"frame of {kind}", self._loaded(column, frame)
        yield "pyfunc", self._pyfunc(column, frame)
        table = pa.Table.from_pandas(rows.drop(columns=column), preserve_index=False)
        for name, kind in (("string", pa.string()), ("dictionary", pa.dictionary(pa.int8(), pa.string()))):
            values = pa.array(as_text[column].tolist()).cast(kind)
            yield f"Arrow {name}", self._loaded(column, table.append_column(column, values))

    def typed(self, column: str, cell: Any, folder: Path) -> Iterator[tuple[str, Outcome]]:
        """What becomes of a value that has a type, way by way; beside the base row's, and in a column of its own."""
        rows = self._rows(column, [cell])
        yield "dict", self._loaded(column, {name: rows[name].tolist() for name in rows})
        yield "frame of object", self._loaded(column, rows)
        yield "pyfunc", self._pyfunc(column, rows)
        if (body := self._json(rows, cell)) is not None:
            yield "server JSON", self._posted(column, body, "application/json")
        if not isinstance(cell, list | dict):
            twice = rows.assign(**{column: pd.Series([cell, cell])})
            yield "frame", self._loaded(column, twice, "0")
            yield "pyfunc of its type", self._pyfunc(column, twice, "0")
        try:
            values = pa.array([cell, cell])
        except (pa.ArrowException, OverflowError, ValueError):  # Arrow has no such value
            return
        table = pa.Table.from_pandas(rows.drop(columns=column), preserve_index=False).append_column(column, values)
        yield "Arrow", self._loaded(column, table, "0")
        pq.write_table(table, folder / "n.parquet")
        yield "Parquet file", self._file(column, folder / "n.parquet")

    def column(self, column: str, values: Any, folder: Path) -> Iterator[tuple[str, Outcome]]:
        """What becomes of a column of some dtype, below the base row's cell where frames and files have it."""
        frame = pd.DataFrame([self.base] * len(values)).assign(**{column: values})
        yield "frame", self._loaded(column, frame)
        yield "pyfunc", self._pyfunc(column, frame)
        frame.to_parquet(folder / "n.parquet", index=False)
        yield "Arrow", self._loaded(column, pq.read_table(folder / "n.parquet"))
        yield "Parquet file", self._file(column, folder / "n.parquet")

    def _rows(self, column: str, cells: list[Any]) -> pd.DataFrame:
        """The base row, and one more for each cell; objects all."""
        n_rows = len(cells) + 1
        values = {name: [value] * n_rows for name, value in self.base.items()}
        values[column] = [self.base[column], *cells]
        return pd.DataFrame({name: pd.Series(given, dtype=object) for name, given in values.items()})

    def _as_text(self, value: Any) -> str:
        return str(value) if not isinstance(value, float) else str(value).replace(".", self.written.get("decimal", "."))

    def _csv(self, rows: pd.DataFrame, path: Path) -> Path:
        rows.to_csv(path, index=False, **self.written)
        return path

    @staticmethod
    def _json(rows: pd.DataFrame, cell: Any = None) -> str | None:
        try:
            json.dumps(cell)
        except TypeError:
            return None
        return json.dumps({"dataframe_split": {"columns": list(rows), "data": rows.to_numpy().tolist()}}, default=str)

    def _trained(self, column: str, cells: list[str], folder: Path) -> Outcome:
        """What the model says of the raw values that training makes of some more rows; the base row comes first."""
        as_text = self.table.astype(object).where(self.table.notna(), "").map(self._as_text)
        more = [as_text.iloc[:1].assign(**{column: cell}) for cell in [as_text[column].iloc[0], *cells]]
        path = self._csv(pd.concat([as_text, *more]), folder / "t.csv")
        try:
            inputs = data.read_rows(self.config.model_copy(update={"path": str(path)})).inputs
        except DataError as error:
            return refused(error, rf"(data.column_formats: .*\n)?column {column!r}( has .* values, first in|,) row ")
        raw, about = np.asarray(inputs[column])[-len(more) :], self.about(column)
        if (raw.dtype == object) != about.is_text:  # the cells made another column of it
            return Refused()
        if not about.date:
            return self.expected(column, raw.tolist())
        written = format_of(np.unique(np.asarray(inputs[column])))
        if written is None:  # training would find no dates
            return Refused()
        fields = pd.DataFrame(written.parse(NumpyOps(), raw))
        moments = ["" if pd.isna(moment) else written_date(about.date, moment) for moment in pd.to_datetime(fields)]
        return self.expected(column, moments)

    def _posted(self, column: str, body: str | None, kind: str) -> Outcome:
        answer = self.client.post("/invocations", body, Content_Type=kind)
        if answer.status == 400:
            assert {fault["column"] for fault in answer.json["faults"]} == {column}
            assert 0 not in {fault["row"] for fault in answer.json["faults"]}
            return Refused()
        assert answer.status == 200, answer.text
        warned = {about["column"]: about["n_rows"] for about in answer.json.get("warnings", [])}
        predictions = tuple(row["prediction"] for row in answer.json["predictions"])
        return Taken(predictions, warned.get(column, 0))

    def _file(self, column: str, path: Path) -> Outcome:
        source = opened(path, self.model.manifest)
        while True:
            cleaner = parser_of(self.model.manifest, source, [], strict=False, what="none")
            try:
                blocks = [cleaner.columns(block, 0) for block in source.blocks(cleaner.names)]
            except FormatChanged as other:
                source = other.source
                continue
            except DataError as error:
                return refused(error, f"column {column!r}, row [0-9]+: ")
            found = np.concatenate([self.model.predict_raw(columns)["prediction"][:, 0] for columns in blocks])
            gaps = cleaner.new_gaps.get(column)
            return Taken(tuple(found.tolist()), gaps.n_rows if gaps else 0)

    def _loaded(self, column: str, given: Any, row: str = "[0-9]+") -> Outcome:
        return self._called(column, lambda: self.model.predict(given)["prediction"], row)

    def _pyfunc(self, column: str, given: pd.DataFrame, row: str = "[0-9]+") -> Outcome:
        return self._called(column, lambda: self.pyfunc.predict(given)["prediction"], row)

    @staticmethod
    def _called(column: str, call: Callable[[], Any], row: str) -> Outcome:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = np.ravel(call())
            except ValueError as error:
                return refused(error, f"column {column!r}, row {row}: ")
            except DataError as error:
                return refused(error, f"column {column!r}, row {row}: ")
        said = re.compile(rf"column {re.escape(repr(column))}: (?:a gap|([0-9]+) gaps, the first) in row [0-9]+, but ")
        reported = [match for warning in caught if (match := said.match(str(warning.message)))]
        return Taken(tuple(found.tolist()), sum(int(match[1] or 1) for match in reported))
