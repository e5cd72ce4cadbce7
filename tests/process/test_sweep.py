"""Sweeps whole, in this process: searches, what is skipped, what fails, and what MLflow shows of it."""

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.runtime import process
from pipeline.sweep.claims import claimed
from support.command_process import Commands, command_process

COMMON = ["data=iris", "fit.execution=graph"]


class Swept:
    """Runs sweeps in an experiment of a test's own, and finds what they left in the store."""

    def __init__(self, commands: Commands, store: str, folder: Path, experiment: str) -> None:
        self.client, self.experiment, self._commands = MlflowClient(store), experiment, commands
        self._where = [f"tracking.uri={store}", f"tracking.experiment={experiment}", f"hydra.sweep.dir={folder}/hydra"]
        self._journal = f"{folder}/study.journal"

    def __call__(self, *arguments: str, code: int = 0, journal: str = "", interrupt_at: int | None = None) -> str:
        """Gives the command, and what it printed."""
        common = [] if any(word.startswith("data=") for word in arguments) else COMMON
        words = ["-m", *common, *arguments, *self._where, f"search.storage={journal or self._journal}"]
        ended, out = self._commands("train", *words, interrupt_at=interrupt_at)
        assert ended == code, out
        return out

    def runs(self) -> list[Run]:
        found = self.client.get_experiment_by_name(self.experiment)
        return self.client.search_runs([found.experiment_id]) if found else []

    def parent(self) -> Run:
        (parent,) = [run for run in self.runs() if "sweep" in run.data.tags]
        return parent

    def children(self, status: str) -> list[Run]:
        below = [run for run in self.runs() if run.data.tags.get("mlflow.parentRunId") == self.parent().info.run_id]
        return [run for run in below if run.info.status == status]


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """A process that runs command lines, one for all tests of this file."""
    with command_process() as run:
        yield run


@pytest.fixture
def swept(commands: Commands, store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Swept:
    """Runs the command line's sweep in an experiment of the test's own."""
    return Swept(commands, store, tmp_path, re.sub(r"\W+", "_", request.node.name))


SEARCH = ["hydra/sweeper=search", "fit.epochs=1", "fit.learning_rate=tag(log,interval(0.001,0.1))"]


@pytest.mark.slow
def test_a_search_is_kept_under_its_parent_and_the_same_command_skips_it(swept: Swept) -> None:
    command = [*SEARCH, "search.sampler=random", "search.n_trials=3", "search.depth=1,2", "search.width=4,8"]
    swept(*command)
    done, parent = swept.children("FINISHED"), swept.parent()
    best = min(done, key=lambda run: run.data.metrics["objective"])
    assert len(done) == 3
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["best_run_id"] == best.info.run_id
    assert parent.data.metrics["best_test_accuracy"] == best.data.metrics["test_accuracy"]
    assert "fit.learning_rate: Interval(low=0.001, high=0.1" in parent.data.tags["search_space"]
    assert parent.data.tags["command"].startswith("python -m pipeline train -m data=iris")
    for run in done:
        assert run.info.run_name == " ".join(run.data.tags["overrides"].split()[-2:])
        assert run.info.run_name.startswith("fit.learning_rate=0.0")
        depth = len(run.data.params["model.units"].split(","))
        assert run.data.params["model.units"] in ([f"[{', '.join([str(w)] * depth)}]" for w in (4, 8)])

    out = swept(*command)
    assert ": 3 finished trials are skipped" in out
    assert "3 finished; 3 finished before and were skipped" in out
    assert len(swept.children("FINISHED")) == 3

    swept(*[word.replace("n_trials=3", "n_trials=4") for word in command])
    assert len(swept.children("FINISHED")) == 4
    assert swept.parent().data.metrics["n_finished"] == 4


@pytest.mark.slow
def test_configurations_are_shown_as_compare_ranks_them(swept: Swept) -> None:
    out = swept("fit.epochs=1", "model.units=[2],[8]", "seed=0,1,2")
    scores: dict[str, dict[float, Run]] = defaultdict(dict)
    for run in swept.children("FINISHED"):
        scores[run.data.params["model.units"]][run.data.metrics["objective"]] = run
    units, best = min(scores.items(), key=lambda item: statistics.fmean(item[1]))
    run, mean = best[statistics.median(best)], statistics.fmean(best)  # each seed has validation rows of its own
    parent = swept.parent()
    assert parent.info.run_name.startswith("iris-dense-")
    assert f"| 1 | {mean:.5g} ± " in parent.data.tags["mlflow.note.content"]
    lines = [line for line in out.splitlines() if re.match(r"\d/6  ", line)]
    assert [line.split("  ")[1] for line in lines] == [
        f"model.units=[{width}] seed={seed}" for width in (2, 8) for seed in (0, 1, 2)
    ]
    assert "; " in lines[2]  # the time left
    assert f"{parent.info.run_name} ({parent.info.run_id}): 6 finished" in out
    row = rf"1 .* {mean:.5g} ± {statistics.stdev(best):.2g} .* 3 .* {re.escape(units)} .* {run.info.run_id} "
    assert re.search(row, out)
    reported = f"best run +{run.info.run_id} .*: the median of 3 runs on different validation rows"
    assert re.search(reported, out)
    assert f"--sweep {parent.info.run_id}" in re.findall("every run's id +(.*--format json.*)", out)[0]
    assert parent.data.tags["best_run_id"] == run.info.run_id
    assert parent.data.metrics["best_objective"] == pytest.approx(mean)
    assert parent.data.metrics["best_n_runs"] == 3


@pytest.mark.slow
def test_hydras_grid_skips_what_is_finished_and_closes_what_was_left_running(swept: Swept) -> None:
    swept("fit.epochs=1", "seed=0,1")
    first, second = swept.children("FINISHED")
    assert first.data.tags["replica_key"] == second.data.tags["replica_key"]
    assert first.data.tags["trial_key"] != second.data.tags["trial_key"]
    # As kill -9 in the second trial leaves it.
    client, parent = swept.client, swept.parent().info.run_id
    client.delete_run(first.info.run_id)
    gone = f"{process.name().split('/')[0]}/{2**22 + 1}/1.0"
    tags = {"mlflow.parentRunId": parent, "owner": gone, "overrides": first.data.tags["overrides"]}
    left = client.create_run(first.info.experiment_id, tags=tags)
    mine = client.create_run(first.info.experiment_id, tags=tags | {"owner": process.name(), "overrides": "x"})
    client.update_run(parent, status="RUNNING")
    out = swept("fit.epochs=1", "seed=0,1")
    assert "1 finished trials are skipped, 1 left RUNNING by a dead process are now KILLED" in out
    assert f"skipped: finished as run {second.info.run_id}" in out
    assert client.get_run(left.info.run_id).info.status == "KILLED"
    assert client.get_run(left.info.run_id).data.tags["error"] == "its process is gone"
    assert client.get_run(mine.info.run_id).info.status == "RUNNING"  # its process is at work
    assert len(swept.children("FINISHED")) == 2

    swept("fit.epochs=1", "seed=0,1", "sweep.resume=off")
    assert len([run for run in swept.runs() if "sweep" in run.data.tags]) == 2


@pytest.mark.slow
def test_failures_are_kept_with_their_tracebacks_and_end_a_sweep(swept: Swept, table: Callable[..., Path]) -> None:
    path = table(y=[1.0, 2.0, 3.0], a=[1, 2, 3])
    files = f"data.path={path.parent}/no.csv,{path.parent}/none.csv,{path}"
    out = swept("data=plain_table", "data.target=y", files, "sweep.max_failures=2", code=1)
    failed = swept.children("FAILED")
    assert len(failed) == 2
    errors = sorted(run.data.tags["error"] for run in failed)
    for name, error in zip(("no", "none"), errors, strict=True):
        assert f"DataError: data.path: file {path.parent}/{name}.csv does not exist" in error
    text = mlflow.artifacts.load_text(f"{failed[0].info.artifact_uri}/traceback.txt")
    assert text.startswith("Traceback")
    assert "not started: 2 trials have failed (sweep.max_failures)" in out
    assert "2 failed" in out
    assert "resume with       python -m pipeline train -m" in out
    assert swept.parent().data.metrics["n_failed"] == 2


@pytest.mark.slow
def test_a_search_goes_on_after_a_failure_up_to_the_most(swept: Swept) -> None:
    command = [
        "hydra/sweeper=search", "search.sampler=grid", "fit.optimizer=sgd", "fit.epochs=1",
        "fit.learning_rate=1e30,0.01,2e30,0.1,3e30",
    ]  # fmt: skip
    out = swept(*command, "sweep.max_failures=2", code=1)
    assert len(swept.children("FINISHED")) == 1
    assert len(swept.children("FAILED")) == 2
    assert "no more trials are started: 2 failed (sweep.max_failures)" in out
    swept(*command, code=1)  # what failed is tried again, what is finished is not
    assert len(swept.children("FINISHED")) == 2
    assert "1 finished, 2 failed" in out


@pytest.mark.slow
def test_poor_trials_are_pruned(swept: Swept) -> None:
    out = swept(
        "hydra/sweeper=search", "search.sampler=grid", "search.pruner=median", "search.prune_from=1", "fit.epochs=3",
        "model.units=[8]", "fit.learning_rate=0.1,0.05,0.04,0.03,0.02,0.00001",
    )  # fmt: skip
    (pruned,) = swept.children("KILLED")
    assert pruned.data.tags["pruned"] == "true"
    assert "after epoch 1: " in pruned.data.tags["pruned_because"]
    assert "objective" not in pruned.data.metrics
    assert "5 finished, 1 pruned" in out
    assert re.search(rf"pruned +1 run, the first: after epoch 1: .* \(run {pruned.info.run_id}\)", out)
    assert swept.parent().data.metrics["n_failed"] == 0


@pytest.mark.slow
def test_models_that_are_missing_are_made_at_the_end_by_the_same_command(swept: Swept) -> None:
    """As it is where the leading process was killed before it had made them."""
    command = ["fit.epochs=1", "model.units=[2],[4]"]
    swept(*command, "sweep.keep=none")
    before = {run.info.run_id: run.data.metrics for run in swept.children("FINISHED")}
    assert not any("export/difference" in metrics for metrics in before.values())
    out = swept(*command)
    assert "exporting the models of 2 of the sweep's runs (sweep.keep)" in out
    after = {run.info.run_id: run.data.metrics for run in swept.children("FINISHED")}
    assert all("export/difference" in metrics for metrics in after.values())
    assert {run: {name: after[run][name] for name in metrics} for run, metrics in before.items()} == before
    assert "exporting the models" not in swept(*command)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [[], ["hydra/launcher=local", "hydra.launcher.n_jobs=2"]], ids=["serial", "local"])
def test_the_five_best_configurations_have_a_model(swept: Swept, launcher: list[str]) -> None:
    words = ["fit.epochs=1", "model.units=[2],[3],[4],[5],[6],[7]", "seed=0,1", "data.split.seed=0", *launcher]
    swept(*words)
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in swept.children("FINISHED"):
        runs[run.data.params["model.units"]].append(run)
    scores = {
        units: [run.data.metrics["objective"] for run in sorted(of_it, key=lambda run: run.data.metrics["objective"])]
        for units, of_it in runs.items()
    }
    best = sorted(scores, key=lambda units: statistics.fmean(scores[units]))[:5]
    expected = {(units, scores[units][0]) for units in best}
    with_model = [run for run in swept.children("FINISHED") if "export/difference" in run.data.metrics]
    assert {(run.data.params["model.units"], run.data.metrics["objective"]) for run in with_model} == expected
    for run in swept.children("FINISHED"):
        made = run.outputs.model_outputs if run.outputs else []
        assert len(made) == (1 if run.info.run_id in {one.info.run_id for one in with_model} else 0)
    again = swept(*words)
    skipped = r"\b\d+/12  model\.units=\[\d\] seed=\d  skipped: finished as run \w{32}$"
    assert len(re.findall(skipped, again, re.MULTILINE)) == 12


@pytest.mark.slow
def test_a_trial_whose_model_cannot_be_made_is_reported_and_the_others_have_theirs(
    swept: Swept, table: Callable[..., Path]
) -> None:
    one, other = (table(name, y=list(range(60)), a=list(range(60)), b=[number % 7 for number in range(60)])
                  for name in ("one.csv", "other.csv"))  # fmt: skip
    other.write_text(other.read_text(encoding="utf-8").replace("59,59,3", "59,58,3"), encoding="utf-8")
    command = ["data=plain_table", "data.target=y", f"data.path={one},{other}", "fit.epochs=1"]
    swept(*command, "sweep.keep=none")
    other.unlink()
    out = swept(*command, "sweep.keep=all", code=1)
    assert "other.csv does not exist" in out
    assert "trains it again and exports a model" in out
    assert len([run for run in swept.children("FINISHED") if "export/difference" in run.data.metrics]) == 1


@pytest.mark.slow
def test_several_objectives_have_a_front(swept: Swept) -> None:
    out = swept(
        "hydra/sweeper=search", "search.sampler=grid", "search.objectives=[val_accuracy,n_parameters]",
        "fit.epochs=1", "model.units=[],[8],[8,8]",
    )  # fmt: skip
    assert re.search(r"\* \d .* \[\] ", out)  # the smallest there is: nothing beats it
    assert "val_accuracy" in out
    assert "n_parameters" in out
    report = Path(out.partition("\nreport ")[2].split("\n")[0].strip()).read_text(encoding="utf-8")
    assert "<h2>Pareto front</h2>" in report
    on_front = {line.split("│")[-2].strip() for line in out.splitlines() if line.startswith("│ *")}
    with_model = {run.info.run_id for run in swept.children("FINISHED") if "export/difference" in run.data.metrics}
    assert with_model == on_front


@pytest.mark.slow
def test_a_trial_that_another_process_works_on_is_left_to_it(swept: Swept) -> None:
    swept("fit.epochs=1", "seed=3,4")
    done = swept.children("FINISHED")
    key, parent = done[0].data.tags["trial_key"], swept.parent().info.run_id
    for run in done:
        swept.client.delete_run(run.info.run_id)
    with claimed(f"{parent}-{key}", wait=False) as free:
        assert free
        out = swept("fit.epochs=1", "seed=3,4")
    assert "another process runs it" in out
    assert len(swept.children("FINISHED")) == 1


@pytest.mark.slow
def test_an_interrupt_ends_tidily(swept: Swept) -> None:
    out = swept(*SEARCH, "search.sampler=qmc", "search.n_trials=4", code=130, interrupt_at=3)
    assert swept.parent().info.status == "KILLED"
    assert len(swept.children("KILLED")) == 1
    assert "2 finished, 1 killed" in out
    assert "resume with" in out
    swept(*SEARCH, "search.sampler=qmc", "search.n_trials=4")
    assert len(swept.children("FINISHED")) == 4
    assert swept.parent().info.status == "FINISHED"


@pytest.mark.slow
def test_a_storage_out_of_reach_is_reported(swept: Swept) -> None:
    out = swept(*SEARCH, "search.study_name=s", journal="sqlite:////nowhere/at/all.db", code=1)
    assert "search.storage: sqlite:////nowhere/at/all.db cannot be used" in out
    assert swept.runs() == []
