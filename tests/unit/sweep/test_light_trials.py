"""Light trials: scores and weights are kept, and the model that is made of them later gives these very scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline import ConfigError, ModelError, load
from pipeline.data import load as load_data
from pipeline.errors import NoModelYetError
from pipeline.evaluate import score
from pipeline.export import TOLERANCE
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.locate import resolve
from pipeline.sweep import light_trials
from pipeline.track.spool.folders import left
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.unfinished_runs import REOPENED, send_left
from pipeline.train import Result, Trial, run
from support.typed import Typed

KINDS = {
    "regression": ("data=diabetes", "data.output_clip=range"),
    "several outputs": ("data=linnerud", "model=linear"),
    "binary, with what is decided": (
        "data=breast_cancer", "decision.threshold=f1", "decision.temperature=true", "baselines=[majority,linear]",
        "model.dropout=0.2", "model.batch_norm=true",
    ),
    "multiclass": ("data=iris",),
    "tabm with embeddings": (
        "data=diabetes", "model=tabm", "model.numeric_embedding=piecewise_linear", "fit.ema=0.9",
        "data.input_scaling=noisy_quantile",
    ),
}  # fmt: skip


class Light(Trial):
    """A run that keeps what a trial keeps with `sweep.keep=none`."""

    ship = staticmethod(lambda config, prepared, trained, scored: light_trials.keep(prepared, trained))


@pytest.fixture(scope="module")
def kept(store: str) -> Callable[..., Result]:
    """Trains two epochs and keeps no model."""

    def train(*overrides: str) -> Result:
        return run(load("fit.epochs=2", "baselines=[]", *overrides, f"tracking.uri={store}"), Light())

    return train


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind != "multiclass" else kind for kind in KINDS]
)
def test_the_model_that_is_made_later_gives_the_scores(kind: str, kept: Callable[..., Result], store: str) -> None:
    result, client = kept(*KINDS[kind]), MlflowClient(store)
    before = client.get_run(result.run_id)
    assert result.model_path is None
    assert {entry.path for entry in client.list_artifacts(result.run_id)} == {
        "config.yaml", "data", "inputs.json", "trained",
    }  # fmt: skip
    with pytest.raises(NoModelYetError, match=f" export {result.run_id}` makes one"):
        resolve(result.run_id, store)

    light_trials.make(result.run_id, store)
    after, folder = client.get_run(result.run_id), resolve(result.run_id, store).path
    assert {name: after.data.metrics[name] for name in before.data.metrics} == before.data.metrics
    assert after.data.metrics["export/difference"] <= TOLERANCE
    assert after.data.metrics["seconds/export"] > 0
    assert (after.info.status, after.info.end_time) == ("FINISHED", before.info.end_time)
    assert {"pictures", "card.html", "saved_model"} <= {entry.path for entry in client.list_artifacts(result.run_id)}

    model, dataset = LoadedModel(folder), load_data(load(*KINDS[kind]).data)
    assert model.manifest.run_id == result.run_id
    for part in ("train", "val", "test"):
        rows = dataset.part(part)
        found = score(rows.target, model.predict_raw({k: np.asarray(v) for k, v in rows.inputs.items()}), None)
        logged = {name: before.data.metrics[f"{part}_{name}"] for name in found}
        assert found == pytest.approx(logged, rel=TOLERANCE, abs=TOLERANCE)
    mlflow.set_tracking_uri(store)
    assert mlflow.pyfunc.load_model(f"runs:/{result.run_id}/model").metadata.run_id == result.run_id


def test_a_command_makes_the_model_that_it_wants(
    kept: Callable[..., Result], store: str, typed: Typed, tmp_path: Path
) -> None:
    result = kept("data=iris", "tracking.experiment=wanted")
    rows = tmp_path / "new.csv"
    rows.write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n")
    words = ("best:wanted", str(rows), str(tmp_path / "out.csv"), "--uri", store)
    code, out, err = typed("predict", *words)
    assert code == 0, err
    assert f"run {result.run_id} has no model yet: making it now" in out
    assert (tmp_path / "out.csv").is_file()
    code, out, _ = typed("predict", *words)
    assert (code, "making it now" in out) == (0, False)


def test_rows_that_are_others_by_now_are_reported_with_the_command_that_helps(
    kept: Callable[..., Result], regression_table: Path, store: str
) -> None:
    result = kept("data=plain_table", f"data.path={regression_table}", "data.target=y")
    again = f"`python -m pipeline rerun {result.run_id}` trains it again and exports a model"
    text = regression_table.read_text(encoding="utf-8")
    regression_table.write_text(text.replace("\n", "\n0,0,0,0\n", 1), encoding="utf-8")
    with pytest.raises(ModelError, match=f"have changed since it was trained. {again}"):
        light_trials.make(result.run_id, store)
    regression_table.unlink()
    with pytest.raises(ModelError, match=f"data.path: file .* does not exist .*{again}"):
        light_trials.make(result.run_id, store)
    found = MlflowClient(store).get_run(result.run_id)
    assert found.info.status == "FINISHED"
    assert "export/difference" not in found.data.metrics


def test_a_run_stays_finished_when_the_process_that_added_to_it_is_killed(
    kept: Callable[..., Result], store: str
) -> None:
    result = kept("data=iris")
    journal = Journal({"uri": store, "run_id": result.run_id, "parent": None, "tags": {}, "start": 0, REOPENED: True})
    journal.log([["export_difference", 0.0, 1, 0], ["val_log_loss", 0.0, 1, 0]])
    journal.close()
    journal.release()
    assert journal.folder in left()
    assert send_left(store).closed == {}
    assert journal.folder not in left()
    found = MlflowClient(store).get_run(result.run_id)
    assert (found.info.status, "error" in found.data.tags) == ("FINISHED", False)
    assert found.data.metrics["export/difference"] == 0
    assert found.data.metrics["val_log_loss"] == result.scores["val_log_loss"]


def test_what_is_measured_on_an_export_needs_one_of_each_trial() -> None:
    several = "search.objectives=[val_rmse,seconds_export]"
    with pytest.raises(
        ConfigError, match=r"^sweep.keep: best does not export all trials, .* seconds_export .*; set sweep.keep=all"
    ):
        load(several)
    assert load(several, "sweep.keep=all").search.objectives == ["val_rmse", "seconds_export"]
