"""What the version before left behind, one of each, is what today's code goes on with, or names the new way for.

`support/former` has it, and the commands that made it.
"""

import json
import re
import shlex
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import ConfigError
from pipeline.commands import compare, evaluate, export, predict, promote, register, rerun
from pipeline.config import parse
from pipeline.config.former import completed, new_key, with_new_key
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference import locate
from support.command_process import Commands, command_process
from support.former import KEPT, MODEL, STUDY, unpack, words
from support.places import ROOT
from support.serving import served, serving

# That version drew the order of rows and masks otherwise: what is trained anew is another network of the same kind.
OTHER_DRAWS = 0.2


@dataclass(frozen=True)
class Former:
    """What was left behind, in a folder and a store."""

    folder: Path
    uri: str

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    @property
    def houses(self) -> pd.DataFrame:
        """The table as a user of pandas has it, who knows what -999 and ? are."""
        return pd.read_csv(self.folder / "houses.csv", na_values=["?", "-999"], dtype={"town": str, "built": str})

    @property
    def predicted(self) -> np.ndarray:
        """What that version said of the table."""
        return pd.read_csv(self.folder / "predicted.csv")["prediction"].to_numpy()

    def runs(self, experiment: str) -> list[Run]:
        """The latest first."""
        return self.client.search_runs([self.client.get_experiment_by_name(experiment).experiment_id])

    def parents(self, experiment: str) -> list[Run]:
        """The runs of sweeps as a whole, the latest first."""
        return [run for run in self.runs(experiment) if "sweep" in run.data.tags]

    def children(self, parent: Run) -> list[Run]:
        where, query = [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
        return self.client.search_runs(where, query)

    def model(self, experiment: str) -> str:
        """The run of an experiment that has only one."""
        (run,) = (run for run in self.runs(experiment) if "rerun_of" not in run.data.tags)
        return str(run.info.run_id)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Former:
    folder = tmp_path_factory.mktemp("former")
    return Former(folder, unpack(folder))


@pytest.fixture
def former(unpacked: Former, monkeypatch: pytest.MonkeyPatch) -> Former:
    """In the folder where that version was run."""
    monkeypatch.chdir(unpacked.folder)
    return unpacked


@pytest.fixture(scope="module")
def commands(unpacked: Former) -> Iterator[Commands]:
    """A process that runs today's commands where that version was run."""
    with command_process(unpacked.folder) as run:
        yield run


@pytest.fixture
def sweep(former: Former, commands: Commands) -> Callable[[str], tuple[int, str]]:
    """Gives the command that an experiment was made with again, by today's keys; gives its exit code and output."""
    where = f"hydra.sweep.dir={former.folder}/hydra"
    return lambda experiment: commands("train", "-m", *map(with_new_key, words(experiment)), where)


def test_nothing_kept_names_a_machine_or_a_user() -> None:
    private = re.compile(rb"/tmp/|/home/|/root\b|/Users/|mlflow\.source|" + re.escape(bytes(ROOT)))
    with tarfile.open(KEPT) as kept:
        files = {entry.name: kept.extractfile(entry) for entry in kept if entry.isfile()}
        assert len(files) > 100
        assert [name for name, file in files.items() if file and private.search(file.read())] == []


def test_an_export_predicts_the_same(former: Former) -> None:
    model = LoadedModel(locate.resolve(former.model("houses"), former.uri).path)
    assert model.predict(former.houses)["prediction"][:, 0] == pytest.approx(former.predicted, rel=1e-6)
    flowers = LoadedModel(locate.resolve("best:flowers", former.uri).path)
    assert flowers.predict(flowers.manifest.example)["probabilities"].sum(axis=1) == pytest.approx(1.0)


def test_a_file_is_predicted_the_same(former: Former, tmp_path: Path) -> None:
    predict.main([former.model("houses"), "houses.csv", str(tmp_path / "out.csv"), "--uri", former.uri])
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].to_numpy() == pytest.approx(former.predicted, rel=1e-6)


def test_new_rows_are_scored(former: Former, capsys: pytest.CaptureFixture[str]) -> None:
    run = former.model("houses")
    evaluate.main([run, "houses.csv", "--log", "--uri", former.uri])
    error = former.predicted - former.houses["price"].to_numpy()
    assert former.client.get_run(run).data.metrics["new_rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)
    assert "new_rmse" in capsys.readouterr().out


def test_the_server_answers(former: Former) -> None:
    folder = locate.resolve(f"models:/{MODEL}@champion", former.uri).path
    rows = former.houses.drop(columns="price").head(9)
    with serving(served(folder, MODEL)) as (client, _):
        content = rows.astype(object).where(rows.notna(), None).to_dict("split", index=False)
        answers = [
            client.post("/invocations", {"dataframe_split": content}),
            client.post("/invocations", rows.to_csv(index=False), Content_Type="text/csv"),
        ]
    for answer in answers:
        assert answer.status == 200, answer.text
        said = [row["prediction"] for row in answer.json["predictions"]]
        assert said == pytest.approx(former.predicted[:9], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["savedmodel", "litert", "onnx"])
@pytest.mark.parametrize("experiment", ["houses", "flowers"])
def test_a_model_is_exported_and_compared_on_its_validation_rows(
    former: Former, tmp_path: Path, experiment: str, format_: str
) -> None:
    export.main([
        former.model(experiment), "--format", format_, "--output", str(tmp_path), "--uri", former.uri
    ])  # fmt: skip
    (report,) = tmp_path.rglob("export.json")
    n_rows = {"houses": 18, "flowers": 22}[experiment]
    assert json.loads(report.read_text())["checked_on"] == f"{n_rows} validation rows"


def test_compare_ranks_as_that_version_did(former: Former, capsys: pytest.CaptureFixture[str]) -> None:
    compare.main(["--experiment", "grid", "--format", "json", "--uri", former.uri])
    now = json.loads(capsys.readouterr().out)
    before = json.loads((former.folder / "compared.json").read_text())
    assert len(now["configurations"]) == 2
    for found, known in zip(now["configurations"], before["configurations"], strict=True):
        assert {name: found[name] for name in ("model.units", "val_rmse", "n_runs")} == {
            name: known[name] for name in ("model.units", "val_rmse", "n_runs")
        }


@pytest.fixture(scope="module")
def rerun_id(unpacked: Former) -> str:
    """A run of today's code by the config that the former one logged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(unpacked.folder)
        rerun.main([unpacked.model("houses"), "--uri", unpacked.uri])
    return next(str(run.info.run_id) for run in unpacked.runs("houses") if "rerun_of" in run.data.tags)


@pytest.mark.slow
def test_a_run_is_repeated_with_the_same_scores(former: Former, rerun_id: str) -> None:
    old, new = (former.client.get_run(run).data for run in (former.model("houses"), rerun_id))
    scores = {name: value for name, value in old.metrics.items() if re.match("(train|val|test)_", name)}
    assert len(scores) >= 9
    assert {name: new.metrics[name] for name in scores} == pytest.approx(scores, rel=OTHER_DRAWS)
    names = {new_key(name) or name for name in old.params if not name.startswith("tracking.")}
    before = {name: value for name, value in completed(old.params).items() if name in names}
    assert {name: new.params[name] for name in before} == before


@pytest.mark.slow
def test_compare_ranks_old_and_new_runs_together(
    former: Former, rerun_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    compare.main(["--experiment", "houses", "--format", "json", "--uri", former.uri])
    found = json.loads(capsys.readouterr().out)
    ids = [run["run_id"] for configuration in found["configurations"] for run in configuration["runs"]]
    assert ids == [rerun_id]
    assert found["notes"] == ["1 left out: replaced by a later run of the same configuration and seed"]


@pytest.mark.slow
def test_mlflows_models_of_both_versions_work_in_one_process(former: Former, rerun_id: str) -> None:
    mlflow.set_tracking_uri(former.uri)
    rows = former.houses.drop(columns="price")
    old = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    new = mlflow.pyfunc.load_model(f"runs:/{rerun_id}/model")
    for model in (old, new, old):
        assert model.predict(rows)["prediction"].to_numpy() == pytest.approx(former.predicted, rel=OTHER_DRAWS)


@pytest.mark.slow
def test_a_registered_model_is_compared_and_promoted(
    former: Former, rerun_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main([rerun_id, MODEL, "--alias", "champion", "--force", "--uri", former.uri])
    said = capsys.readouterr().out
    assert "champion was version 1" in said
    assert "not comparable" not in said
    promote.main([MODEL, "1", "--uri", former.uri])
    assert int(former.client.get_model_version_by_alias(MODEL, "champion").version) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "n_trials"), [("grid", 4), ("killed", 3), ("searched", 3)])
def test_a_sweep_begins_anew_and_says_so(
    former: Former, sweep: Callable[[str], tuple[int, str]], experiment: str, n_trials: int
) -> None:
    (before,) = former.parents(experiment)
    code, said = sweep(experiment)
    assert code == 0, said
    assert (
        f"sweep {before.info.run_name} of the same command used an earlier version: a new sweep runs all trials. "
        f"The earlier one is kept: python -m pipeline compare --sweep {before.info.run_id}"
    ) in said
    begun, kept = former.parents(experiment)
    assert kept.info.run_id == before.info.run_id
    assert [run.info.status for run in former.children(begun)] == ["FINISHED"] * n_trials
    code, said = sweep(experiment)
    assert code == 0, said
    assert f": {n_trials} finished trials are skipped" in said
    assert len(former.parents(experiment)) == 2


def test_its_words_are_refused_with_those_of_today(former: Former) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(["-m", *words("named")])
    reported = [shlex.split(line.partition("; write ")[2]) for line in str(raised.value).splitlines()]
    given = {word.partition("=")[0] for word in words("named") if word.startswith("sweep.")}
    assert len(reported) == len(given) == 4
    rest = [word for word in words("named") if not word.startswith("sweep.")]
    assert parse(["-m", *rest, *(word for (word,) in reported)]).config.search.study_name == "by_name"


@pytest.mark.slow
def test_a_named_search_is_refused_with_the_new_way(former: Former, sweep: Callable[[str], tuple[int, str]]) -> None:
    (before,) = former.parents("named")
    code, said = sweep("named")
    assert code == 1
    assert re.search(r"search\.study_name: by_name was started with different .*code.*; give another name", said)
    assert re.search(r"or resume it with the code that started it, 0\.1\.0\+[0-9a-f]{40}", said)
    assert "goes on" not in said
    assert "resume with  " not in said
    (after,) = former.parents("named")
    assert after.to_dictionary() == before.to_dictionary()


@pytest.mark.slow
def test_a_study_begins_anew_and_comes_to_the_same(former: Former, commands: Commands) -> None:
    (before,) = former.parents("study_width")
    code, said = commands("study", "width", *STUDY.split(), f"tracking.uri={former.uri}")
    assert code == 0, said
    assert f"sweep {before.info.run_name} of the same command" in said
    after, _ = former.parents("study_width")
    old, new = (pd.read_csv(_artifact(former, run, "study/figures.csv")) for run in (before, after))
    assert list(new.columns) == list(old.columns)
    pd.testing.assert_frame_equal(old, new, rtol=OTHER_DRAWS)


def _artifact(former: Former, run: Run, name: str) -> str:
    mlflow.set_tracking_uri(former.uri)
    return mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name)
