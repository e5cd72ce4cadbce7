"""The server: what it answers in either protocol, and what bad requests get."""

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server import init as mlflow_application
from serving import Answer, Client, listening, served, serving

from benchmarks.load import Found, at_once, paced, prepared
from benchmarks.requests import Request
from pipeline import find, load, run
from pipeline.serve.model import Served
from pipeline.serve.model import load as load_served
from pipeline.serve.service import Service
from pipeline.train import Result

N_ROWS = 120
ROW = {"Wall Area": 2.5, "age": 30, "town": "Bern", "code": "k1"}


@pytest.fixture(scope="module")
def result(store: str, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A model of three classes, of numbers and text, two columns of which have gaps in the table."""
    rng = np.random.default_rng(0)
    gaps = np.arange(N_ROWS) % 10 == 0
    path = tmp_path_factory.mktemp("table") / "t.csv"
    pd.DataFrame(
        {
            "Wall Area": rng.normal(size=N_ROWS),
            "age": np.where(gaps, np.nan, rng.uniform(1, 90, N_ROWS)),
            "town": np.where(gaps, "", rng.choice(["Bern", "Köln", "東京"], N_ROWS)),
            "code": rng.choice(["k1", "k2"], N_ROWS),
            "kind": rng.choice(["a", "b", "ç"], N_ROWS),
        }
    ).to_csv(path, index=False)
    return run(load("data=table", f"data.path={path}", "data.target=kind", "fit.epochs=1", f"tracking.uri={store}"))


@pytest.fixture(scope="module")
def model(result: Result) -> Served:
    return served(result.model_path, "kinds")


@pytest.fixture(scope="module")
def running(model: Served) -> Iterator[tuple[Client, Service]]:
    with serving(model) as both:
        yield both


@pytest.fixture
def client(running: tuple[Client, Service]) -> Client:
    return running[0]


def truth(model: Served, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the model says, asked without the server."""
    outputs = model.loaded.table(model.loaded.predict(pd.DataFrame(rows)))
    return pd.DataFrame(outputs).to_dict("records")


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    """Labels alike, numbers alike but for the last digits, which depend on how many rows are scored together."""
    labels = [[(name, row[name] if name == "label" else 0) for name in row] for row in [*found, *expected]]
    numbers = [[value for name, value in row.items() if name != "label"] for row in [*found, *expected]]
    n = len(found)
    return labels[:n] == labels[n:] and np.allclose(numbers[:n], numbers[n:], rtol=1e-6, atol=1e-9)


def bodies(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(rows[0])
    return {
        "dataframe_split": {"columns": names, "data": [list(row.values()) for row in rows]},
        "dataframe_records": rows,
        "instances": rows,
        "inputs": {name: [row[name] for row in rows] for name in names},
    }


ROWS = [ROW, {**ROW, "age": None, "town": None}, {**ROW, "Wall Area": -1e9, "town": "Atlantis ☃", "code": "new"}]


@pytest.mark.parametrize("form", bodies(ROWS))
def test_every_form_of_mlflow(client: Client, model: Served, form: str) -> None:
    answer = client.post("/invocations", {form: bodies(ROWS)[form], "params": {}})
    assert answer.status == 200
    assert same(answer.json["predictions"], truth(model, ROWS))


def test_answers_as_mlflows_own_server(client: Client, result: Result, store: str) -> None:
    mlflow.set_tracking_uri(store)
    # Its reader makes whole numbers of some columns, which its signature then refuses, and the text None of null.
    rows = [{**row, "age": float(row["age"] or 9), "town": row["town"] or ""} for row in ROWS]
    asked = [({form: content}, {}) for form, content in bodies(rows).items()]
    asked.append((pd.DataFrame(ROWS).to_csv(index=False), {"Content_Type": "text/csv"}))
    with listening(mlflow_application(mlflow.pyfunc.load_model(f"runs:/{result.run_id}/model"))) as theirs:
        for content, headers in asked:
            ours, other = (one.post("/invocations", content, **headers) for one in (client, theirs))
            assert (ours.status, other.status) == (200, 200), other.text
            assert same(ours.json["predictions"], other.json["predictions"])
        assert client.get("/ping").status == theirs.get("/ping").status == 200
        for content in ("{", "[]", "{}", {"dataframe_split": {}}, {"dataframe_records": [{"age": 1}]}):
            assert client.post("/invocations", content).status == theirs.post("/invocations", content).status == 400


def test_columns_in_any_order_with_others_between(client: Client, model: Served) -> None:
    shuffled = [{"more": 1, **dict(reversed(row.items()))} for row in ROWS]
    for form, content in bodies(shuffled).items():
        assert same(client.post("/invocations", {form: content}).json["predictions"], truth(model, ROWS))


def test_csv_with_gaps_as_pandas_writes_them(client: Client, model: Served) -> None:
    text = "code,age,town,Wall Area,more\nk1,,NA,1,x\n\nk2, 3.5 ,  Köln ,true,\n"
    answer = client.post("/invocations", text, Content_Type="text/csv; charset=UTF-8")
    rows = [
        {"Wall Area": 1, "age": None, "town": "", "code": "k1"},
        {**ROW, "Wall Area": 1, "age": 3.5, "town": "Köln"},
    ]
    rows[1]["code"] = "k2"
    assert same(answer.json["predictions"], truth(model, rows))


def test_tensorflow_servings_forms(client: Client, model: Served) -> None:
    expected = truth(model, ROWS)
    probabilities = [[row[f"probability_{label}"] for label in model.labels.classes] for row in expected]
    by_row = client.post("/v1/models/kinds:predict", {"instances": ROWS}).json["predictions"]
    assert [row["label"] for row in by_row] == [row["label"] for row in expected]
    np.testing.assert_allclose([row["probabilities"] for row in by_row], probabilities, rtol=1e-6)
    asked = {"inputs": bodies(ROWS)["inputs"], "signature_name": "serving_default"}
    by_column = client.post("/v1/models/kinds/versions/1:predict", asked).json["outputs"]
    assert by_column["label"] == [row["label"] for row in expected]
    np.testing.assert_allclose(by_column["probabilities"], probabilities, rtol=1e-6)


def test_arguments_of_the_signature_and_bytes(client: Client, model: Served) -> None:
    row = {"Wall_Area": 2.5, "age": 30, "town": {"b64": "S8O2bG4="}, "code": "k1"}
    answer = client.post("/invocations", {"instances": [row]})
    assert same(answer.json["predictions"], truth(model, [{**ROW, "town": "Köln"}]))


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
        said = client.post("/invocations", {"instances": [image, image[:3], [*image[:63], "7"]]}).json["message"]
        assert said == "row 1, column 'x': a list of 3 values, 64 are expected; " \
                       "row 2, column 'x': at 63: '7' is text, a number is expected"  # fmt: skip


VALUES = [
    ({"age": "old"}, "row 1, column 'age': 'old' is text, a number is expected"),
    ({"age": "30"}, "row 1, column 'age': '30' is text, a number is expected"),
    ({"age": [1]}, "row 1, column 'age': [...] is a list, a number is expected"),
    ({"age": {"a": 1}}, "row 1, column 'age': {...} is an object, a number is expected"),
    ({"age": 10**400}, "row 1, column 'age': a whole number of 401 digits is too large"),
    ({"age": float("inf")}, "row 1, column 'age': inf is not finite"),
    ({"Wall Area": None}, "row 1, column 'Wall Area': a gap, and training rows had none in this column"),
    ({"Wall Area": float("nan")}, "row 1, column 'Wall Area': a gap, and training rows had none in this column"),
    ({"code": " "}, "row 1, column 'code': a gap, and training rows had none in this column"),
    ({"town": 3}, "row 1, column 'town': 3 is a number, text is expected"),
    ({"town": True}, "row 1, column 'town': True is a boolean, text is expected"),
    ({"town": {"b64": "?"}}, "row 1, column 'town': {...} is an object, text is expected"),
    ({"town": "\ud800x"}, r"row 1, column 'town': '\ud800x' is no Unicode text: half of a surrogate pair at letter 0"),
    ({"age": "a", "town": 1}, "row 1, column 'age': 'a' is text, a number is expected; row 1, column 'town': 1 is a "
                              "number, text is expected"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), VALUES)
def test_values_that_do_not_go_with_their_column(client: Client, changed: dict[str, Any], message: str) -> None:
    answer = client.post("/v1/models/kinds:predict", {"instances": [ROW, {**ROW, **changed}]})
    assert (answer.status, answer.json["error"]) == (400, message)
    assert {fault["row"] for fault in answer.json["faults"]} == {1}


def test_many_faults_are_counted(client: Client) -> None:
    answer = client.post("/invocations", {"inputs": {name: [[]] * 30 for name in ROW}})
    assert answer.status == 400
    assert answer.json["message"].endswith("; and 100 more")
    assert len(answer.json["faults"]) == 20


BODIES = [
    (b'{"instances": [', "the body is no JSON: Expecting value: line 1 column 16 (char 15)"),
    (b"\xff\xfe\xfa", "the body is no JSON: "),
    (b"", "the body is no JSON: Expecting value: line 1 column 1 (char 0)"),
    (b"[" * 100_000, "the body is nested too deeply"),
    (b'{"inputs": {"age": %s}}' % (b"9" * 5000), "the body is no JSON: Exceeds the limit"),
    ([ROW], "the body must be a JSON object with one of the keys dataframe_split, dataframe_records, instances, inputs"),
    ({"instance": [ROW]}, "it has instance; did you mean instances?"),
    ({"inputs": {}, "instances": []}, "the body has instances and inputs; it must have one of them"),
    ({"instances": 3}, "rows must be given as a list"),
    ({"instances": [ROW, 3]}, "row 1, column '': an object with a value per column is expected"),
    ({"instances": [ROW, {**ROW, "age": 1} | {"x": 1}, {"age": 1}]}, "row 2, column 'Wall Area': is missing; null"),
    ({"instances": [{"Wall area": 1, "age": 1, "town": ""}]},
     "column 'Wall Area' is missing, is 'Wall area' meant for it?; column 'code' is missing"),
    ({"inputs": {**ROW, "age": [1, 2]}}, "inputs must have a list per column, all of one length; they have: 'Wall Area'"),
    ({"inputs": "x"}, "inputs must be an object with a list per column"),
    ({"dataframe_split": [1]}, 'dataframe_split must be an object with the lists "columns" and "data"'),
    ({"dataframe_split": {"data": [[1]]}}, 'dataframe_split must have a list "columns" of their names'),
    ({"dataframe_split": {"columns": [*ROW], "data": [[1, 2, "a"]]}}, "row 0, column '': a list of 4 values is expected"),
    ({"dataframe_split": {"columns": [*ROW, "age"], "data": []}}, "column 'age' is given more than once"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BODIES)
def test_bodies_that_are_not_as_they_must_be(client: Client, content: Any, message: str) -> None:
    answer = client.post("/invocations", content)
    assert answer.status == 400
    assert answer.json["error_code"] == "BAD_REQUEST"
    assert message in answer.json["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("age\n1\n", "column 'Wall Area' is missing"), ("", "column 'Wall Area' is missing"),
     ("Wall Area,age,town,code\n1,2,x\n", "row 0, column '': a list of 4 values is expected"),
     ("Wall Area,age,town,code\n1,1_0,x,k1\n", "row 0, column 'age': '1_0' is text, a number is expected"),
     ("Wall Area,age,town,code\n1,inf,x,k1\n", "row 0, column 'age': inf is not finite"),
     ('"Wall Area,age', "the body is no CSV table: unexpected end of data"), (b"\xff", "the body is no UTF-8")],
)  # fmt: skip
def test_bad_csv(client: Client, text: str | bytes, message: str) -> None:
    answer = client.post("/invocations", text, Content_Type="text/csv")
    assert answer.status == 400
    assert message in answer.json["message"]


def test_a_name_can_stand_in_an_address(result: Result) -> None:
    found = find.resolve(result.model_path)
    assert load_served(found, name=None, trust=False).name == "saved_model"
    assert load_served(replace(found, name="a b/ç:1"), name=None, trust=False).name == "a_b_1"


@pytest.mark.parametrize(
    ("path", "message"),
    [("/v1/models/kind:predict", "there is no model 'kind'; this server has 'kinds'"),
     ("/v1/models/kinds/versions/7:predict", "there is no version 7 of 'kinds'; this server has version 1"),
     ("/v1/models/kinds:classify", "there is no method 'classify'; there is predict")],
)  # fmt: skip
def test_addresses_that_are_not_there(client: Client, path: str, message: str) -> None:
    answer = client.post(path, {"instances": [ROW]})
    assert (answer.status, answer.json["error"]) == (404, message)
    assert client.get("/v1/models/kind").json == {"error": "there is no model 'kind'; this server has 'kinds'"}
    assert client.get("/invocations").status == 405


def test_no_rows_and_ten_thousand(client: Client, model: Served) -> None:
    assert client.post("/invocations", {"instances": []}).json == {"predictions": []}
    assert (
        client.post("/v1/models/kinds:predict", {"inputs": {name: [] for name in ROW}}).json["outputs"]["label"] == []
    )
    rows = [{**ROW, "age": k % 90} for k in range(10_000)]
    split = bodies(rows)["dataframe_split"]
    assert same(
        client.post("/invocations", {"dataframe_split": split}).json["predictions"][::500], truth(model, rows[::500])
    )
    split["data"].append(split["data"][0])
    answer = client.post("/invocations", {"dataframe_split": split})
    assert (answer.status, answer.json["message"]) == (413, "10001 rows; a request may have 10000")


def test_other_kinds_of_content(client: Client) -> None:
    for headers, said in (
        ({"Content_Type": "application/x-www-form-urlencoded"}, "send Content-Type: application/json or text/csv"),
        ({"Content_Type": "text/csv; charset=latin-1"}, "the body must be UTF-8"),
        ({"Content_Encoding": "gzip"}, "content-encoding gzip is not read"),
    ):
        answer = client.post("/invocations", "x", **headers)
        assert answer.status == 415
        assert said in answer.json["message"]


@pytest.mark.parametrize("size", [1_000_001, 30_000_000])
def test_huge_bodies(client: Client, size: int) -> None:
    answer = (
        client.post("/invocations", b" " * size) if size < 2_000_000 else raw(client, f"Content-Length: {size}", b"")
    )
    assert answer.status == 413
    assert f"a body of {size} bytes; 1000000 are allowed" in answer.text


def raw(client: Client, header: str, body: bytes, hang_up: bool = False) -> Any:
    """Sends a head and as much of a body as is given, and reads what comes."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        head = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
        connection.sendall(head.encode() + body)
        if hang_up:
            return None
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))


def test_chunked_bodies_are_counted_and_slow_ones_given_up(client: Client) -> None:
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    endless = raw(client, "Transfer-Encoding: chunked", chunk * 41)
    assert (endless.status, "a body of more than 1000000 bytes" in endless.text) == (413, True)
    slow = raw(client, "Content-Length: 100", b'{"inst')
    assert (slow.status, "the body did not arrive within 0.5 s" in slow.text) == (408, True)


def test_requests_at_once_share_calls_and_disturb_each_other_in_nothing(
    running: tuple[Client, Service], model: Served
) -> None:
    client, service = running
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
            return raw(client, f"Content-Length: {len(whole)}", whole[: len(whole) // (1 + number % 2)], hang_up=True)
        return client.post("/invocations", {"instances": asked[number]})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(len(asked))))
    for number, answer in enumerate(answers):
        if number % 5 == 1:
            assert (answer.status, answer.json["faults"][0]["row"]) == (400, len(asked[number]) - 1)
        elif answer is not None:
            assert same(answer.json["predictions"], truth(model, asked[number]))
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


def test_a_model_that_fails_is_a_500_and_the_server_stays(model: Served, caplog: pytest.LogCaptureFixture) -> None:
    other = replace(model, columns=(*model.columns[:-1], replace(model.columns[-1], name="unheard")))
    with serving(other) as (client, _):
        for path, key in (("/invocations", "message"), ("/v1/models/kinds:predict", "error")):
            answer = client.post(path, {"instances": [{**ROW, "unheard": "k1"}]})
            assert (answer.status, answer.json[key]) == (500, "the server failed at this request; its log says why")
        assert client.get("/ping").status == 200
    assert "a request failed" in caplog.text


def test_too_many_requests(model: Served) -> None:
    with serving(model, requests=0) as (client, _):
        answer = client.post("/invocations", {"instances": [ROW]})
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert answer.json["error_code"] == "REQUEST_LIMIT_EXCEEDED"


def test_a_token_guards_all_but_health(model: Served) -> None:
    with serving(model, token="s3cret-ä") as (client, _):
        for path in ("/version", "/metrics", "/openapi.json", "/docs", "/v1/models/kinds", "/v1/models/kinds/metadata"):
            assert client.get(path).status == 401
        refused = client.post("/invocations", {"instances": [ROW]}, Authorization="Bearer s3cret")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json["message"] == "this server asks for a token: Authorization: Bearer <token>"
        right = {"Authorization": "Bearer s3cret-ä".encode().decode("latin-1")}
        assert client.post("/invocations", {"instances": [ROW]}, **right).status == 200
        assert client.get("/version", **right).json["model"] == "kinds"
        assert (client.get("/ping").status, client.get("/health").status) == (200, 200)


def test_openapi_has_the_models_own_columns_and_its_examples_work(client: Client) -> None:
    document = client.get("/openapi.json").json
    assert "swagger" in client.get("/docs").text
    for path in ("/invocations", "/v1/models/kinds:predict"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        rows = next(
            one["properties"]["instances"] for one in body["schema"]["oneOf"] if "instances" in one["properties"]
        )
        assert list(rows["items"]["properties"]) == list(ROW)
        assert rows["items"]["properties"]["age"] == {"type": ["number", "null"]}
        assert rows["items"]["properties"]["code"] == {"type": "string"}
        for example in body["examples"].values():
            assert client.post(path, example["value"]).status == 200


def test_the_benchmarks_load_tells_right_answers_from_wrong_ones(client: Client, model: Served) -> None:
    good = Request(
        "/invocations", "application/json", json.dumps({"instances": ROWS}), 200, {"predictions": truth(model, ROWS)}
    )
    wrong = replace(good, answer={"predictions": truth(model, ROWS[::-1])})
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
