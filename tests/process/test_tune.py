"""Tuning: many networks in a given time, and one run with one model in the end."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

import pipeline
from pipeline import Config, ConfigError, data
from pipeline.commands import tune as command
from pipeline.errors import ModelError, SweepError, TrainingError
from pipeline.export.formats.convert import export
from pipeline.export.loaded_model import LoadedModel
from pipeline.fit.checkpoint import Checkpoint, pace
from pipeline.inference.locate import resolve
from pipeline.sweep import light_trials
from pipeline.sweep.tune import Tuned, configurations, limits, packing, time_budget, training, tune, unfinished
from pipeline.sweep.tune.networks import TunedMember, TunedSnapshot
from pipeline.sweep.tune.selection import Selection
from pipeline.track import run as tracked_run
from pipeline.track.spool.unfinished_runs import may_resume
from support.forked import Forking, forking
from support.typed import Typed

QUICK = ("model.units=[8]", "fit.epochs=3", "baselines=[]", "tune.minutes=null", "tune.folds=1")
N_NETWORKS = 3
FORMATS: tuple[Literal["litert", "onnx"], ...] = ("litert", "onnx")


def words(store: str, *more: str) -> list[str]:
    return ["data=iris", *QUICK, f"tune.n_trials={N_NETWORKS}", f"tracking.uri={store}", *more]


@pytest.fixture(scope="module")
def tuned(store: str) -> Tuned:
    return tune(*words(store))


def runs_below(client: MlflowClient, parent: str) -> list[Run]:
    experiment = client.get_run(parent).info.experiment_id
    return client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")


def test_networks_are_runs_below_the_one_that_has_the_model(store: str, tuned: Tuned) -> None:
    client, result = MlflowClient(store), tuned.result
    whole = client.get_run(result.run_id)
    assert whole.info.status == "FINISHED"
    assert whole.data.metrics["network/n_networks"] == N_NETWORKS
    assert whole.data.metrics["objective"] == pytest.approx(tuned.loss, rel=1e-5)
    below = runs_below(client, result.run_id)
    assert {run.info.run_id for run in below} == {line.run_id for line in tuned.lines}
    assert {run.info.status for run in below} == {"FINISHED"}
    assert sum(float(run.data.tags["share_of_ensemble"]) for run in below) == pytest.approx(1, abs=1e-3)
    assert all(run.data.params["data.split.seed"] == "0" for run in below)  # all have the same rows
    losses = {run.info.run_id: run.data.metrics["val_log_loss"] for run in below}
    assert losses == pytest.approx({line.run_id: line.loss for line in tuned.lines})
    assert tuned.loss <= min(losses.values()) * (1 + 1e-9)  # of one network several times, its mean is rounded
    table = Path(client.download_artifacts(result.run_id, "networks.csv")).read_text()
    assert [row["run_id"] for row in csv.DictReader(table.splitlines())] == [line.run_id for line in tuned.lines]


def test_the_model_is_one_like_any_other(tuned: Tuned) -> None:
    assert tuned.result.model_path is not None
    model = LoadedModel(Path(tuned.result.model_path))
    found = model.predict({name: np.array(values) for name, values in model.manifest.example.items()})
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1)
    card = (Path(tuned.result.model_path) / "assets.extra" / "card.md").read_text()
    assert f"of {N_NETWORKS} configurations that were trained" in card
    assert tuned.result.export_difference is not None
    assert tuned.result.export_difference < 1e-4


@pytest.mark.parametrize("objective", ["val_r2", "val_mae", "val_rmse"])
def test_networks_log_the_loss_by_which_they_are_selected_under_its_own_name(store: str, objective: str) -> None:
    quick = [*QUICK, "tune.n_trials=1", f"objective={objective}"]
    found = tune("data=diabetes", *quick, f"tracking.uri={store}")
    (line,) = found.lines
    metrics = MlflowClient(store).get_run(line.run_id).data.metrics
    scores = {name: value for name, value in metrics.items() if name.startswith("val_") or name == "objective"}
    expected = {"val_loss", "val_rmse", *(["objective"] if objective == "val_rmse" else [])}
    assert scores.keys() == expected
    assert {scores[name] for name in expected - {"val_loss"}} == {scores["val_rmse"]}
    assert scores["val_rmse"] == pytest.approx(line.loss)
    light_trials.make(line.run_id, store)
    assert resolve(line.run_id, store).path.is_dir()


def test_rerun_names_the_command_that_makes_another(store: str, tuned: Tuned, typed: Typed) -> None:
    code, out, err = typed("rerun", tuned.result.run_id, "--uri", store)
    assert (code, out) == (2, "")
    assert "is an ensemble; repeat it with python -m pipeline tune data=iris 'model.units=[8]' fit.epochs=3" in err


def test_the_table_says_what_of_a_lead_is_noise(tuned: Tuned, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [replace(line, loss=1.0, error=0.01, share=0.5) for line in tuned.lines]
    command.show_networks(replace(tuned, lines=lines, loss=0.97))
    out = capsys.readouterr().out
    assert "± to all" in out
    assert "against the network as configured: 3 % better in val_log_loss, beyond noise of the validation rows" in out
    assert all(line.error > 0 for line in tuned.lines if line.share < 1)


@pytest.mark.parametrize("limit", ["tune.n_trials=2", "Ctrl-C"])
def test_more_time_is_advised_only_if_time_ended_tuning(
    store: str, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    tell = time_budget._tell

    def telling(member: TunedMember, selection: Selection, *others: Any) -> None:
        selection.n_idle = 0  # it has improved the ensemble
        tell(member, selection, *others)
        if limit == "Ctrl-C" and member.drawn.number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(time_budget, "_tell", telling)
    found = tune("data=iris", *QUICK, "tune.minutes=10", *[limit] * (limit != "Ctrl-C"), f"tracking.uri={store}")
    expected = "tune.n_trials=4: the last network has improved the ensemble"
    assert found.result.advice == (None if limit == "Ctrl-C" else expected)


def test_a_distilled_network_is_not_compared_with_an_ensemble_on_other_rows(
    tuned: Tuned, capsys: pytest.CaptureFixture[str]
) -> None:
    """With folds the ensemble's loss is over training and validation rows."""

    def row_of(found: Tuned) -> str:
        command.show_networks(found)
        (row,) = [line for line in capsys.readouterr().out.splitlines() if "distilled from it" in line]
        return row

    one = replace(tuned, is_distilled=True)
    assert row_of(one).count(".") == 1
    of_folds = [replace(line, run_ids=line.run_ids * 2) for line in one.lines]
    assert row_of(replace(one, lines=of_folds)).count(".") == 0


@pytest.mark.slow
def test_with_a_number_of_networks_it_repeats(store: str, tuned: Tuned) -> None:
    again = tune(*words(store))
    assert [(line.words, line.loss, line.share) for line in again.lines] == [
        (line.words, line.loss, line.share) for line in tuned.lines
    ]
    assert again.result.scores == tuned.result.scores
    assert again.result.run_id != tuned.result.run_id


@pytest.mark.slow
def test_what_is_typed_is_not_drawn(store: str) -> None:
    found = tune(*words(store, "model=tabm", "model.members=2", "fit.learning_rate=0.01"))
    assert all("model.units" not in line.words and "learning_rate" not in line.words for line in found.lines)
    assert all("model=dense" not in line.words for line in found.lines)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (["tune.minutes=null"], ConfigError, "tune.n_trials"),
        (["tune.minuts=3"], ConfigError, "tune.minutes"),
        (["-m", "seed=0,1"], ConfigError, "the command sweep takes several"),
        (["model=residual"], SweepError, "use model=dense or model=tabm"),
        (["tune.folds=200"], ConfigError, "set tune.folds=auto"),
        (["tune.optimizers=[muon]", "fit=sgd"], SweepError, "tune.optimizers: the command sets the optimizer sgd"),
    ],
)
def test_mistakes_are_reported_before_anything_is_trained(
    store: str, given: list[str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        tune(*["data=iris", f"tracking.uri={store}", *given])


@pytest.mark.parametrize("n_trials", [1, 2])
def test_if_all_networks_fail_the_last_error_is_reported(store: str, n_trials: int) -> None:
    with pytest.raises(TrainingError, match="the training loss became"):
        tune(*words(store, f"tune.n_trials={n_trials}", "fit.learning_rate=1e30"))


def test_help_tells_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--help"])
    assert "tune.minutes=10" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["data=diabetes", "tune.folds=2"],
        ["data=breast_cancer", "tune.folds=1"],
        ["data=iris", "data.drop=['petal length (cm)','petal width (cm)']", "tune.folds=1"],
    ],
)
def test_an_ensemble_goes_into_every_format(store: str, tmp_path: Path, words: list[str]) -> None:
    fit = ("fit.epochs=30", "fit.ema=null", "fit.learning_rate=0.01", "model.numeric_embedding=none", "baselines=[]")
    found = tune(*words, *fit, "tune.minutes=null", "tune.n_trials=3", f"tracking.uri={store}")
    assert len({line.number for line in found.lines if line.share}) > 1
    for kind in FORMATS:
        export(resolve(found.result.run_id, store), kind, tmp_path / kind)  # which compares it with the pipeline


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    with forking(tmp_path_factory.mktemp("forked")) as found:
        yield found


def store_in(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


@pytest.mark.slow
def test_the_same_command_goes_on_where_it_was_killed(forked: Forking, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    typed = ["data=diabetes", *QUICK, "tune.folds=2", "tune.n_trials=4", f"tracking.uri={store}"]
    undisturbed = tune(*[*typed, f"tracking.uri={store_in(tmp_path)}2"])
    began = forked.start(*typed, command="tune")
    began.wait_for("network 2 of 4")
    assert began.signal(signal.SIGKILL).code in (-signal.SIGKILL, 137)
    ended = forked.start(*typed, command="tune").end(time.monotonic())
    assert ended.code == 0, ended.output
    client = MlflowClient(store)
    (experiment,) = client.search_experiments(filter_string="name = 'diabetes'")
    whole = [run for run in client.search_runs([experiment.experiment_id]) if "tuned" in run.data.tags]
    assert [run.info.status for run in whole] == ["FINISHED"]
    below = runs_below(client, whole[0].info.run_id)
    numbers = sorted(run.data.tags["tuned_number"] for run in below if run.info.status == "FINISHED")
    assert numbers == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert not [run for run in below if run.info.status == "RUNNING"]
    assert whole[0].data.metrics["val_rmse"] == pytest.approx(undisturbed.result.scores["val_rmse"], rel=1e-6)


def test_the_same_command_goes_on_with_the_epochs_that_were_selected(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without folds, networks join the ensemble with other epochs than their best, too."""
    words = packed_words(store, "tune.folds=1", "tune.n_trials=4", "fit.epochs=12", "fit.learning_rate=0.03")
    tell, recall, recalled = time_budget._tell, training.recalled_snapshot, []

    def failing(member: TunedMember, *others: Any) -> None:
        tell(member, *others)
        if member.drawn.number == 3:
            raise RuntimeError("the machine was switched off")

    def recalling(*given: Any) -> TunedSnapshot:
        recalled.append(recall(*given))
        return recalled[-1]

    monkeypatch.setattr(time_budget, "_tell", failing)
    with pytest.raises(RuntimeError, match="switched off"):
        tune(*words)
    monkeypatch.setattr(time_budget, "_tell", tell)
    monkeypatch.setattr(training, "recalled_snapshot", recalling)
    found = tune(*words)
    assert recalled
    assert {one.drawn.number for one in recalled} <= {line.number for line in found.lines}
    undisturbed = tune(*words, "seed=0")  # another command
    assert len(found.lines) == len(undisturbed.lines) == 4
    assert found.loss < 1.05 * undisturbed.loss
    for one in (found, undisturbed):
        n_entries = MlflowClient(store).get_run(one.result.run_id).data.metrics["network/n_entries"]
        assert n_entries > sum(line.share > 0 for line in one.lines)
        assert one.loss < min(line.loss for line in one.lines)
        assert one.result.scores["val_rmse"] == pytest.approx(one.loss, rel=1e-4)


@pytest.mark.slow
def test_with_more_time_a_command_goes_on_with_folds_that_it_had_dropped(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = packed_words(store, "fit.epochs=12", "fit.learning_rate=0.03", "seed=5")
    tell, keep, kept = time_budget._tell, unfinished.Kept.keep, []

    def failing(member: TunedMember, *others: Any) -> None:
        tell(member, *others)
        if member.drawn.number == 3:
            raise RuntimeError("the machine was switched off")

    def keeping(files: unfinished.Kept, path: Path, checkpoint: Checkpoint) -> None:
        kept.append(path.name)
        keep(files, path, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(time_budget, "_tell", failing)
        patch.setattr(limits, "SHARE_OF_FOLDS", 0.0)
        patch.setattr(unfinished.Kept, "keep", keeping)
        with pytest.raises(RuntimeError, match="switched off"):
            tune(*words, "tune.minutes=1")
    assert any(".epoch_" in name for name in kept)
    found = tune(*words, "tune.minutes=2", "tune.n_trials=4")
    assert {len(line.run_ids) for line in found.lines} == {5}


@pytest.mark.slow
def test_ctrl_c_ends_with_the_model_that_there_is(forked: Forking, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    typed = [
        "data=iris",
        "baselines=[]",
        "fit.epochs=20000",
        "fit.early_stopping.patience=null",
        "fit.max_minutes=0.05",
    ]
    began = forked.start(*typed, "tune.minutes=5", "tune.folds=1", f"tracking.uri={store}", command="tune")
    began.wait_for("ensemble of ", 120)
    ended = began.signal(signal.SIGINT)
    assert ended.code == 0, ended.output
    assert "interrupted" in ended.output
    client = MlflowClient(store)
    (experiment,) = client.search_experiments(filter_string="name = 'iris'")
    runs = client.search_runs([experiment.experiment_id])
    (whole,) = [run for run in runs if "tuned" in run.data.tags]
    assert whole.info.status == "FINISHED"
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    assert resolve(whole.info.run_id, store).path.is_dir()


def test_a_network_that_an_interrupt_ends_leaves_no_checkpoint(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command resumes it: the time that is left for a network, and with it its settings, differ each time."""
    log_epoch = tracked_run.Run.log_epoch

    def interrupted(run: tracked_run.Run, epoch: int, values: Mapping[str, float]) -> None:
        log_epoch(run, epoch, values)
        if epoch == 5 and run.name == "network 1":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(tracked_run.Run, "log_epoch", interrupted)
    monkeypatch.setattr(pace, "SECONDS_BETWEEN", 0.0)
    own = ("model=tabm", "model.units=[8]", "model.members=2", "fit.epochs=8", "fit.checkpoint=true", "tune.minutes=5")
    found = tune("data=iris", *QUICK, *own, f"tracking.uri={store}")
    below = {run.info.run_name: run for run in runs_below(MlflowClient(store), found.result.run_id)}
    assert {name: run.info.status for name, run in below.items()} == {"network 0": "FINISHED", "network 1": "KILLED"}
    assert not may_resume(*(run.info.run_id for run in below.values()))


def test_what_a_killed_command_kept_is_resumed_or_deleted() -> None:
    def keeping(*more: str) -> contextlib.AbstractContextManager[unfinished.Kept]:
        words = ["data=iris", "seed=40", *more]
        config = pipeline.load(*words)
        return unfinished.keeping(words, config, data.load(config.data))

    def killed(*more: str) -> Path:
        with contextlib.suppress(RuntimeError), keeping(*more) as kept:
            kept.keep(kept.path(0), Checkpoint("run", {}, 0.0, [], []))
            raise RuntimeError("the machine was switched off")
        return kept.path(0)

    first = killed("sweep.resume=off")
    with keeping("sweep.resume=off") as kept:
        assert kept.path(0).parent != first.parent
    assert not first.parent.parent.exists()
    again = killed("sweep.resume=off")
    with keeping() as kept:
        assert kept.path(0) == again
        assert again.exists()
    assert not again.parent.parent.exists()


@pytest.mark.slow
def test_a_network_of_an_ensemble_has_a_model_when_it_is_wanted(store: str, tuned: Tuned) -> None:
    line = tuned.lines[-1]
    light_trials.make(line.run_id, store)
    found = resolve(line.run_id, store)
    assert LoadedModel(found.path).manifest.run_id == line.run_id


PACKED = ("data=diabetes", "model=dense", "model.numeric_embedding=none", "model.units=[16]", "fit.execution=compiled")


def packed_words(store: str, *more: str) -> list[str]:
    return [*PACKED, "baselines=[]", "tune.minutes=null", "fit.max_minutes=null", f"tracking.uri={store}", *more]


@pytest.mark.slow
def test_networks_that_train_as_one_come_to_what_they_come_to_one_after_the_other(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One of them fails, and each has two folds. Dropout would differ in the last, smaller batch of an epoch."""
    words_of = configurations._words

    def diverging(name: str, unlike: Sequence[str], config: Config, number: int, keys: set[str]) -> tuple[str, ...]:
        return (*words_of(name, unlike, config, number, keys), *(["fit.learning_rate=1e30"] if number == 2 else []))

    monkeypatch.setattr(configurations, "_words", diverging)
    words = packed_words(store, "tune.n_trials=5", "fit.epochs=4", "tune.folds=2", "model.dropout=0.0")
    found = tune(*words)
    assert "network 2 is omitted: the training loss became" in caplog.text
    monkeypatch.setattr(packing, "LARGEST_PACK", 1)
    expected = {line.number: line for line in tune(*words).lines}
    assert sorted(line.number for line in found.lines) == sorted(expected) == [0, 1, 3, 4]
    for line in found.lines:
        other = expected[line.number]
        assert (line.words, line.epochs) == (other.words, other.epochs)
        assert line.loss == pytest.approx(other.loss, rel=1e-4)
    below = runs_below(MlflowClient(store), found.result.run_id)
    assert sorted(run.info.status for run in below) == ["FAILED"] + ["FINISHED"] * 8
    assert all("epoch/val_rmse" in run.data.metrics for run in below if run.info.status == "FINISHED")


def test_ctrl_c_keeps_the_networks_that_train_as_one(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log_epoch = tracked_run.Run.log_epoch

    def interrupted(run: tracked_run.Run, epoch: int, values: Mapping[str, float]) -> None:
        log_epoch(run, epoch, values)
        if epoch == 5 and run.name == "network 1":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(tracked_run.Run, "log_epoch", interrupted)
    found = tune(*packed_words(store, "fit.epochs=8", "tune.folds=1", "tune.n_trials=4"))
    assert {line.number: line.epochs for line in found.lines} == {0: 8, 1: 5, 2: 5, 3: 5}
    assert found.result.model_path is not None
    below = runs_below(MlflowClient(store), found.result.run_id)
    assert {run.info.status for run in below} == {"FINISHED"}


def test_folds_let_every_row_validate_by_networks_that_have_not_seen_it(store: str, tmp_path: Path) -> None:
    """Targets are drawn by chance: validation rows that some network was trained on would have a better score."""
    rng = np.random.default_rng(0)
    pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90), "y": rng.normal(size=90)}).to_csv(
        tmp_path / "noise.csv", index=False
    )
    found = tune(
        *("data=plain_table", f"data.path={tmp_path / 'noise.csv'}", "data.target=y", "model.units=[256,256]"),
        *("fit.epochs=400", "fit.learning_rate=0.003", "fit.early_stopping.patience=null", "baselines=[]"),
        *("tune.minutes=null", "tune.n_trials=1", "tune.folds=3", f"tracking.uri={store}"),
    )
    scores, client = found.result.scores, MlflowClient(store)
    assert scores["train_rmse"] < 1 < 1.5 < scores["val_rmse"]
    below = runs_below(client, found.result.run_id)
    assert sorted(run.data.tags.get("fold", "") for run in below) == ["", "2", "3"]
    assert sum(float(run.data.tags["share_of_ensemble"]) for run in below) == pytest.approx(1, abs=1e-3)
    with pytest.raises(ModelError, match=f"the model is in run {found.result.run_id}"):
        resolve(next(run.info.run_id for run in below if "fold" in run.data.tags), store)


@pytest.mark.slow
def test_there_are_no_folds_where_they_would_take_the_time_of_other_networks(store: str) -> None:
    words = ["data=diabetes", "baselines=[]", "fit.epochs=3", "tune.minutes=0.05", f"tracking.uri={store}"]
    found = tune(*words)
    assert {len(line.run_ids) for line in found.lines} == {1}
    light_trials.make(found.lines[0].run_id, store)  # it is the network of the split, like any other


@pytest.mark.slow
def test_bounds_of_few_rows_keep_the_folds_that_they_are_made_by(store: str) -> None:
    words = ["data=diabetes", "baselines=[]", "decision.interval=0.9", "fit.epochs=3", "tune.minutes=0.05"]
    found = tune(*words, f"tracking.uri={store}")
    assert {len(line.run_ids) for line in found.lines} == {5}
    assert 0.7 < found.result.scores["test_coverage"] <= 1
    assert found.result.model_path is not None
    card = (Path(found.result.model_path) / "assets.extra" / "card.md").read_text()
    assert "The quantile is from 376 rows out of fold" in card


@pytest.mark.slow
@pytest.mark.parametrize("words", [["data=diabetes"], ["data=breast_cancer"]])
def test_one_network_is_distilled_from_the_ensemble(
    store: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["baselines=[]", "tune.minutes=null", "tune.folds=1", "fit.epochs=100", f"tracking.uri={store}"]
    found = tune(*words, *common, "tune.n_trials=2", "tune.distill=true")
    command.show_networks(found)
    assert "distilled from it" in capsys.readouterr().out
    assert found.result.scores[found.score] < 1.2 * found.loss
    metrics = MlflowClient(store).get_run(found.result.run_id).data.metrics
    assert metrics[f"ensemble_{found.score}"] == found.loss
    assert found.result.model_path is not None
    card = (Path(found.result.model_path) / "assets.extra" / "card.md").read_text()
    assert "One network, trained on what an ensemble gives for the training rows (tune.distill)" in card
    assert "| layer | kind | outputs | parameters |" in card
    single = pipeline.run(pipeline.load(*words, "fit.epochs=1", "baselines=[]", f"tracking.uri={store}"))
    assert found.result.n_parameters == single.n_parameters


@pytest.mark.parametrize(("monitor", "followed"), [("val_accuracy", "val_loss"), ("accuracy", "loss")])
def test_distillation_of_a_classification_monitors_the_loss(store: str, monitor: str, followed: str) -> None:
    found = tune(*words(store, "tune.n_trials=1", "tune.distill=true", f"fit.early_stopping.monitor={monitor}"))
    client = MlflowClient(store)
    metrics = client.get_run(found.result.run_id).data.metrics
    reached = [entry.value for entry in client.get_metric_history(found.result.run_id, followed)]
    assert metrics["training/best_epoch"] == 1 + int(np.argmin(reached))
