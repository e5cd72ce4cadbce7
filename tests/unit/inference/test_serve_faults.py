"""What bad requests get from the server, and what it survives."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.inference.http import docs
from pipeline.inference.http.served_model import Served
from support.kinds import ROW
from support.serving import Client, serving

VALUES = [
    ({"age": "old"}, "row 1, column 'age': 'old' is not a number; correct it (the decimal mark is '.', without separators of"
                     " thousands), or name it in data.missing_values and train again"),
    ({"age": [1]}, "row 1, column 'age': [...] is a list, a number is expected"),
    ({"age": {"a": 1}}, "row 1, column 'age': {...} is an object, a number is expected"),
    ({"age": 10**400}, "row 1, column 'age': a whole number of 401 digits is too large"),
    ({"age": float("inf")}, "row 1, column 'age': inf is infinite, but values must be finite or gaps"),
    ({"town": 3}, "row 1, column 'town': 3 is a number, text is expected"),
    ({"town": True}, "row 1, column 'town': True is a boolean, text is expected"),
    ({"town": {"b64": "?"}}, "row 1, column 'town': {...} is an object, text is expected"),
    ({"town": "\ud800x"}, r"row 1, column 'town': '\ud800x' is not Unicode text: half of a surrogate pair at letter 0"),
    ({"age": [], "town": 1}, "row 1, column 'age': [...] is a list, a number is expected; row 1, column 'town': 1 is a "
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
    (b'{"instances": [', "the body is not JSON: Expecting value: line 1 column 16 (char 15)"),
    (b"\xff\xfe\xfa", "the body is not JSON: "),
    (b"", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
    (b"[" * 100_000, "the body is nested too deeply"),
    (b'{"inputs": {"age": %s}}' % (b"9" * 5000), "the body is not JSON: Exceeds the limit"),
    ([ROW], "the body must be a JSON object with one of the keys dataframe_split, dataframe_records, instances, inputs"),
    ({"instance": [ROW]}, "it has instance; did you mean instances?"),
    ({"inputs": {}, "instances": []}, "the body has instances and inputs; it must have exactly one of them"),
    ({"instances": 3}, "rows must be given as a list"),
    ({"instances": [ROW, 3]}, "row 1, column '': an object with a value per column is expected"),
    ({"instances": [ROW, {**ROW, "age": 1} | {"x": 1}, {"age": 1}]}, "row 2, column 'Wall Area': is missing; null"),
    ({"instances": [{"Wall area": 1, "age": 1, "town": ""}]},
     "column 'Wall Area' is missing; rename 'Wall area' if that is the column; column 'code' is missing"),
    ({"inputs": {**ROW, "age": [1, 2]}}, "inputs must have a list per column, all of one length, but they have: 'Wall Area'"),
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


def test_characters_that_are_none_are_no_fault_of_the_server(client: Client) -> None:
    """Half of a pair of surrogates, which JSON can write."""
    half = "\\ud800"
    row = json.dumps(ROW)
    for body, said in (
        (f'{{"{half}": 1}}', f"it has {half}"),
        (f'{{"inputs": {{"{half}": [1]}}}}', "column 'Wall Area' is missing"),
        (f'{{"instances": [{row}, {{"{half}": 1}}]}}', "is missing; null stands for a gap"),
        (json.dumps({"instances": [ROW | {"age": "\ud800"}]}), "is not a number"),
        (json.dumps({"instances": [ROW | {"town": "\ud800"}]}), "column 'town'"),
        (json.dumps({"instances": [ROW | {"town": ["\ud800"]}]}), "column 'town'"),
        (json.dumps({"\ud800": 1, "instances": [{"\ud800": 2}]}), "column 'Wall Area' is missing"),
    ):
        answer = client.post("/invocations", body)
        assert answer.status == 400, (body, answer.text)
        assert said in answer.json["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("age\n1\n", "column 'Wall Area' is missing"), ("", "column 'Wall Area' is missing"),
     ("Wall Area,age,town,code\n1,2,x\n", "row 0, column '': a list of 4 values is expected"),
     ("Wall Area,age,town,code\n1,1_0,x,k1\n", "row 0, column 'age': '1_0' is not a number; correct it"),
     ("Wall Area,age,town,code\n1,inf,x,k1\n", "row 0, column 'age': inf is infinite"),
     ('"Wall Area,age', "the body is not a CSV table: unexpected end of data"), (b"\xff", "the body is not UTF-8")],
)  # fmt: skip
def test_bad_csv(client: Client, text: str | bytes, message: str) -> None:
    answer = client.post("/invocations", text, Content_Type="text/csv")
    assert answer.status == 400
    assert message in answer.json["message"]


@pytest.mark.parametrize(
    ("path", "message"),
    [("/v1/models/kind:predict", "unknown model 'kind'; this server has 'kinds'"),
     ("/v1/models/kinds/versions/7:predict", "unknown version 7 of 'kinds'; this server has version 1"),
     ("/v1/models/kinds:classify", "unknown method 'classify'; the method is predict")],
)  # fmt: skip
def test_addresses_that_are_not_there(client: Client, path: str, message: str) -> None:
    answer = client.post(path, {"instances": [ROW]})
    assert (answer.status, answer.json["error"]) == (404, message)
    assert client.get("/v1/models/kind").json == {"error": "unknown model 'kind'; this server has 'kinds'"}
    assert client.get("/invocations").status == 405


def test_other_kinds_of_content(client: Client) -> None:
    for headers, said in (
        ({"Content_Type": "application/x-www-form-urlencoded"}, "send Content-Type: application/json or text/csv"),
        ({"Content_Type": "text/csv; charset=latin-1"}, "the body must be UTF-8"),
        ({"Content_Encoding": "gzip"}, "content-encoding gzip is not supported"),
    ):
        answer = client.post("/invocations", "x", **headers)
        assert answer.status == 415
        assert said in answer.json["message"]


@pytest.mark.parametrize("size", [1_000_001, 30_000_000])
def test_huge_bodies(client: Client, size: int) -> None:
    answer = (
        client.post("/invocations", b" " * size) if size < 2_000_000 else client.raw(f"Content-Length: {size}", b"")
    )
    assert answer.status == 413
    assert f"a body of {size} bytes; at most 1000000 are allowed" in answer.text


def test_chunked_bodies_are_counted(client: Client) -> None:
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    endless = client.raw("Transfer-Encoding: chunked", chunk * 41)
    assert (endless.status, "a body of more than 1000000 bytes" in endless.text) == (413, True)


def test_slow_bodies_are_given_up(kinds: Served) -> None:
    with serving(kinds, body_seconds=0.4) as (client, _):
        slow = client.raw("Content-Length: 100", b'{"inst')
    assert (slow.status, "the body did not arrive within 0.4 s" in slow.text) == (408, True)


def test_a_model_that_fails_is_a_500_and_the_server_stays(kinds: Served, caplog: pytest.LogCaptureFixture) -> None:
    other = replace(kinds, columns=(*kinds.columns[:-1], replace(kinds.columns[-1], name="unheard")))
    with serving(other) as (client, _):
        for path, key in (("/invocations", "message"), ("/v1/models/kinds:predict", "error")):
            answer = client.post(path, {"instances": [{**ROW, "unheard": "k1"}]})
            assert (answer.status, answer.json[key]) == (500, "the server failed to answer this request; see its log")
        assert client.get("/ping").status == 200
    assert "a request failed" in caplog.text


def test_too_many_requests(kinds: Served) -> None:
    with serving(kinds, requests=0) as (client, _):
        answer = client.post("/invocations", {"instances": [ROW]})
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert answer.json["error_code"] == "REQUEST_LIMIT_EXCEEDED"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("token", [None, "s3cret"])
@pytest.mark.parametrize("longest", [docs.MAX_TYPED, 10])
def test_the_printed_command_asks_the_server(
    kinds: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, longest: int
) -> None:
    monkeypatch.setattr(docs, "MAX_TYPED", longest)
    (tmp_path / "new.csv").write_text(",".join(ROW) + "\n" + ",".join(map(str, ROW.values())) + "\n", encoding="utf-8")
    with serving(kinds, token=token) as (client, service):
        command = docs.curl(f"http://127.0.0.1:{client.port}", kinds, asks_for_token=service.asks_for_token)
        assert ("@new.csv" in command) == (longest == 10)
        environment = os.environ | {"PIPELINE_SERVE_TOKEN": token or ""}
        asked = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert len(json.loads(asked.stdout)["predictions"]) == 1


def test_a_token_guards_all_but_health(kinds: Served) -> None:
    with serving(kinds, token="s3cret-ä") as (client, _):
        for path in ("/version", "/metrics", "/openapi.json", "/docs", "/v1/models/kinds", "/v1/models/kinds/metadata"):
            assert client.get(path).status == 401
        refused = client.post("/invocations", {"instances": [ROW]}, Authorization="Bearer s3cret")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json["message"] == "this server asks for a token: Authorization: Bearer <token>"
        right = {"Authorization": "Bearer s3cret-ä".encode().decode("latin-1")}
        assert client.post("/invocations", {"instances": [ROW]}, **right).status == 200
        assert client.get("/version", **right).json["model"] == "kinds"
        assert (client.get("/ping").status, client.get("/health").status) == (200, 200)
