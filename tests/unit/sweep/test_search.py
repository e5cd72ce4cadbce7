"""The search without its trials: ranges, the order of draws, and the ledger that processes share."""

import math
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from mlflow import MlflowClient

from pipeline import ConfigError, model
from pipeline.config import load, parse
from pipeline.config.ranges import Choice, Interval
from pipeline.config.search_rules import Search
from pipeline.errors import SweepError
from pipeline.runtime import process
from pipeline.sweep.search.optuna_study import Asked, OptunaStudy
from pipeline.sweep.search.proposals import Space, in_order
from pipeline.sweep.search.storage import opened, storage_of, without_password

SPACE = Space(
    {
        "fit.learning_rate": Interval(1e-4, 1e-1, log=True),
        "fit.batch_size": Interval(8, 64, log=True),
        "model.dropout": Interval(0.0, 0.5, step=0.1),
        "model.activation": Choice(("relu", "tanh")),
    }
)
LAYERS = {"search.depth": Choice(("0", "1", "2")), "search.width": Choice(("8", "16", "32"))}
SEARCH = load().search

MISTAKES = [
    ("fit.learning_rate=interval(1,0.1)", "an interval must begin below its end; 1.0 is not below 0.1"),
    ("fit.learning_rate=tag(log,interval(0,1))", "a logarithmic interval must begin above 0, not at 0.0"),
    ("fit.learning_rate=tag(lgo,interval(1,2))", "unknown tag lgo; the only tag is log"),
    ("fit.learning_rate=interval(-1,1)", "fit.learning_rate: should be greater than 0, got -1.0"),
    ("fit.epochs=interval(1,5)", "fit.epochs: should be a valid integer, got 1.0"),
    ("fit.epochs=range(5,1)", "the range is empty: it begins at 5 and ends before 1"),
    ("fit.epochs=intervall(1,5)", "Unknown function 'intervall'"),
    ("fit.pateince=interval(1,5)", "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?"),
    ("model.units=[64],[64,sixty]", "model.units[1]: should be a valid integer"),
    ("search.depth=1,2", "search.width: missing; search.depth and search.width together set model.units"),
    ("search.n_trails=3", "search.n_trails: unknown key, did you mean 'search.n_trials'?"),
    ("search.n_trials=3,4", "search.n_trials: applies to the whole sweep; give one value"),
    ("search.sampler=tpee", "search.sampler: should be 'random', 'tpe', 'cmaes', 'grid' or 'qmc', got 'tpee', did you mean 'tpe'?"),
    ("search.study_name=s sweep.resume=off", "search.study_name: a named study always resumes; give another name"),
    ("sweep.keep=all,best", "sweep.keep: applies to the whole sweep; give one value"),
    ("search.objectives=[val_rmse,test_mae]", "test_mae would select by the test rows"),
    ("search.objectives=[val_rmse]", "search.objectives: needs at least two, got ['val_rmse']; for a single one set objective"),
    ("objective=val_rmse,val_r2", "objective: a search ranks its trials by one score; give one, or several in search.objectives"),
    ("seed=0", "hydra/sweeper=search: needs ranges to search"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "message"), MISTAKES, ids=[override for override, _ in MISTAKES])
def test_a_range_that_is_none_is_an_error_before_the_first_trial(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(["-m", "hydra/sweeper=search", *override.split(" ")])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["search.study_name=mine", "seed=0,1"],
            "search.study_name: applies to searches only; a grid resumes when its command is repeated",
        ),
        (["fit.learning_rate=interval(0.1,1)"], "an interval is for hydra/sweeper=search"),
        (["search.depth=1,2", "search.width=8,16"], "search.depth: applies to searches; add hydra/sweeper=search"),
        (["hydra/sweeper=search", "search.sampler=grid", "model.l2=interval(0,1)"], "model.l2: a grid needs values"),
        (["hydra/sweeper=search", "search.sampler=cmaes", "model=dense,linear"], "cmaes searches numbers"),
        (
            ["hydra/sweeper=search", "search.depth=1,2", "search.width=8", "model.units=[1],[2]"],
            "model.units: is set by search.depth and search.width",
        ),
        (
            ["hydra/sweeper=search", "search.objectives=[val_rmse,n_parameters]", "search.pruner=median", "seed=1,2"],
            "search.pruner: needs a single objective",
        ),
    ],
)
def test_what_does_not_go_together_in_a_sweep(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(["-m", *overrides])
    assert message in str(raised.value)


BLOCKS = """
from typing import Literal

from pipeline.model import HiddenLayers, Searchable
from pipeline.schema import PositiveInt, Section

SEARCHABLE = Searchable(
    HiddenLayers(
        ("blocks", "block_width"),
        lambda widths: {"blocks": str(len(widths)), "block_width": widths[0]},
        own_widths=False,
        fewest=1,
    )
)


class Spec(Section):
    name: Literal["blocks"]
    blocks: PositiveInt
    block_width: PositiveInt
    output_activation: Literal["auto", "linear"]
"""
PLAIN = BLOCKS[: BLOCKS.index("SEARCHABLE")] + BLOCKS[BLOCKS.index("class Spec") :].replace('blocks"]', 'plain"]')


@pytest.fixture
def architectures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two more, found as any other is, of which one declares its hidden layers; gives the folder of their YAML."""
    (tmp_path / "model").mkdir()
    for name, text in (("blocks", BLOCKS), ("plain", PLAIN)):
        (tmp_path / f"{name}.py").write_text(text)
        values = f"name: {name}\nblocks: 2\nblock_width: 16\noutput_activation: auto\n"
        (tmp_path / "model" / f"{name}.yaml").write_text(values)
        monkeypatch.delitem(sys.modules, f"pipeline.model.{name}", raising=False)
    monkeypatch.setattr(model, "__path__", [*model.__path__, str(tmp_path)])
    return tmp_path


DEEP = ["hydra/sweeper=search", "search.depth=range(1,4)", "search.width=8,16"]


def test_depth_and_width_are_what_the_architecture_says(architectures: Path) -> None:
    command = parse(["--config-dir", str(architectures), "-m", *DEEP, "model=blocks"])
    assert command.config.model.name == "blocks"
    space = Space(command.space, model.searchable("blocks").hidden_layers)
    drawn = [space.overrides(params) for params in in_order(space, search(sampler="grid"))]
    assert drawn == [
        [f"model.blocks={depth}", f"model.block_width={width}"] for depth in (1, 2, 3) for width in (8, 16)
    ]
    assert load("model=blocks", *drawn[-1], config_dir=architectures).model.blocks == 3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model=plain"],
            "search.depth: the architecture plain has no hidden layers to search; omit the key, or use model=blocks or model=dense",
        ),
        (["model=dense,plain"], "search.width: the architecture plain has no hidden layers to search"),
        (
            ["model=dense,blocks"],
            "search.depth: sets different keys in the architectures dense and blocks; use one",
        ),
        (
            ["model=blocks", "model.block_width=4,8"],
            "model.block_width: is set by search.depth and search.width; omit it",
        ),
        (["model=blocks", "search.width_of=layer"], "search.width_of: hidden layers of blocks have the same width"),
        (["model=blocks", "search.depth=range(0,4)"], "search.depth: blocks has at least 1 hidden layers, got 0"),
        (["search.depth=range(-1,4)"], "search.depth: should be greater than or equal to 0, got -1"),
        (["model.dropout=[0.1,0.2]"], "model.dropout: 2 values for the 1 layers of model.units"),
    ],
)
def test_depth_and_width_that_an_architecture_does_not_take(
    architectures: Path, overrides: list[str], message: str
) -> None:
    given = {word.partition("=")[0]: word for word in [*DEEP, *overrides]}
    with pytest.raises(ConfigError) as raised:
        parse(["--config-dir", str(architectures), "-m", *given.values()])
    assert message in str(raised.value)


def test_ranges_of_every_kind_become_a_space() -> None:
    ranges = ["fit.epochs=range(10,31,10)", "data=glob(d*)", "fit.batch_size=tag(log,int(interval(8,64)))"]
    found = parse(["-m", "hydra/sweeper=search", *ranges]).space
    assert found == {
        "fit.epochs": Interval(10, 30, step=10),
        "data": Choice(("diabetes", "digits")),
        "fit.batch_size": Interval(8, 64, log=True),
    }


def search(**changes: Any) -> Search:
    return SEARCH.model_copy(update={"sampler": "random", **changes})


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_a_number_has_the_same_trial_whenever_it_is_drawn(sampler: str) -> None:
    first, again = (list(islice(in_order(SPACE, search(sampler=sampler)), 40)) for _ in range(2))
    assert first == again
    other = list(islice(in_order(SPACE, search(sampler=sampler, seed=1)), 40))
    assert first[0] != other[0]
    rates = [math.log10(float(params["fit.learning_rate"])) for params in first]
    assert min(rates) >= -4
    assert max(rates) <= -1
    assert sum(rate < -2.5 for rate in rates) in range(12, 29)  # even in the logarithm
    assert {params["model.activation"] for params in first} == {"relu", "tanh"}
    assert {params["model.dropout"] for params in first} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
    for params in first:  # what a trial is given is valid as it stands
        load(*SPACE.overrides(params))
        break


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
@pytest.mark.parametrize(("width_of", "n_trials"), [("network", 1 + 3 + 3), ("layer", 1 + 3 + 9)])
def test_a_finite_space_is_drawn_whole_and_each_trial_once(sampler: str, width_of: str, n_trials: int) -> None:
    space = Space(LAYERS, model.searchable("dense").hidden_layers, width_of)
    lines = [tuple(space.overrides(params)) for params in in_order(space, search(sampler=sampler))]
    assert len(lines) == len(set(lines)) == n_trials == space.n_trials
    assert ("model.units=[]",) in lines
    assert ("model.units=[32,32]",) in lines
    assert (("model.units=[8,32]",) in lines) == (width_of == "layer")


def test_hydras_grid_and_ours_have_the_same_order() -> None:
    space = Space({"seed": Choice(("0", "1")), "fit.epochs": Interval(1, 2, step=1)})
    drawn = [space.overrides(params) for params in in_order(space, search(sampler="grid"))]
    assert drawn == [[f"seed={seed}", f"fit.epochs={epochs}"] for seed in (0, 1) for epochs in (1, 2)]


def value(asked: Asked) -> float:
    rate = float(asked.overrides[0].partition("=")[2])
    return (math.log10(rate) + 2) ** 2


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe", "cmaes"])
def test_an_interrupted_study_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    """Killed in the midst of its 14th trial, which is tried again."""
    space = Space({"fit.learning_rate": Interval(1e-4, 1e-1, log=True), "model.l2": Interval(0.0, 1.0)})
    settings = search(sampler=sampler, n_trials=20)

    def asked(study: OptunaStudy, n: int) -> list[list[str]]:
        lines = []
        for _ in range(n):
            trial = study.ask()
            assert trial is not None
            study.tell(trial.number, [value(trial)], pruned=False)
            lines.append(trial.overrides)
        return lines

    whole = asked(OptunaStudy("s", str(tmp_path / "whole"), space, settings, ["minimize"]), 20)
    with monkeypatch.context() as patched:
        patched.setattr(process, "name", lambda: f"{platform.node()}/{2**22 + 1}/1.0")
        killed = OptunaStudy("s", str(tmp_path / "killed"), space, settings, ["minimize"])
        before = asked(killed, 13)
        killed.ask()
    with (tmp_path / "killed").open("a") as journal:
        journal.write('{"op_code":5,"torn')  # as a process that is killed while it writes leaves it
    opened.__globals__["_opened"].cache_clear()
    study = OptunaStudy("s", str(tmp_path / "killed"), space, settings, ["minimize"])
    assert study.n_before == 13
    after = asked(study, 7)
    assert study.ask() is None
    assert study.n_finished() == 20
    if sampler == "cmaes":  # draws by the number of Optuna's trial, of which there is one more
        assert before == whole[:13]
    else:
        assert before + after == whole


def test_two_processes_have_no_trial_in_common(tmp_path: Path) -> None:
    settings = search(n_trials=10)
    studies = [OptunaStudy("s", str(tmp_path / "j"), SPACE, settings, ["minimize"]) for _ in range(2)]
    trials = []
    while asked := [trial for study in studies if (trial := study.ask()) is not None]:
        trials += asked
    assert len(trials) == 10
    assert len({tuple(trial.overrides) for trial in trials}) == 10


@pytest.mark.slow
def test_processes_that_ask_at_once_have_no_trial_in_common(tmp_path: Path) -> None:
    """On SQLite, where Optuna's queue gave one trial to two processes: six times of sixty."""
    address = f"sqlite:///{tmp_path / 'study.db'}"
    opened(address)
    start = get_context("spawn")
    barrier = start.Barrier(2)
    with ProcessPoolExecutor(2, start, _meet, (barrier,)) as pool:
        numbers = [one for found in pool.map(_ask_for_all, [address] * 2) for one in found]
    assert len(numbers) >= 60  # the one who was late for a place failed at it, and took another
    assert len(set(numbers)) == len(numbers)
    study = OptunaStudy("s", address, SPACE, search(n_trials=60), ["minimize"])
    assert study.n_finished() == 60
    assert study.ask() is None


def _meet(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _ask_for_all(address: str) -> list[int]:
    study = OptunaStudy("s", address, SPACE, search(n_trials=60), ["minimize"])
    numbers = []
    _barrier.wait(60)
    while (trial := study.ask()) is not None:
        study.tell(trial.number, [1.0], pruned=False)
        numbers.append(trial.number)
    return numbers


def test_what_failed_is_tried_again_by_the_next_command_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = search(n_trials=3)
    with monkeypatch.context() as patched:
        patched.setattr(process, "name", lambda: f"{platform.node()}/{2**22 + 1}/1.0")
        first = OptunaStudy("s", str(tmp_path / "j"), SPACE, settings, ["minimize"])
        tried = []
        while (trial := first.ask()) is not None:
            first.tell(trial.number, None if len(tried) == 1 else [1.0], pruned=False)
            tried.append(trial)
    assert len(tried) == 3
    again = OptunaStudy("s", str(tmp_path / "j"), SPACE, settings, ["minimize"])
    trial = again.ask()
    assert trial is not None
    assert trial.overrides == tried[1].overrides
    again.tell(trial.number, None, pruned=False)
    assert again.ask() is None


def test_more_trials_go_on_with_the_study(tmp_path: Path) -> None:
    fewer = OptunaStudy("s", str(tmp_path / "j"), SPACE, search(n_trials=2), ["minimize"])
    first = [fewer.ask(), fewer.ask(), fewer.ask()]
    assert first[2] is None
    more = OptunaStudy("s", str(tmp_path / "j"), SPACE, search(n_trials=4), ["minimize"])
    expected = [SPACE.overrides(params) for params in islice(in_order(SPACE, search()), 4)]
    asked = [*first[:2], more.ask(), more.ask()]
    assert [trial.overrides for trial in asked if trial] == expected


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://me:secret@127.0.0.1:1/none", "search.storage: mysql://me:***@127.0.0.1:1/none cannot be used: No module"),
        ("postgres://x", "search.storage: postgres://x cannot be used: Can't load plugin"),
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("/proc/nowhere/s.journal", "No such file or directory"),
    ],
)  # fmt: skip
def test_a_storage_that_cannot_be_reached(address: str, message: str) -> None:
    with pytest.raises(SweepError) as raised:
        opened(storage_of(address, "s"))
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "Give the path of a journal, or an Optuna storage" in str(raised.value)


def test_a_study_has_no_place_in_the_database_of_a_store(store: str) -> None:
    MlflowClient(store).search_experiments()
    with pytest.raises(SweepError, match=r"search.storage: sqlite:.* has MLflow's tables, .* name another database"):
        opened(store)


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("redis://:secret@host/0") == "redis://:***@host/0"


def test_a_study_is_resumed_by_the_same_trials_only(tmp_path: Path) -> None:
    def begun(**other: str) -> None:
        origins = {"data": "a", "ranges": "b", "objective": "c", "configuration": "d", "code": "e"} | other
        OptunaStudy("one", str(tmp_path / "j"), SPACE, search(n_trials=2), ["minimize"]).begin(origins)

    begun()
    begun()
    with pytest.raises(
        SweepError, match=r"search.study_name: one was started with different data; give another name, or resume"
    ):
        begun(data="x", configuration="y")
    with pytest.raises(SweepError, match="started with different ranges and objective;"):
        begun(ranges="x", objective="y", configuration="z")
