"""The server: what it answers in either protocol."""

import asyncio
import http.client
import io
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server import init as mlflow_application
from mlflow.pyfunc.scoring_server import parse_csv_input

from benchmarks.load import Found, at_once, paced, prepared
from benchmarks.requests import Request
from pipeline.inference import locate
from pipeline.inference.http.served_model import Served
from pipeline.inference.http.served_model import load as load_served
from pipeline.inference.http.service import Service
from pipeline.train import Result
from support.kinds import ROW, ROWS, bodies, same, truth
from support.serving import Client, listening, served, serving


@pytest.mark.parametrize("form", bodies(ROWS))
def test_every_form_of_mlflow(client: Client, kinds: Served, form: str) -> None:
    answer = client.post("/invocations", {form: bodies(ROWS)[form], "params": {}})
    assert answer.status == 200
    assert same(answer.json["predictions"], truth(kinds, ROWS))


def test_answers_as_mlflows_own_server(client: Client, run_of_kinds: Result, store: str) -> None:
    mlflow.set_tracking_uri(store)
    model = mlflow.pyfunc.load_model(f"runs:/{run_of_kinds.run_id}/model")
    with listening(mlflow_application(model)) as theirs:
        for form, content in bodies(ROWS).items():
            ours, other = (one.post("/invocations", {form: content}) for one in (client, theirs))
            assert (ours.status, other.status) == (200, 200), other.text
            assert same(ours.json["predictions"], other.json["predictions"])
        assert client.get("/ping").status == theirs.get("/ping").status == 200
        for content in ("{", "[]", "{}", {"dataframe_split": {}}, {"dataframe_records": [{"age": 1}]}):
            assert client.post("/invocations", content).status == theirs.post("/invocations", content).status == 400
    text = pd.DataFrame(ROWS).to_csv(index=False)
    ours = client.post("/invocations", text, Content_Type="text/csv").json["predictions"]
    assert same(
        ours, model.predict(parse_csv_input(io.StringIO(text))).to_dict("records")
    )  # as `mlflow models predict`


def test_columns_in_any_order_with_others_between(client: Client, kinds: Served) -> None:
    shuffled = [{"more": 1, **dict(reversed(row.items()))} for row in ROWS]
    for form, content in bodies(shuffled).items():
        assert same(client.post("/invocations", {form: content}).json["predictions"], truth(kinds, ROWS))


def test_csv_with_gaps_as_pandas_writes_them(client: Client, kinds: Served) -> None:
    text = "code,age,town,Wall Area,more\nk1,,NA,1,x\n\nk2, 3.5 ,  Köln , 1.0,\n"
    answer = client.post("/invocations", text, Content_Type="text/csv; charset=UTF-8")
    rows = [
        {"Wall Area": 1, "age": None, "town": "", "code": "k1"},
        {**ROW, "Wall Area": 1, "age": 3.5, "town": "Köln"},
    ]
    rows[1]["code"] = "k2"
    assert same(answer.json["predictions"], truth(kinds, rows))


def test_tensorflow_servings_forms(client: Client, kinds: Served) -> None:
    expected = truth(kinds, ROWS)
    probabilities = [[row[f"probability_{label}"] for label in kinds.labels.classes] for row in expected]
    by_row = client.post("/v1/models/kinds:predict", {"instances": ROWS}).json["predictions"]
    assert [row["label"] for row in by_row] == [row["label"] for row in expected]
    np.testing.assert_allclose([row["probabilities"] for row in by_row], probabilities, rtol=1e-6)
    asked = {"inputs": bodies(ROWS)["inputs"], "signature_name": "serving_default"}
    by_column = client.post("/v1/models/kinds/versions/1:predict", asked).json["outputs"]
    assert by_column["label"] == [row["label"] for row in expected]
    np.testing.assert_allclose(by_column["probabilities"], probabilities, rtol=1e-6)


def test_arguments_of_the_signature_and_bytes(client: Client, kinds: Served) -> None:
    row = {"Wall_Area": 2.5, "age": 30, "town": {"b64": "S8O2bG4="}, "code": "k1"}
    answer = client.post("/invocations", {"instances": [row]})
    assert same(answer.json["predictions"], truth(kinds, [{**ROW, "town": "Köln"}]))


def test_status_and_metadata_as_tensorflow_serving(client: Client) -> None:
    (state,) = client.get("/v1/models/kinds").json["model_version_status"]
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")
    found = client.get("/v1/models/kinds/versions/1/metadata").json
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert {name: tensor["dtype"] for name, tensor in signature["inputs"].items()} == {
        "Wall_Area": "DT_DOUBLE", "age": "DT_DOUBLE", "town": "DT_STRING", "code": "DT_STRING",
    }  # fmt: skip
    assert [dim["size"] for dim in signature["outputs"]["probabilities"]["tensor_shape"]["dim"]] == ["-1", "3"]


@pytest.mark.slow
def test_targets_and_arrays(trained: Callable[..., Result]) -> None:
    several, array = served(trained("data=linnerud").model_path, "m"), served(trained("data=digits").model_path, "m")
    row = {column.name: 5 for column in several.columns}
    with serving(several) as (client, _):
        (record,) = client.post("/invocations", {"dataframe_records": [row]}).json["predictions"]
        assert list(record) == ["prediction_Weight", "prediction_Waist", "prediction_Pulse"]
        expected = [list(record.values())]
        assert client.post("/v1/models/m:predict", {"instances": [row]}).json == {"predictions": expected}
        assert client.post("/v1/models/m:predict", {"inputs": row}).json == {"outputs": expected}
    with serving(array) as (client, _):
        image = [0, 7.5] * 32
        asked = [{"instances": [image]}, {"inputs": [image]}, {"inputs": {"x": [image]}}, {"instances": [{"x": image}]},
                 {"dataframe_split": {"data": [image]}}]  # fmt: skip
        answers = [client.post("/invocations", content).json["predictions"] for content in asked]
        assert len(answers[0][0]) == 11
        assert all(answer == answers[0] for answer in answers)
        said = client.post("/invocations", {"instances": [image, image[:3], [*image[:62], "vii", "7"]]}).json["message"]
        assert said.startswith(
            "row 1, column 'x': a list of 3 values, 64 are expected; row 2, column 'x': at 62: 'vii' is not a number"
        )


def test_a_name_can_stand_in_an_address(run_of_kinds: Result) -> None:
    found = locate.resolve(run_of_kinds.model_path)
    assert load_served(found, name=None, trust=False).name == "saved_model"
    assert load_served(replace(found, name="a b/ç:1"), name=None, trust=False).name == "a_b_1"


def test_no_rows_and_ten_thousand(client: Client, kinds: Served) -> None:
    assert client.post("/invocations", {"instances": []}).json == {"predictions": []}
    assert (
        client.post("/v1/models/kinds:predict", {"inputs": {name: [] for name in ROW}}).json["outputs"]["label"] == []
    )
    rows = [{**ROW, "age": k % 90} for k in range(10_000)]
    split = bodies(rows)["dataframe_split"]
    assert same(
        client.post("/invocations", {"dataframe_split": split}).json["predictions"][::500], truth(kinds, rows[::500])
    )
    split["data"].append(split["data"][0])
    answer = client.post("/invocations", {"dataframe_split": split})
    assert (answer.status, answer.json["message"]) == (413, "10001 rows; a request may have 10000")


def test_requests_at_once_share_calls_and_disturb_each_other_in_nothing(
    server: tuple[Client, Service], kinds: Served
) -> None:
    client, service = server
    rng = np.random.default_rng(1)
    towns = ["Bern", "", "Köln", "☃"]
    asked = []
    for number in range(100):
        rows = [{"Wall Area": rng.normal(), "age": int(rng.integers(90)), "town": str(rng.choice(towns)), "code": "k2"}
                for _ in range(rng.integers(1, 5))]  # fmt: skip
        if number % 5 == 1:
            rows[-1]["age"] = "poison"
        asked.append(rows)
    whole = json.dumps({"instances": asked[0]}).encode()

    def ask(number: int) -> Any:
        if number % 5 == 2:  # hangs up in the middle of its body, or before its answer
            return client.raw(f"Content-Length: {len(whole)}", whole[: len(whole) // (1 + number % 2)], hang_up=True)
        return client.post("/invocations", {"instances": asked[number]})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(len(asked))))
    for number, answer in enumerate(answers):
        if number % 5 == 1:
            assert (answer.status, answer.json["faults"][0]["row"]) == (400, len(asked[number]) - 1)
        elif answer is not None:
            assert same(answer.json["predictions"], truth(kinds, asked[number]))
    page = service.metrics.page().decode()
    numbers = {line.split()[0]: float(line.split()[1]) for line in page.splitlines() if not line.startswith("#")}
    assert numbers["pipeline_serve_batch_requests_count"] < numbers["pipeline_serve_batch_requests_sum"]
    assert numbers['pipeline_serve_requests_total{protocol="mlflow",status="400"}'] >= 20
    assert numbers['pipeline_serve_model{name="kinds",version="1"}'] == 1
    assert numbers["pipeline_serve_requests_in_work"] == 0


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        connection.request("POST", "/v1/models/kinds:predict", json.dumps({"instances": [ROW]}))
        connection.getresponse().read()
        seconds.append(time.perf_counter() - start)
    connection.close()
    assert min(seconds[1:]) < 0.03  # 40 ms is what an acknowledgement may take


def test_openapi_has_the_models_own_columns_and_its_examples_work(client: Client) -> None:
    document = client.get("/openapi.json").json
    page = client.get("/docs").text
    assert all(f'name="{name}"' in page for name in ROW)
    assert re.search(r"(?<!location\.)(src|href|url|@import)\s*[=(](?!.openapi.json)", page) is None
    assert client.get("/").headers["location"] == "docs"
    for path in ("/invocations", "/v1/models/kinds:predict"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        rows = next(
            one["properties"]["instances"] for one in body["schema"]["oneOf"] if "instances" in one["properties"]
        )
        assert rows["items"] == {"$ref": "#/components/schemas/Row"}
        row = document["components"]["schemas"]["Row"]
        assert list(row["properties"]) == row["required"] == list(ROW)
        assert row["properties"]["age"]["type"] == ["number", "null"]
        assert row["properties"]["code"]["type"] == "string"
        for example in body["examples"].values():
            assert client.post(path, example["value"]).status == 200


def test_the_benchmarks_load_tells_right_answers_from_wrong_ones(client: Client, kinds: Served) -> None:
    good = Request(
        "/invocations", "application/json", json.dumps({"instances": ROWS}), 200, {"predictions": truth(kinds, ROWS)}
    )
    wrong = replace(good, answer={"predictions": truth(kinds, ROWS[::-1])})
    bad = Request("/invocations", "text/csv", "a\n1\n", 400, "column 'age' is missing")
    gone = replace(good, sent=0.5)

    def found(*requests: Request) -> Found:
        group = prepared([asdict(request) for request in requests])
        return asyncio.run(at_once(client.port, group, clients=3, n=30, seconds=20))

    fine = found(good, bad, gone)
    assert fine.faults == []
    assert fine.hung_up > 0
    assert len(fine.latencies) + fine.hung_up == 30
    assert len(found(wrong).faults) == len(found(replace(bad, status=404)).faults) == 30
    even = asyncio.run(paced(client.port, prepared([asdict(good)]), per_second=100, n=20))
    assert (len(even.latencies), even.faults) == (20, [])
    assert 0.15 < even.seconds < 5


def test_a_csv_body_has_the_names_of_training(untrained: Callable[..., Path], tmp_path: Path) -> None:
    """Also of a column without a name, and after blank lines."""
    rows = [f"{number % 7},{number % 5},{number}" for number in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["", ",a,y", *rows, ""]), encoding="utf-8")
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=y")
    with serving(served(folder, "name")) as (own, _):
        answer = own.post("/invocations", path.read_text(encoding="utf-8"), Content_Type="text/csv; header=present")
    assert answer.status == 200, answer.text
    assert len(answer.json["predictions"]) == 60
