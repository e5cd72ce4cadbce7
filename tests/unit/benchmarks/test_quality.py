"""The comparison of quality: the same rows for everybody, results kept once, and a page that says what is missing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import frames, ingredients, kept, page, peers, tables
from benchmarks.quality.kept import Result
from benchmarks.quality.tables import TABLES, Table
from pipeline import data, load
from support.places import ROOT


def result(table: str, peer: str, seed: int, loss: float, version: str = "1") -> Result:
    return Result(table, peer, seed, {"lightgbm": version}, "a machine", 0.5, {"rmse": loss}, 10.0 + seed)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RESULTS", tmp_path / "quality.json")
    for module in (kept, tables):
        monkeypatch.setattr(module, "mlruns", lambda: tmp_path / "mlruns")


@pytest.fixture
def houses(table: Callable[..., Path]) -> Table:
    """A table with gaps, categories and dates."""
    rng = np.random.default_rng(0)
    size = rng.normal(100, 20, 200)
    path = table(
        size=np.where(rng.random(200) < 0.1, np.nan, size),
        town=rng.choice(["Köln", "Bonn", None], 200),
        sold=[f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(200)],
        price=1000 * size + rng.normal(0, 100, 200),
    )
    return Table("houses", str(path), "price")  # an absolute path stands for itself


def test_a_result_is_kept_once_for_its_versions() -> None:
    for one in (result("penguins", "lightgbm", 0, 1.0), result("penguins", "lightgbm", 0, 2.0)):
        kept.keep(one)
    kept.keep(result("penguins", "lightgbm", 0, 3.0, version="2"))
    assert [one.scores["rmse"] for one in kept.results()] == [2.0, 3.0]


def test_the_pipelines_versions_say_which_code_it_was() -> None:
    found = kept.versions(peers.PEERS["pipeline"])
    assert {"dense-pipeline", "tensorflow", "keras", "code"} == set(found)
    assert "code" not in kept.versions(peers.PEERS["lightgbm"])


def test_the_page_has_means_ranks_and_what_is_missing() -> None:
    results = [result("auto_mpg", "pipeline", seed, 3.0 + 0.1 * seed) for seed in range(3)]
    results += [result("auto_mpg", "lightgbm", seed, 2.0 + 0.1 * seed) for seed in range(3)]
    results += [result("auto_mpg", "realmlp", 0, 4.0)]
    text = page.page(results)
    (line,) = [line for line in text.splitlines() if line.startswith("| auto_mpg | 3.1")]
    assert (
        line == "| auto_mpg | 3.1 ± 0.1 | missing | missing | **2.1** ± 0.1 | missing | missing | 4 (n 1) | missing |"
    )
    assert "| **mean rank** | 2 | missing | missing | 1 | missing | missing | 3 | missing |" in text
    assert "| adult | missing | missing |" in text
    assert "| LightGBM | 0 of 1 |  | auto_mpg |" in text
    assert "| RealMLP_TD | 1 of 1 | auto_mpg |  |" in text


def test_the_newest_versions_count_on_the_page() -> None:
    text = page.page([result("auto_mpg", "lightgbm", 0, 2.0), result("auto_mpg", "lightgbm", 0, 7.0, version="2")])
    assert "**7** (n 1)" in text
    assert "lightgbm 2" in text
    assert "lightgbm 1" not in text


def test_the_page_in_the_project_is_drawn_from_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RESULTS", ROOT / "benchmarks" / "quality.json")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(kept.results())


def test_an_ingredient_is_worth_what_the_loss_rises_without_it() -> None:
    def loss(table: str, name: str, seed: int, value: float) -> Result:
        return Result(table, name, seed, {"keras": "3"}, "a machine", 0.5, {"val_rmse": value}, 1.0)

    results = [loss(table, "preset", seed, 1.0 + seed) for table in ("auto_mpg", "titanic") for seed in range(2)]
    results += [loss("auto_mpg", "without_average", seed, 1.1 * (1.0 + seed)) for seed in range(2)]
    results += [loss("titanic", "without_average", 0, 1.2), loss("penguins", "pipeline", 0, 9.0)]
    (line,) = [line for line in ingredients.page(results).splitlines() if line.startswith("| `fit.ema=null`")]
    assert line == "| `fit.ema=null` | **+10.0** | +20.0 (n 1) | +14.9 | 0.5 |"
    results += [loss(table, "without_dropout", 0, 1.0) for table in ("auto_mpg", "titanic")]
    (line,) = [line for line in ingredients.page(results).splitlines() if line.startswith("| `model.dropout=0`")]
    assert line == "| `model.dropout=0` | +0.0 (n 1) | +0.0 (n 1) | +0.0 | 1 |"
    results = [one for one in results if one.peer != "without_dropout"]
    assert page.page(results) == page.page(results[-1:])  # of the peers' page they are no part


def test_the_ingredients_page_is_drawn_from_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RESULTS", ROOT / "benchmarks" / "quality.json")
    assert ingredients.PAGE.read_text(encoding="utf-8") == ingredients.page(kept.results())


def test_every_peer_has_the_rows_that_the_pipeline_has(houses: Table) -> None:
    for seed in (0, 1):
        own = data.load(load("data=table", *houses.words, *houses.split_words(seed), f"seed={seed}").data)
        _, others = houses.dataset(seed)
        assert {part: own.fingerprint_of(part) for part in own.n_rows} == {
            part: others.fingerprint_of(part) for part in others.n_rows
        }
    assert own.fingerprint_of("test") != houses.dataset(0)[1].fingerprint_of("test")


def test_frames_have_categories_gaps_and_days(houses: Table) -> None:
    found = frames.parts(*houses.dataset(0))
    assert {part: len(one.x) for part, one in found.items()} == {"train": 140, "val": 30, "test": 30}
    x = pd.concat([one.x for one in found.values()])
    size, town, sold = (x[f"column_{k}"] for k in range(3))
    assert 5 < size.isna().sum() < 40
    assert list(town.cat.categories) == ["Bonn", "Köln"]
    assert town.isna().any()
    assert sold.min() == (pd.Timestamp("2024-01-01") - pd.Timestamp(0)).days


@pytest.mark.parametrize("name", TABLES)
def test_the_words_of_every_table_are_accepted(name: str) -> None:
    words = TABLES[name].words
    load("data=plain_table", *words, *TABLES[name].split)
    load("data=table", *words, "data.split.kind=indices", "data.split.path=x.npz")


def test_the_last_hours_test_and_nobody_is_on_two_sides(real_data: Callable[[str], Path]) -> None:
    real_data(TABLES["bike_sharing_hour"].path)
    bikes = TABLES["bike_sharing_hour"].dataset(0)[1]
    assert "instant" not in bikes.rows.inputs
    assert max(bikes.part("train").inputs["dteday"]) <= min(bikes.part("test").inputs["dteday"])
    voices = TABLES["parkinsons_telemonitoring"]
    words = ["data=plain_table", *voices.words, "data.drop=[]", *voices.split_words(0)]
    people = data.load(load(*words).data)
    assert not set(people.part("train").inputs["subject#"]) & set(people.part("test").inputs["subject#"])
    assert "subject#" not in voices.dataset(0)[1].rows.inputs


@pytest.mark.slow
@pytest.mark.parametrize("peer", [name for name, peer in peers.PEERS.items() if peer.module != "pipeline"])
def test_every_peer_learns(peer: str, houses: Table) -> None:
    about = peers.PEERS[peer]
    pytest.importorskip(about.module, reason=f"{about.module} is not installed: make bench-setup")
    found = about.measure(houses, 0)
    assert found["scores"]["r2"] > 0.5
    assert found["seconds"] > 0
