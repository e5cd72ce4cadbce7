"""Runs ranked by validation, and whether the best is the best."""

import csv
import dataclasses
import io
import json
import math
import random
import re
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from scipy import stats

from pipeline import ConfigError, load, track
from pipeline.compare.__main__ import main
from pipeline.compare.command import command, overrides, spelled
from pipeline.compare.findings import Findings
from pipeline.compare.importance import importance
from pipeline.compare.page import render
from pipeline.compare.page.axis import label, of_numbers, of_parameter, of_scores
from pipeline.compare.page.chart import Chart
from pipeline.compare.page.pictures import effect
from pipeline.compare.ranking import Comparison, compare
from pipeline.compare.seeds import duel, seeds_needed
from pipeline.compare.sweep import report_sweep
from pipeline.compare.values import ordered, short
from pipeline.compare.verdict import verdict
from pipeline.config import to_yaml
from pipeline.track import Selected, TrackedRun
from pipeline.track.store import experiment_id

ROOT = Path(__file__).parents[1]


def tracked(
    score: float | None,
    *,
    number: int = 0,
    seed: int = 0,
    fold: int = 0,
    split_seed: int | None = None,
    status: str = "FINISHED",
    tags: dict[str, str] | None = None,
    test: float | None = None,
    size: float = 100,
    **params: str,
) -> TrackedRun:
    """A run as the store tells of it."""
    metrics = {} if score is None else {"objective": score, "val_rmse": score, "gap_rmse": 1.0, "seconds_fit": 2.0}
    if score is not None:
        metrics |= {"test_rmse": score if test is None else test, "n_parameters": size}
    known = {"seed": str(seed), "data.split.seed": str(seed if split_seed is None else split_seed)}
    return TrackedRun(
        id=f"{number:032x}", name=f"run {number}", status=status, started=float(number), metrics=metrics,
        params=known | {"data.split.fold": str(fold), "tracking.run_name": f"{number}"} | params,
        tags={"objective": "val_rmse", "n_rows_train": "80", "n_rows_val": "20"} | (tags or {}),
    )  # fmt: skip


def ranked(*runs: TrackedRun, objective: str | None = None) -> Comparison:
    return compare(Selected("some", list(runs)), objective)


def replicas(scores: dict[str, list[float]], **fixed: int) -> list[TrackedRun]:
    """A run per learning rate and seed."""
    return [
        tracked(score, number=100 * place + seed, seed=seed, **fixed, **{"fit.learning_rate": rate})  # type: ignore[arg-type]
        for place, (rate, found) in enumerate(scores.items())
        for seed, score in enumerate(found)
    ]


def test_configurations_are_ranked_by_the_mean_over_their_seeds() -> None:
    found = ranked(*replicas({"0.1": [5, 6, 7], "0.01": [1, 9, 2]}))
    assert [candidate.params for candidate in found.candidates] == [
        {"fit.learning_rate": "0.01"},
        {"fit.learning_rate": "0.1"},
    ]
    best, other = found.candidates
    assert (best.mean, best.deviation) == (4, pytest.approx(np.std([1, 9, 2], ddof=1)))
    assert (other.mean, other.deviation) == (6, 1)
    assert found.varying == ["fit.learning_rate"]
    assert found.labels == {"fit.learning_rate": "learning_rate"}
    assert found.counts() == "6 finished"


def test_the_direction_is_that_of_the_objective() -> None:
    runs = [
        dataclasses.replace(
            tracked(score, number=place, **{"model.units": f"[{place}]"}),  # type: ignore[arg-type]
            metrics={"objective": score, "val_accuracy": score, "val_log_loss": score},
            tags={"objective": "val_accuracy"},
        )
        for place, score in enumerate([0.5, 0.9, 0.7])
    ]
    assert [candidate.mean for candidate in ranked(*runs).candidates] == [0.9, 0.7, 0.5]
    assert [candidate.mean for candidate in ranked(*runs, objective="val_log_loss").candidates] == [0.5, 0.7, 0.9]


def test_test_scores_choose_nothing() -> None:
    """The whole report but for the test figures themselves is the same when test scores change hands."""
    rng = random.Random(0)
    runs = [
        tracked(
            10 + abs(rate - 5) + rng.random(), number=10 * rate + seed, seed=seed, test=rng.uniform(0, 20),
            **{"fit.learning_rate": str(rate)},  # type: ignore[arg-type]
        )
        for rate in range(1, 11)
        for seed in range(3)
    ]  # fmt: skip
    scores = [run.metrics["test_rmse"] for run in runs]
    rng.shuffle(scores)
    permuted = [
        dataclasses.replace(run, metrics=run.metrics | {"test_rmse": score})
        for run, score in zip(runs, scores, strict=True)
    ]
    before, after = ranked(*runs), ranked(*permuted)
    assert [candidate.metric("test_rmse") for candidate in before.candidates] != [
        candidate.metric("test_rmse") for candidate in after.candidates
    ]
    assert [candidate.scores for candidate in before.candidates] == [candidate.scores for candidate in after.candidates]
    assert [candidate.first.id for candidate in before.candidates] == [
        candidate.first.id for candidate in after.candidates
    ]
    assert verdict(before).text == verdict(after).text
    assert importance(before) == importance(after)


def test_a_ranking_by_test_is_refused() -> None:
    with pytest.raises(ConfigError, match="--objective: test_rmse is no validation score, as val_rmse"):
        ranked(tracked(1.0), objective="test_rmse")


def test_runs_without_a_rank_are_counted_apart() -> None:
    found = ranked(
        tracked(1.0, number=1),
        tracked(None, number=2, status="FAILED", tags={"error": "DataError: no file"}),
        tracked(None, number=3, status="KILLED"),
        tracked(None, number=4, status="RUNNING"),
        tracked(0.1, number=5, tags={"pruned": "true"}),
        tracked(math.nan, number=6),
    )
    assert found.counts() == "1 finished, 1 pruned, 1 failed, 1 killed, 1 running, 1 without a score"
    assert found.candidates[0].first.id.endswith("1")


def test_a_job_that_finished_in_the_end_did_not_fail() -> None:
    job = {"overrides": "seed=0", "mlflow.parentRunId": "p"}
    other = {"overrides": "seed=1", "mlflow.parentRunId": "p"}
    found = ranked(
        tracked(None, number=1, status="FAILED", tags=job),
        tracked(1.0, number=2, tags=job),
        tracked(None, number=3, status="FAILED", tags=other),
        tracked(None, number=4, status="FAILED"),
    )
    assert found.counts() == "1 finished, 2 failed"


def test_runs_by_another_objective_are_left_out_and_named() -> None:
    found = ranked(tracked(1.0, number=1), tracked(2.0, number=2), tracked(0.9, number=3, tags={"objective": "val_r2"}))
    assert found.notes == [
        "1 with val_r2 left out: 2 are compared by val_rmse; --objective picks another",
    ]
    assert found.n_ranked == 1  # the later of two runs of the same configuration and seed


def test_other_rows_are_another_configuration_and_a_note() -> None:
    found = ranked(tracked(1.0, number=1), tracked(2.0, number=2, tags={"data_fingerprint": "g"}))
    assert len(found.candidates) == 2
    assert found.notes == [
        "these runs saw 2 different sets of rows (data_fingerprint): their scores do not compare",
    ]


def test_a_key_that_only_some_runs_have_differs() -> None:
    found = ranked(tracked(1.0, number=1, **{"model.width": "3"}), tracked(2.0, number=2))  # type: ignore[arg-type]
    assert [candidate.params for candidate in found.candidates] == [{"model.width": "3"}, {"model.width": ""}]


def test_names_are_as_short_as_they_can_be() -> None:
    runs = [
        tracked(1.0, number=place, **{"a.b.name": name, "c.name": name, "d.e": name})  # type: ignore[arg-type]
        for place, name in enumerate(["x", "y"])
    ]
    assert ranked(*runs).labels == {"a.b.name": "b.name", "c.name": "c.name", "d.e": "e"}


def test_values_are_ordered_by_what_they_mean() -> None:
    assert ordered(["[64, 64]", "[8]", "[100]", "[]"]) == ["[]", "[8]", "[100]", "[64, 64]"]
    assert ordered(["10", "9", "0.5"]) == ["0.5", "9", "10"]
    assert ordered(["sgd", "null", "adam"]) == ["adam", "null", "sgd"]
    assert short("0.004129903248310973") == "0.00413"
    assert short("[64, 64, 64]") == "[64, 64, 64]"


@pytest.mark.parametrize(("effect", "n"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_number_of_seeds_is_that_of_the_tables(effect: float, n: int) -> None:
    """Cohen 1988, paired t test, two-sided 5 %, power 80 %; as G*Power 3.1 gives it."""
    assert seeds_needed(effect) == n


def test_that_many_seeds_find_the_difference_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    n = seeds_needed(0.9)
    drawn = rng.normal(0.9, 1, (4000, n))
    assert np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.04)


def test_no_number_of_seeds_settles_nothing() -> None:
    assert seeds_needed(0.0) is None
    assert seeds_needed(0.5, overlap=0.25) is None  # as many as one likes: the training sets overlap


def test_a_clear_difference_is_settled() -> None:
    better, worse = [1.0, 1.2, 0.9, 1.1, 1.3, 1.0], [3.1, 2.9, 3.3, 3.0, 3.2, 2.8]
    found = ranked(*replicas({"0.1": better, "0.01": worse}, split_seed=7))
    against = duel(*found.candidates, sign=1)
    expected = stats.ttest_rel(worse, better)
    assert against.p_t == pytest.approx(expected.pvalue)
    assert (against.low, against.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert against.p_wilcoxon == pytest.approx(stats.wilcoxon(np.subtract(worse, better)).pvalue)
    assert not against.splits_vary
    told = verdict(found)
    assert told.headline == "The best beats the next beyond seed noise"
    assert "mean of 6 seeds or folds (95 % interval" in told.text
    assert "p < 0.001; Wilcoxon p = 0.031; effect size" in told.text


def test_splits_that_overlap_make_the_test_stricter() -> None:
    """Nadeau and Bengio 2003: the variance of the mean is that of one difference times 1 / n + n_val / n_train."""
    better, worse = [1.0, 1.2, 0.9, 1.1, 1.3], [2.0, 1.9, 1.6, 2.2, 1.7]
    found = ranked(*replicas({"0.1": better, "0.01": worse}))
    against = duel(*found.candidates, sign=1)
    gains = np.subtract(worse, better)
    t = gains.mean() / (gains.std(ddof=1) * math.sqrt(1 / 5 + 20 / 80))
    assert against.splits_vary
    assert against.p_t == pytest.approx(2 * stats.t.sf(t, 4))
    assert against.p_t > stats.ttest_rel(worse, better).pvalue
    assert "corrected for training sets that overlap" in verdict(found).text


def test_noise_is_told_as_noise_with_the_seeds_that_would_settle_it() -> None:
    found = ranked(*replicas({"0.1": [1.0, 2.0, 3.0, 1.5], "0.01": [2.0, 1.9, 2.6, 2.1]}, split_seed=0))
    told = verdict(found)
    needed = told.rivals[0][1].seeds_needed
    assert needed is not None
    assert told.headline == "Not settled: within seed noise"
    assert told.text.endswith(
        f"About {needed} seeds would settle a difference of this size, {needed - 4} more of each."
    )


def test_folds_are_pairs_too() -> None:
    runs = [
        tracked(score + fold, number=10 * place + fold, fold=fold, **{"model.l2": str(place)})  # type: ignore[arg-type]
        for place, score in enumerate([1.0, 1.5])
        for fold in range(4)
    ]
    against = duel(*ranked(*runs).candidates, sign=1)
    assert (against.n, against.splits_vary, against.difference) == (4, True, 0.5)


@pytest.mark.parametrize(
    ("scores", "headline", "text"),
    [
        (
            {"1": [1.0], "2": [2.0]},
            "Too few seeds to tell",
            "on one seed or fold that both have. Run both with 3 seeds",
        ),
        ({"1": [1.0, 2.0], "2": [2.0, 2.5]}, "Too few seeds to tell", "on 2 seeds or folds that both have"),
        ({"1": [1.0, 2.0, 3.0], "2": [1.0, 2.0, 3.0]}, "No difference", "take the smaller or the faster"),
        ({"1": [1.0, 2.0, 3.0], "2": [2.0, 3.0, 4.0]}, "The same difference on every seed", "no noise to test against"),
        ({"1": [1.0, 2.0]}, "One configuration", "val_rmse 1.5 ± 0.71 over 2 runs; there is nothing to compare it"),
        ({}, "Nothing to rank", "No run has finished with a score."),
    ],
)
def test_what_cannot_be_tested_is_said_plainly(scores: dict[str, list[float]], headline: str, text: str) -> None:
    told = verdict(ranked(*replicas(scores)))
    assert told.headline == headline
    assert text in told.text


def test_without_a_common_seed_nothing_is_paired() -> None:
    runs = [tracked(1.0, number=1, seed=1, a="1"), tracked(2.0, number=2, seed=2, a="2")]
    assert "ahead of the next by 1 in val_rmse, but they share no seed or fold" in verdict(ranked(*runs)).text


def test_the_parameter_that_matters_is_found() -> None:
    rng = random.Random(1)
    runs = [
        tracked(
            (math.log10(rate) + 2) ** 2 + 0.1 * rng.random(), number=number,
            **{"fit.learning_rate": str(rate), "fit.optimizer": rng.choice(["adam", "sgd"])},  # type: ignore[arg-type]
        )
        for number, rate in enumerate(10 ** rng.uniform(-4, 0) for _ in range(60))
    ]  # fmt: skip
    found = importance(ranked(*runs))
    assert found is not None
    assert found.explained > 0.8
    assert next(iter(found.shares)) == "fit.learning_rate"
    assert found.shares["fit.learning_rate"] > 0.9
    assert sum(found.shares.values()) == pytest.approx(1)


def test_chance_is_no_importance() -> None:
    rng = random.Random(1)
    runs = [tracked(rng.random(), number=number, a=str(rng.random())) for number in range(40)]
    found = importance(ranked(*runs))
    assert found is not None
    assert not found.is_meaningful
    assert importance(ranked(*runs[:5])) is None


# The page.


class Texts(HTMLParser):
    """What a drawing's labels say and where; and that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "path", "circle", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle", "polyline"):
            assert self.open.pop() == tag


def found_in(comparison: Comparison) -> Findings:
    curves = [([(1, 2.0), (2, 1.0)], [(1, 2.5), (2, 1.5)]) for _ in comparison.candidates[:5]]
    return Findings(comparison, verdict(comparison), importance(comparison), "make train", "loss", curves)


def test_the_page_has_every_part_and_needs_nothing_from_elsewhere() -> None:
    rng = random.Random(2)
    runs = [
        tracked(
            abs(rate - 5) + rng.random(), number=10 * rate + seed, seed=seed, size=rate * 100,
            **{"fit.learning_rate": str(rate), "model.activation": rng.choice(["<relu>", "tanh"])},  # type: ignore[arg-type]
        )
        for rate in range(1, 13)
        for seed in range(3)
    ]  # fmt: skip
    failed = tracked(None, number=999, status="FAILED", tags={"error": "ValueError: <script>alert(1)</script>"})
    page = render(found_in(ranked(*runs, failed)))
    for title in (
        "Best configuration", "Is it really the best?", "Leaderboard", "Which parameters matter",
        "One parameter at a time", "All parameters at once", "Learning curves", "Size, time and overfitting",
        "Runs that did not finish",
    ):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    parser = Texts()
    parser.feed(page)
    assert parser.open == []
    assert parser.sources == []
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;relu&gt;" in page
    assert not re.search(r"https?:|@import|url\(|nan|inf\b", page)


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [tracked(1.0)],
        [tracked(None, status="FAILED")],
        [tracked(2.0, number=1, a="1"), tracked(2.0, number=2, a="2")],
        [tracked(2.0, number=1, a="1", size=0), tracked(1e30, number=2, a="x" * 300)],
        [tracked(score, number=n, a=str(n)) for n, score in enumerate([-1e9, 0, 1e-12, 5, 1e300])],
    ],
    ids=["none", "one", "failed", "tie", "far apart", "wide"],
)
def test_the_page_stands_whatever_the_runs_are(runs: list[TrackedRun]) -> None:
    page = render(found_in(ranked(*runs)))
    assert page.endswith("</body></html>\n")
    assert not re.search(r'"[^"]*\bnan\b', page)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    scores=st.lists(st.floats(), max_size=7),
    values=st.lists(st.one_of(st.floats().map(str), st.text(max_size=5), st.just("[1]")), min_size=7, max_size=7),
    sizes=st.lists(st.floats(0), min_size=7, max_size=7),
)
def test_the_page_stands_whatever_the_numbers_are(scores: list[float], values: list[str], sizes: list[float]) -> None:
    runs = [
        tracked(score, number=number, seed=number % 2, size=size, a=value)
        for number, (score, value, size) in enumerate(zip(scores, values, sizes, strict=False))
    ]
    assert render(found_in(ranked(*runs))).endswith("</html>\n")


def test_axes_have_round_ticks_and_hold_their_values() -> None:
    axis = of_numbers([-3, 97])
    assert [told for _, told in axis.ticks] == ["0", "25", "50", "75", "100"]
    assert 0 < axis.place(-3) < axis.place(97) < 1
    wide = of_numbers([1e-4, 0.3])
    assert wide.log
    assert [told for _, told in wide.ticks] == ["0.0001", "0.001", "0.01", "0.1"]
    assert wide.place(0.001) - wide.place(0.0001) == pytest.approx(wide.place(0.1) - wide.place(0.01))
    assert of_parameter(["[64]", "[8]", "[64]"]).categories == ("[8]", "[64]")


def test_a_diverged_run_does_not_hide_the_others() -> None:
    axis = of_scores([1.0, 1.1, 1.2, 1.3, 1.4, 1e9])
    assert axis.high < 2
    assert axis.place(1e9) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (0.1, "0.1"), (12345, "12,345"), (1e-7, "1e-7"), (2.5e9, "2.5e9"), (0.30000001, "0.3")],
)
def test_numbers_are_told_shortly(value: float, told: str) -> None:
    assert label(value) == told


def test_a_line_is_drawn_where_there_is_a_middle_to_draw() -> None:
    def lines(n_values: int, n_each: int) -> int:
        rates = [value for value in range(n_values) for _ in range(n_each)]
        runs = [tracked(float(n), number=n, a=str(rate), b=str(n)) for n, rate in enumerate(rates)]
        return effect(ranked(*runs), "a").count("<polyline")

    assert lines(n_values=4, n_each=2) == 1  # a median of each value
    assert lines(n_values=5, n_each=1) == 0  # it would only join the points
    assert lines(n_values=20, n_each=1) == 1  # of bins


@pytest.mark.parametrize(("n", "slanted"), [(4, False), (12, True)])
def test_labels_that_would_touch_are_slanted(n: int, slanted: bool) -> None:
    x = of_parameter([f"optimizer{place}" for place in range(n)])
    assert ("rotate" in Chart(x, of_numbers([0, 1]), x_title="x", y_title="y").svg()) == slanted


# The store.


FUTURE = 4_000_000_000_000  # milliseconds: later than the sweeps of other tests


@pytest.fixture(scope="module")
def sweep_store(store: str) -> SimpleNamespace:
    """A store with a sweep of three learning rates and three seeds, and a run that failed."""
    return make_sweep(store, n_rates=3, n_seeds=3)


def make_sweep(uri: str, n_rates: int, n_seeds: int, n_epochs: int = 3) -> SimpleNamespace:
    """Writes runs as the pipeline does, but for the training."""
    tracking = load("data=diabetes", "tracking.experiment=compared", f"tracking.uri={uri}").tracking
    rng = random.Random(0)
    with track.connected(tracking):
        client, where = MlflowClient(), experiment_id(tracking, uri)
        tags = {"sweep": "data=diabetes", "objective": "auto"}
        parent = client.create_run(where, start_time=FUTURE, tags=tags, run_name="bold-crow-1").info.run_id
        client.create_run(where, start_time=FUTURE - 1, tags={"sweep": ""}, run_name="calm-finch-2")
        drawn = n_seeds == 1
        jobs = [
            (10 ** rng.uniform(-4, 0) if drawn else 10.0**-rate, seed)
            for rate in range(n_rates)
            for seed in range(n_seeds)
        ]
        runs = [write_run(client, where, parent, (*job, rng.gauss(0, 0.1)), n_epochs) for job in jobs]
        client.set_terminated(runs[0], "FAILED")
        client.set_tag(runs[0], "error", "DataError: no rows")
    return SimpleNamespace(
        uri=uri, tracking=tracking, parent=parent, client=client, jobs=dict(zip(runs, jobs, strict=True))
    )


BASE = {f"data.key_{number}": "null" for number in range(60)}


def write_run(client: MlflowClient, where: str, parent: str, drawn: tuple[float, int, float], n_epochs: int) -> str:
    rate, seed, noise = drawn
    score = 50 + (math.log10(rate) + 2) ** 2 + noise
    run = client.create_run(where, run_name=f"rate {rate}", tags={"mlflow.parentRunId": parent}).info.run_id
    params = BASE | {"fit.learning_rate": str(rate), "seed": str(seed), "data.split.seed": str(seed)}
    final = {"objective": score, "val_rmse": score, "test_rmse": score + 1, "gap_rmse": 2.0, "n_parameters": 100 + rate}
    metrics = [Metric(name, value, 0, 0) for name, value in (final | {"seconds_fit": 1 + rate}).items()]
    for epoch in range(1, n_epochs + 1):
        metrics += [Metric("loss", 1 / epoch, 0, epoch), Metric("val_loss", 2 / epoch, 0, epoch)]
    tags = [RunTag("objective", "val_rmse"), RunTag("n_rows_train", "80"), RunTag("n_rows_val", "20")]
    client.log_batch(run, metrics, [Param(key, value) for key, value in params.items()], tags)
    client.set_terminated(run)
    return run


@pytest.fixture
def compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sweep_store: SimpleNamespace
) -> Callable[..., SimpleNamespace]:
    """Runs the command on the store; gives what it printed, and its message where it failed."""

    def run(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["compare", "--uri", sweep_store.uri, *arguments])
        try:
            main()
            message = None
        except SystemExit as end:
            message = end.code
        said = capsys.readouterr()
        return SimpleNamespace(out=said.out, err=said.err, message=message)

    return run


def test_the_latest_sweep_is_shown_and_its_report_logged(
    compared: Callable[..., SimpleNamespace], sweep_store: SimpleNamespace
) -> None:
    said = compared()
    assert said.message is None
    assert "sweep bold-crow-1: 8 finished, 1 failed" in said.out
    assert "1 run, the first: DataError: no rows" in said.out
    assert re.search(r"best +make rerun RUN=[0-9a-f]{32}\n", said.out)
    logged = [entry.path for entry in sweep_store.client.list_artifacts(sweep_store.parent, "comparison")]
    assert logged == ["comparison/leaderboard.csv", "comparison/report.html"]
    (place,) = re.findall(r"report +(\S+)", said.out)
    assert "Comparison: sweep bold-crow-1" in Path(place).read_text(encoding="utf-8")


def test_formats_for_pipes_hold_nothing_else(compared: Callable[..., SimpleNamespace]) -> None:
    table = compared("--sweep", "bold-crow-1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["fit.learning_rate"] for row in rows] == ["0.01", "0.1", "1.0"]
    assert [row["n_runs"] for row in rows] == ["3", "3", "2"]
    assert table.err == "configurations have from 2 to 3 runs: a mean over fewer is more a matter of luck\n"
    content = json.loads(compared("--format", "json").out)
    assert content["n_runs"] == {"finished": 8, "failed": 1}
    assert content["configurations"][0]["place"] == 1
    assert {run["seed"] for run in content["configurations"][0]["runs"]} == {"0", "1", "2"}
    assert content["others"][0]["reason"] == "DataError: no rows"
    lines = compared("--format", "md", "--top", "1").out.splitlines()
    assert lines[0] == "| # | val_rmse | runs | test_rmse | learning_rate |"
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "bold-cow"], "--sweep: there is no bold-cow; did you mean bold-crow-1?"),
        (["--sweep", "zzz"], "--sweep: there is no zzz; there are bold-crow-1, calm-finch-2"),
        (["--experiment", "comparred"], "--experiment: there is no comparred; did you mean compared?"),
        (["--query", "nonsense"], "write it as in 'metrics.objective < 60 and params.`model.units` = \"[64, 64]\"'"),
        (["--query", "metrics.val_rmse < 0"], "all runs where metrics.val_rmse < 0: there is no run in it yet"),
        (["--sweep", "calm-finch-2"], "sweep calm-finch-2: there is no run in it yet"),
        (["--objective", "val_loss"], "--objective: val_loss is no validation score"),
        (["--report", "/proc/no/report.html"], "--report: /proc/no/report.html cannot be written"),
        (["--uri", "mlruns"], "tracking.uri: mlruns is a folder"),
    ],
)
def test_what_is_not_there_is_told(
    compared: Callable[..., SimpleNamespace], arguments: list[str], message: str
) -> None:
    said = compared(*arguments)
    assert message in str(said.message)
    assert said.out == ""


def test_runs_are_found_by_experiment_and_query(compared: Callable[..., SimpleNamespace], tmp_path: Path) -> None:
    report = tmp_path / "deep" / "report.html"
    query = "params.`fit.learning_rate` = '0.01'"
    said = compared("--experiment", "compared", "--query", query, "--report", str(report))
    assert "experiment compared where params.`fit.learning_rate` = '0.01': 3 finished" in said.out
    assert "One configuration" in said.out
    assert report.is_file()
    assert [path.name for path in report.parent.iterdir()] == ["report.html"]


def test_a_fault_in_the_comparison_spoils_no_sweep(
    sweep_store: SimpleNamespace, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    report_sweep("f" * 32, sweep_store.tracking)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"--sweep {'f' * 32} --uri {sweep_store.uri}" in caplog.text
    assert capsys.readouterr().out == ""
    report_sweep(sweep_store.parent, sweep_store.tracking)
    assert len(caplog.records) == 1
    assert "comparison/report.html" in capsys.readouterr().out


@pytest.mark.slow
def test_a_thousand_runs_take_seconds(tmp_path: Path) -> None:
    made = make_sweep(f"sqlite:///{tmp_path / 'mlflow.db'}", n_rates=1000, n_seeds=1, n_epochs=5)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline.compare", "--uri", made.uri],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert "sweep bold-crow-1: 999 finished, 1 failed" in ended.stdout
    assert ended.stderr == ""
    assert processor < 20, f"{seconds:.1f} s"  # the processor's, which other work on the machine does not add to


@pytest.mark.parametrize(
    "given",
    [
        ["data=diabetes", "model=dense_regularized", "fit=sgd", "seed=3", "data.split.seed=1"],
        ["data=table", "data.path=a b.csv", "data.target=[Heating Load,Cooling Load]", "data.columns_as={a b: date}"],
        [
            "data=table",
            "data.path=x.csv",
            "data.target='1e5'",
            "data.missing_values=['null',-1,'it''s']".replace("''", ""),
        ],
        ["data=table", "data.path='$HOME/x\"y.csv'", "data.target='a,b=c'", "data.delimiter=tab", "data.comment='#'"],
    ],
    ids=["other files", "blanks", "words like numbers", "signs"],
)
def test_the_command_composes_the_same_config(sweep_store: SimpleNamespace, given: list[str], tmp_path: Path) -> None:
    config = load(*given, "tracking.run_name=some")
    with track.connected(sweep_store.tracking):
        run = sweep_store.client.create_run("0").info.run_id
        sweep_store.client.log_text(run, to_yaml(config), "config.yaml")
        found = overrides(run)
        sweep_store.client.delete_run(run)
    assert found is not None
    composed = load(*found)
    assert composed.model_dump(exclude={"tracking"}) == config.model_dump(exclude={"tracking"})
    assert composed.tracking.experiment == config.tracking.experiment
    words = shlex.split(spelled(found))
    assert found == (shlex.split(words[-1].removeprefix("ARGS=")) if words[0] == "make" else words[3:])


def test_a_run_without_a_config_is_repeated_by_its_id(sweep_store: SimpleNamespace) -> None:
    with track.connected(sweep_store.tracking):
        assert command(sweep_store.parent) == f"make rerun RUN={sweep_store.parent}"
