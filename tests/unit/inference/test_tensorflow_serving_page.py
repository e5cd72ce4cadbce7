"""docs/tensorflow-serving.md: its requests are answered by `serve`, which speaks the same form, and by these names."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.inference.http.served_model import Served
from pipeline.train import Result
from support.places import ROOT
from support.runs import FLOWERS
from support.serving import Client, served, serving

PAGE = (ROOT / "docs" / "tensorflow-serving.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"127\.0\.0\.1:8501(/v1/\S+) -d '(.*?)'", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def iris(trained_once: Callable[..., Result]) -> Served:
    return served(trained_once(*FLOWERS).model_path, "iris")


@pytest.fixture(scope="module")
def client(iris: Served) -> Iterator[Client]:
    with serving(iris) as (found, _):
        yield found


def test_its_requests_name_the_arguments_of_the_signature(iris: Served) -> None:
    signature = iris.loaded.saved_model.signatures["serving_default"]
    arguments = set(signature.structured_input_signature[1])
    first, second = (json.loads(body) for _, body in REQUESTS)
    assert set(first["inputs"]) == set(second["instances"][0]) == arguments
    assert set(iris.loaded.saved_model.signatures) == {"serving_default", "serve", "network"}
    assert set(signature.structured_outputs) == {"label", "probabilities"}


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_its_requests_are_answered(client: Client, iris: Served, path: str, body: str) -> None:
    answer = client.post(path, body)
    assert answer.status == 200
    found: Any = answer.json
    labels = found["outputs"]["label"] if "outputs" in found else [row["label"] for row in found["predictions"]]
    assert len(labels) == (1 if "instances" in body else 2)
    assert set(labels) <= set(iris.labels.classes)


def test_gaps_as_it_says_them_are_gaps_to_both(client: Client) -> None:
    path, body = REQUESTS[0]
    answers = [client.post(path, body.replace("5.1", gap)) for gap in ("NaN", "null")]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
