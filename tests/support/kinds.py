"""A model of three kinds and a server with it, which the tests of the server share.

All tests load this file: what takes long is imported in its functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import pipeline

if TYPE_CHECKING:
    from pipeline.inference.http.served_model import Served
    from pipeline.inference.http.service import Service
    from pipeline.train import Result
    from support.serving import Client

N_ROWS = 120


ROW = {"Wall Area": 2.5, "age": 30, "town": "Bern", "code": "k1"}


@pytest.fixture(scope="session")
def run_of_kinds(store: str, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A model of three classes, of numbers and text, two columns of which have gaps in the table."""
    import numpy as np
    import pandas as pd

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
    return pipeline.run(
        pipeline.load(
            "data=plain_table", f"data.path={path}", "data.target=kind", "fit.epochs=1", f"tracking.uri={store}"
        )
    )


@pytest.fixture(scope="session")
def kinds(run_of_kinds: Result) -> Served:
    from support.serving import served

    return served(run_of_kinds.model_path, "kinds")


@pytest.fixture(scope="session")
def server(kinds: Served) -> Iterator[tuple[Client, Service]]:
    from support.serving import serving

    with serving(kinds) as both:
        yield both


@pytest.fixture(scope="session")
def client(server: tuple[Client, Service]) -> Client:
    return server[0]


def truth(kinds: Served, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the model says, asked without the server."""
    import pandas as pd

    outputs = kinds.loaded.table(kinds.loaded.predict(pd.DataFrame(rows)))
    return pd.DataFrame(outputs).to_dict("records")


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    """Labels alike, numbers alike but for the last digits, which depend on how many rows are scored together."""
    import numpy as np

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
