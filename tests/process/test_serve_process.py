"""The server as a process of its own, and an alias that moves while it serves."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from pipeline import load, run
from pipeline.errors import ModelError
from pipeline.inference import locate
from pipeline.inference.http.app import Background
from pipeline.inference.http.protocols import Labels
from pipeline.inference.http.reload import ModelReloader, check_replaces
from pipeline.inference.http.served_model import load as load_served
from pipeline.inference.http.service import Service
from pipeline.train import Result
from support.places import ROOT
from support.runs import FLOWERS
from support.serving import Answer, Client, served, serving, wait_for
from support.typed import Typed

FLOWER = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}


@pytest.fixture(scope="module")
def result(trained_once: Callable[..., Result]) -> Result:
    return trained_once(*FLOWERS)


@pytest.fixture
def registered(store: str) -> Iterator[Callable[[str | Path], str]]:
    """Registers a folder as the next version of `flowers`, makes it the champion, and gives the version."""
    client = MlflowClient(store)
    client.create_registered_model("flowers")

    def register(folder: str | Path) -> str:
        version = client.create_model_version("flowers", Path(folder).as_uri()).version
        client.set_registered_model_alias("flowers", "champion", version)
        return str(version)

    yield register
    client.delete_registered_model("flowers")


class Asking:
    """Asks on and on from a thread, and keeps what came back and what went wrong."""

    def __init__(self, client: Client) -> None:
        self.answers: list[Answer] = []
        self.failures: list[Exception] = []
        self._client, self._end = client, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    def _ask(self) -> None:
        while not self._end.is_set():
            try:
                self.answers.append(self._client.post("/invocations", {"instances": [FLOWER]}))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)


@pytest.mark.slow
def test_an_alias_that_moves_is_followed_without_a_failed_request(
    result: Result,
    store: str,
    registered: Callable[[str | Path], str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    alias = "models:/flowers@champion"
    first = registered(result.model_path)
    model = load_served(locate.resolve(alias, store), name=None, trust=False)
    assert (model.name, model.version, model.run_id) == ("flowers", first, result.run_id)

    def follower(service: Service) -> Background:
        return ModelReloader(
            service,
            lambda: locate.stands_for(alias, store),
            lambda: locate.resolve(alias, store),
            lambda found: load_served(found, name=None, trust=False),
            known=first,
            seconds=0.05,
        ).run

    with serving(model, background=follower) as (client, service):
        with Asking(client) as asking:
            second = registered(result.model_path)
            wait_for(lambda: client.get("/v1/models/flowers/versions/2").status == 200)
            broken = tmp_path / "broken"
            shutil.copytree(result.model_path, broken)
            (broken / "saved_model.pb").write_bytes(b"no model")
            registered(broken)
            wait_for(lambda: b'reloads_total{result="refused"}' in service.metrics.page())
            asked = len(asking.answers)
            wait_for(lambda: len(asking.answers) > asked + 5)
        assert asking.failures == []
        assert {answer.status for answer in asking.answers} == {200}
        assert len({answer.text[:40] for answer in asking.answers}) == 1
        assert client.get("/version").json["version"] == second
    assert "the current model continues to serve" in caplog.text
    assert "saved_model.pb changed" in caplog.text


def test_a_model_that_would_break_its_clients_does_not_replace_another(result: Result) -> None:
    old = served(result.model_path, "flowers")
    first, second, *others = old.columns
    columns = (replace(first, name="leaf length"), replace(second, dtype="string"), *others)
    names = ["label", "probability_one", "probability_two", "probability_three"]
    new = replace(old, version="2", columns=columns, labels=Labels(old.labels.targets, ["one", "two", "three"], names))
    check_replaces(old, replace(old, version="2"))
    with pytest.raises(ModelError) as refused:
        check_replaces(old, new)
    assert str(refused.value) == (
        "version 2 of flowers does not replace version 1: column 'leaf length' is new; column 'sepal width (cm)' has "
        "another type; it gives label, probability_one, probability_two, probability_three instead of label, "
        "probability_setosa, probability_versicolor, probability_virginica; restart the server to serve it"
    )


def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve", *arguments],
        cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextlib.contextmanager
def process(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """A server that is ready, on a free port; it is killed at the end of the block if it still runs."""
    server = started(*arguments, "--port", "0", **variables)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if arguments[0].startswith("best:"):  # which run that is comes first
            assert re.match(rf"{arguments[0]} is .* \([0-9a-f]{{32}}\), val_log_loss [\d.]+", line)
            # What to know of the ranking follows where the store has other runs of that experiment, a line each.
            line = next((line for line in server.stdout if " at http://" in line), "")
        assert " at http://127.0.0.1:" in line, server.communicate(timeout=30)[1]
        client = Client(int(line.rsplit(":", 1)[1]))
        wait_for(lambda: reachable(client))
        yield server, client
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate(timeout=30)


def reachable(client: Client) -> bool:
    with contextlib.suppress(ConnectionError):
        return client.get("/ping").status == 200
    return False


def in_work(client: Client) -> float:
    """Requests that have arrived and are not answered."""
    (line,) = [
        line for line in client.get("/metrics").text.splitlines() if "requests_in_work " in line and "#" not in line
    ]
    return float(line.split()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_when_all_is_answered(result: Result, number: signal.Signals) -> None:
    rows = {"inputs": {name: [value] * 10_000 for name, value in FLOWER.items()}}
    with process(result.model_path) as (server, client):
        answers: list[Any] = []
        asking = [threading.Thread(target=lambda: answers.append(client.post("/invocations", rows))) for _ in range(4)]
        for thread in asking:
            thread.start()
        # A request that has not arrived whole is nobody's promise.
        wait_for(lambda: in_work(client) + len(answers) == len(asking))
        server.send_signal(number)
        for thread in asking:
            thread.join(60)
        out, err = server.communicate(timeout=60)
        assert {(answer.status, len(answer.json["predictions"])) for answer in answers} == {(200, 10_000)}
        assert (server.returncode, err) == (0, "")
        assert out.endswith("all requests have been answered\n")


@pytest.mark.slow
def test_limits_of_the_command_line_hold_and_idle_connections_do_not_keep_it_from_ending(result: Result) -> None:
    with process(result.model_path, "--max-connections", "3", "--head-seconds", "1") as (server, client):
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20)) for _ in range(20)]
            for one in held:
                one.sendall(b"GET /ping HTTP/1.1\r\n")
            heads = [one.recv(12) for one in held]
            assert set(heads) == {b"HTTP/1.1 408", b"HTTP/1.1 503"}
            assert client.post("/invocations", {"instances": [FLOWER]}).status == 200
            more = [stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20)) for _ in range(3)]
            more[0].sendall(b"GET /ping HTTP/1.1\r\n")
            wait_for(lambda: client.get("/ping").status == 503)
            server.send_signal(signal.SIGTERM)
            out, err = server.communicate(timeout=20)  # less than what a request may take
        assert (server.returncode, err) == (0, "")
        assert out.endswith("all requests have been answered\n")


@pytest.mark.slow
def test_a_served_alias_moves_to_another_run(
    result: Result, store: str, registered: Callable[[str | Path], str]
) -> None:
    registered(result.model_path)
    better = run(load("data=iris", "fit.epochs=20", "seed=1", f"tracking.uri={store}"))
    arguments = ("models:/flowers@champion", "--uri", store, "--poll-seconds", "0.2")
    with process(*arguments, PIPELINE_SERVE_TOKEN="") as (_, client), Asking(client) as asking:
        wait_for(lambda: asking.answers)
        registered(better.model_path)
        wait_for(lambda: client.get("/version").json["run_id"] == better.run_id)
        asked = len(asking.answers)
        wait_for(lambda: len(asking.answers) > asked + 5)
        assert {answer.status for answer in asking.answers} == {200}
        assert len({answer.text for answer in asking.answers}) == 2
        assert asking.answers[0].text != asking.answers[-1].text


@pytest.mark.slow
def test_commands_that_cannot_serve(
    result: Result, typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()  # what training printed
    code, _, err = typed("serve", "no-such-run", "--uri", f"sqlite:///{tmp_path}/mlflow.db")
    assert code == 1
    assert err.startswith(f"no-such-run: tracking.uri: the store {tmp_path}/mlflow.db does not exist")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = typed("serve", result.model_path, "--port", port)
        assert (code, err) == (
            1, f"cannot listen on 127.0.0.1, port {port}: Address already in use; another server uses the port, choose "
               "another --port",
        )  # fmt: skip
    folder = tmp_path / "broken"
    shutil.copytree(result.model_path, folder)
    (folder / "saved_model.pb").write_bytes(b"no model")
    code, _, err = typed("serve", str(folder), "--port", "0")
    assert code == 1
    assert "saved_model.pb changed" in err
    code, out, err = typed("serve", "--help")
    assert (code, err) == (0, "")
    assert "/invocations" in out
    assert typed("serve", "x", "--max-rows", "0")[0] == 2


@pytest.mark.slow
def test_mlflows_own_commands_take_the_logged_model(result: Result, store: str, tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.json"
    pd.DataFrame([FLOWER] * 2).to_csv(table, index=False)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "PATH": path}
    model = ["-m", f"runs:/{result.run_id}/model", "--env-manager", "local"]
    command = [sys.executable, "-m", "mlflow", "models", "predict", *model, "-i", table, "-o", out, "-t", "csv"]
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
    predictions = json.loads(out.read_text())
    assert [next(iter(row)) for row in predictions["predictions"]] == ["label", "label"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", *model, "-p", str(port)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        client = Client(port)
        wait_for(lambda: reachable(client))
        assert client.post("/invocations", {"dataframe_records": [FLOWER] * 2}).json == predictions
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # of the group that was made for it
        server.wait(30)


@pytest.mark.slow
def test_the_guides_requests_are_answered(result: Result, store: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    text = (ROOT / "docs" / "guides" / "serve.md").read_text(encoding="utf-8")
    block = text.split("```bash\n")[2].partition("```")[0]
    with process(result.run_id, "--uri", store) as (_, client):
        script = block.replace(":8080", f":{client.port}").replace("curl -s", "echo; curl -sf")
        done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=60, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert [list(answer) for answer in answers] == [
        ["predictions"],
        ["outputs"],
        ["predictions"],
        ["model_version_status"],
    ]
    assert len(answers[0]["predictions"]) == 2
    assert (
        answers[0]["predictions"][0]["label"]
        == answers[1]["outputs"]["label"][0]
        == answers[2]["predictions"][0]["label"]
    )
