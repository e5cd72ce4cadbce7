"""Requests for a served model with what the server must answer: good ones in all forms, and bad ones of all kinds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.export.loaded_model import LoadedModel

JSON, CSV = "application/json", "text/csv"
GOOD, BAD = 240, 120  # different requests of each sort; the load draws from them
MANY_ROWS, HUGE_BYTES = 10_000, 17_000_000


@dataclass(frozen=True)
class Request:
    """Bytes to send, and what must come back."""

    path: str
    content_type: str
    body: str
    status: int
    answer: Any = None  # of a good one, whole; of a bad one, a part of the text
    sent: float = 1.0  # part of the body after which the client hangs up, if less than 1
    weight: float = 1.0  # how often it is drawn


class Requests:
    """Makes requests of rows that the model can score.

    Args:
        name: Of the served model.
        model: What tells the truth.
        rows: Its raw columns, with gaps where it takes some.
    """

    def __init__(self, name: str, model: LoadedModel, rows: pd.DataFrame) -> None:
        self._path, self._model, self._rows = f"/v1/models/{name}:predict", model, rows
        self._table = pd.DataFrame(model.table(model.predict(rows)))
        self._numbers = [key for key, column in model.manifest.inputs.items() if not column.is_text]
        self._random = np.random.default_rng(0)

    def single_rows(self, n: int) -> list[Request]:
        """One row each, by MLflow's `dataframe_split`."""
        return [self._split([int(row)]) for row in self._random.integers(0, len(self._rows), n)]

    def mixed(self) -> list[Request]:
        """What a server meets: mostly good requests of some rows, some bad ones, a few very large ones."""
        good = [self._good(number) for number in range(GOOD)]
        bad = [self._bad(number) for number in range(BAD)]
        whole = good[0]
        hung_up = [Request(**{**asdict(whole), "sent": sent, "weight": 0.5}) for sent in (0.0, 0.3, 0.99)]
        many = self._split(list(self._random.integers(0, len(self._rows), MANY_ROWS)), weight=0.02)
        return [*good, *bad, *hung_up, many, self._huge()]

    def _split(self, rows: list[int], weight: float = 1.0) -> Request:
        content = {"dataframe_split": {"columns": list(self._rows), "data": self._values(rows).to_numpy().tolist()}}
        return self._json("/invocations", content, {"predictions": self._records(rows)}, weight)

    def _good(self, number: int) -> Request:
        rows = [int(row) for row in self._random.integers(0, len(self._rows), self._random.choice([1, 1, 1, 3, 40]))]
        values = self._values(rows)
        records, columns = values.to_dict("records"), values.to_dict("list")
        table = {"predictions": self._records(rows)}
        form = ("split", "records", "inputs", "csv", "instances", "columns")[number % 6]
        if form == "split":
            return self._split(rows)
        if form == "records":
            return self._json("/invocations", {"dataframe_records": records}, table)
        if form == "inputs":
            return self._json("/invocations", {"inputs": columns}, table)
        if form == "csv":
            return Request("/invocations", CSV, self._rows.iloc[rows].to_csv(index=False), 200, table)
        outputs = {"prediction": [list(row.values()) for row in self._records(rows)]}
        if form == "instances":
            return self._json(self._path, {"instances": records}, {"predictions": outputs["prediction"]})
        return self._json(self._path, {"inputs": columns}, {"outputs": outputs["prediction"]})

    def _bad(self, number: int) -> Request:
        """Each spoils a good row in a way of its own."""
        row = self._values([number % len(self._rows)]).to_dict("records")[0]
        column = self._numbers[number % len(self._numbers)]
        kind = number % 8
        if kind == 0:
            return self._refused({"instances": [row, {**row, column: "many ☃"}]}, f"row 1, column '{column}'")
        if kind == 1:
            return self._refused({"instances": [{key: value for key, value in row.items() if key != column}]},
                                 f"column '{column}' is missing")  # fmt: skip
        if kind == 2:
            return self._refused({"instances": [{**row, column: float("inf")}]}, "inf is infinite")
        if kind == 3:
            return Request(self._path, JSON, json.dumps({"instances": [row]})[:-5], 400, "the body is not JSON")
        if kind == 4:
            return self._refused({"rows": [row]}, "the body must have one of the keys")
        if kind == 5:
            return self._refused({"instances": [{**row, column: [1, 2]}]}, "is a list, a number is expected")
        if kind == 6:
            return Request("/invocations", "text/html", "<html>", 415, "send Content-Type")
        return Request("/v1/models/no_such:predict", JSON, "{}", 404, "unknown model 'no_such'")

    def _huge(self) -> Request:
        return Request("/invocations", JSON, " " * HUGE_BYTES, 413, "are allowed", weight=0.01)

    def _refused(self, content: dict[str, Any], said: str) -> Request:
        return Request(self._path, JSON, json.dumps(content), 400, said)

    def _json(self, path: str, content: dict[str, Any], answer: Any, weight: float = 1.0) -> Request:
        return Request(path, JSON, json.dumps(content, ensure_ascii=False), 200, answer, weight=weight)

    def _values(self, rows: list[int]) -> pd.DataFrame:
        values = self._rows.iloc[rows].astype(object)
        return values.where(values.notna(), None)

    def _records(self, rows: list[int]) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self._table.iloc[rows].to_dict("records")
        return records
