"""What OpenAPI and the page say of columns: their types, what may be null, and values to take."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pipeline
from pipeline.data.reading.input_column import InputColumn
from pipeline.inference.http.column_schema import hint, known_categories, schema, value
from pipeline.inference.http.served_model import Served
from support.input_columns import number, text
from support.serving import Client, served, serving

WHOLE = replace(number("n", gaps=False), whole=True)
TRUTH = replace(number("n"), kind="boolean")
ARRAY = InputColumn("x", "x", "numeric", "float64", (None, 4), gaps=False, fill=None)
NO_GAPS = "Training had no gaps here: null is replaced by 2.5, with a warning."
NULL = "May be null, for a gap."


@pytest.mark.parametrize(
    ("column", "example", "expected"),
    [
        (number("n"), [1.5, None], {"type": ["number", "null"], "description": f"A number. {NULL}", "examples": [1.5]}),
        (WHOLE, [3, 3], {"type": "integer", "description": f"A whole number. {NO_GAPS}", "examples": [3]}),
        (TRUTH, [None], {"type": ["boolean", "null"],
                      "description": f"True or false; 1 and 0 are accepted too. {NULL}"}),
        (text("t"), ["a", "b"], {
            "type": ["string", "null"], "examples": ["a", "b"],
            "description": f"A category, text. Others are accepted, as unknown. {NULL}",
        }),
        (text("d", date="year-month-day"), ["2020-01-31"], {
            "type": ["string", "null"], "format": "date", "examples": ["2020-01-31"],
            "description": f"A date, written as year-month-day. {NULL}",
        }),
        (text("d", date="day.month.year"), ["31.1.2020"], {
            "type": ["string", "null"], "examples": ["31.1.2020"],
            "description": f"A date, written as day.month.year. {NULL}",
        }),
        (replace(number("n"), format="1.234,5 kg"), [], {
            "type": ["number", "null"], "description": f"A number. As text it is written as 1.234,5 kg. {NULL}",
        }),
        (ARRAY, [[0.0] * 4], {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}),
    ],
    ids=["number", "whole", "truth", "category", "date", "other date", "format", "array"],
)  # fmt: skip
def test_the_schema_of_a_column(column: InputColumn, example: list[Any], expected: dict[str, Any]) -> None:
    assert schema(column, {}, example, strict=False) == expected


def test_categories_that_training_knew_come_first_and_not_all_of_many() -> None:
    few = schema(text("t"), {"t": ["Bern", "Köln"]}, ["Bern"], strict=False)
    assert few["examples"] == ["Bern", "Köln"]
    assert few["description"].startswith("A category, text. Training knew 2. Others are accepted, as unknown.")
    many = schema(text("t"), {"t": [f"{k:03}" for k in range(500)]}, [], strict=False)
    assert (len(many["examples"]), many["examples"][0]) == (20, "000")
    assert "Training knew 500; these are the first." in many["description"]
    levels = replace(number("n"), kind="category", whole=True)
    assert schema(levels, {"n": [1.0, 2.0]}, [], strict=False)["examples"] == [1, 2]


def test_what_a_gap_costs_where_training_had_none() -> None:
    assert schema(WHOLE, {}, [], strict=True)["description"].endswith("Training had no gaps here: null is refused.")
    unfilled = replace(WHOLE, fill=None)
    assert schema(unfilled, {}, [], strict=False)["description"].endswith("null is refused.")


def test_values_as_json_says_them_best() -> None:
    assert [value(WHOLE, raw) for raw in (5.0, 5.5, None, 1e300)] == [5, 5.5, None, 1e300]
    assert [str(value(column, 1.0)) for column in (WHOLE, TRUTH, number("n"))] == ["1", "True", "1.0"]
    assert [value(text("t"), raw) for raw in ("", "a")] == [None, "a"]
    hints = [hint(column) for column in (WHOLE, TRUTH, number("n"), text("t"), text("d", date="year-month-day"))]
    assert hints == ["whole number", "true or false", "number", "text", "date, year-month-day"]


def test_a_model_of_another_version_has_no_known_categories(tmp_path: Path) -> None:
    assert known_categories(tmp_path) == {}
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "preprocessing.json").write_text('{"is": "Unheard"}')
    assert known_categories(tmp_path) == {}


@pytest.fixture(scope="module")
def houses(store: str, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A column of each type, two with gaps."""
    rng, n = np.random.default_rng(0), 200
    gaps = np.arange(n) % 10 == 0
    path = tmp_path_factory.mktemp("table") / "t.csv"
    columns = {
        "area": rng.normal(size=n).round(2),
        "year": rng.integers(1900, 2020, n),
        "age": np.where(gaps, np.nan, rng.integers(1, 50, n)),
        "rooms": rng.integers(1, 9, n),
        "town": np.where(gaps, "", rng.choice(["Bern", "Köln"], n)),
        "zip": rng.choice(["01234", "20001"], n),
        "sold": rng.choice(["2020-01-31", "2021-02-28", "2022-03-01"], n),
        "garden": rng.choice(["true", "false"], n),
        "price": rng.normal(100, 10, n),
    }
    pd.DataFrame(columns).to_csv(path, index=False)
    words = ["data=plain_table", f"data.path={path}", "data.target=price", "fit.epochs=1", f"tracking.uri={store}"]
    return served(pipeline.run(pipeline.load(*words)).model_path, "houses")


@pytest.fixture(scope="module")
def client(houses: Served) -> Iterator[Client]:
    with serving(houses) as (found, _):
        yield found


def test_openapi_describes_each_column_by_its_type(client: Client) -> None:
    document = client.get("/openapi.json").json
    row = document["components"]["schemas"]["Row"]
    assert {name: about["type"] for name, about in row["properties"].items()} == {
        "area": "number", "year": "integer", "age": ["integer", "null"], "rooms": "integer",
        "town": ["string", "null"], "zip": "string", "sold": "string", "garden": "boolean",
    }  # fmt: skip
    assert row["required"] == list(row["properties"])
    assert row["properties"]["town"]["examples"] == ["Bern", "Köln"]
    assert row["properties"]["zip"]["examples"] == ["01234", "20001"]
    assert row["properties"]["rooms"]["examples"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert row["properties"]["sold"]["format"] == "date"
    lists = document["components"]["schemas"]["Columns"]["properties"]
    assert lists["age"] == {"type": "array", "items": row["properties"]["age"]}
    assert "503" in document["paths"]["/invocations"]["post"]["responses"]


def test_its_examples_are_valid_by_it_and_are_answered_in_each_form(client: Client) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, which ray brings, is not installed")
    document = client.get("/openapi.json").json
    for path in ("/invocations", "/v1/models/houses:predict"):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        whole = content["application/json"]["schema"] | {"components": document["components"]}
        for example in content["application/json"]["examples"].values():
            jsonschema.Draft202012Validator(whole).validate(example["value"])
            assert client.post(path, example["value"]).status == 200
        wrong = {"instances": [{"area": "x"}]}
        assert not jsonschema.Draft202012Validator(whole).is_valid(wrong)
    table = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    by_row = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    answers = [
        client.post("/invocations", table, Content_Type="text/csv"),
        client.post("/invocations", by_row["instances"]["value"]),
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json


def test_the_page_says_them_too(client: Client) -> None:
    page = client.get("/docs").text
    for said in ("year <small>whole number", "garden <small>true or false", "sold <small>date, year-month-day"):
        assert said in page
    assert "<option>Bern<option>Köln</datalist>" in page
