"""Studies: every file is right, figures are put in their places, and nothing is claimed that they do not bear out."""

import dataclasses
import functools
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import ConfigError, TrainingError
from pipeline.compare.study import conclusions, figures, figures_table, pictures, questions
from pipeline.compare.study.figures import Line, Point
from pipeline.config.studies import Study
from pipeline.track.study_results import StudiedSweep, StudyTrial
from support.places import ROOT
from support.typed import Typed

QUICK = ("width", "optimizer")  # the others' sweeps are checked in the slow tests: a second each


@functools.cache
def read(name: str) -> Study:
    return questions.read(name)[1]


def a_study(name: str = "width", **changes: object) -> Study:
    return Study.model_validate(read(name).model_dump() | changes)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in questions.names()]
)
def test_every_value_of_every_study_is_valid(name: str) -> None:
    config, study = questions.read(name)
    assert config.tracking.tags == {"study": name}
    assert config.tracking.experiment == f"study_{name}"
    assert config.data.path is None  # it runs where nothing can be downloaded
    assert f"study={name}" in questions.command(name, study, [])


@pytest.mark.parametrize("name", questions.names())
def test_every_study_says_its_command_its_cost_and_what_was_found(name: str) -> None:
    text = (ROOT / "conf" / "study" / f"{name}.yaml").read_text(encoding="utf-8")
    head = text.partition("defaults:")[0]
    assert f"make study NAME={name}\n" in head
    assert re.search(r"Costs about \d+ (s|minutes?)", head)
    assert re.search(r"Found: .*\d", head, re.DOTALL)


def test_the_guide_tells_what_every_study_found() -> None:
    text = (ROOT / "docs" / "guides" / "studies.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| .* \| `make study NAME=(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert sorted(rows) == questions.names()
    assert [name for name, found in rows.items() if not re.search(r"\d", found)] == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.axis.kye=x", "study.axis.kye: unknown key, did you mean 'study.axis.key'?"),
        ("study.axis.key=model.unit", "is swept but not shown"),
        (
            "study.lines=[model.activatoin]",
            "study.lines: unknown key model.activatoin, did you mean 'model.activation'?",
        ),
        ("study.tells=[val_rsme]", "unknown quantity 'val_rsme'; the quantities are n_parameters"),
        ("study.tells=[seconds_to_loss]", "target_loss: missing; seconds_to_loss and epochs_to_loss need a loss"),
        ("study.best_by=val_rsme", "unknown quantity 'val_rsme'"),
        ("study.sweep={fit.batch_size:[1,2]}", "fit.batch_size is swept but not shown; name it in axis, lines"),
        ("study.pictures=[dots]", "pictures: use curves for an axis of numbers, dots for an axis of words"),
        ("fit.pateince=3", "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?"),
        ("tracking.tags.study=mine", "tracking.tags: study is set by the pipeline itself; choose another name"),
        ("tracking.tags={study: mine}", "tracking.tags: study is set by the pipeline itself; choose another name"),
        ("~tracking.tags.study", "tracking.tags: study is set by the pipeline itself; choose another name"),
        ("study=depth", "study=depth: the study is width; leave this out, or name another study in its place"),
    ],
)
def test_mistake_in_a_study_is_named_before_the_sweep(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        questions.read("width", [override])
    assert message in str(raised.value)


def test_a_swept_key_that_is_misspelt_or_has_a_wrong_value() -> None:
    study = a_study(sweep={"model.units": [[1], [-1]], "seed": [0, 1]})
    with pytest.raises(ConfigError, match=r"model.units\[0\]: should be greater than 0, got -1"):
        questions.command("width", study, [])
    with pytest.raises(ConfigError, match=r"seed: should be a valid integer, got 'one'"):
        questions.command("width", study, ["model.units=[1],[2]", "seed=one,2"])


def test_unknown_name_lists_the_studies() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown study 'widht', did you mean 'width'\? the studies are activation, "
    ):
        questions.read("widht")


def test_overrides_take_the_place_of_swept_values() -> None:
    study = a_study()
    arguments = questions.command("width", study, ["seed=7", "fit.epochs=2"])
    assert arguments[:3] == ["--multirun", "study=width", "++tracking.tags.study=width"]
    assert arguments[3].startswith("model.units=[1],[2],[4]")
    assert arguments[4:] == ["seed=7", "fit.epochs=2"]


def test_a_key_that_is_swept_besides_has_no_place() -> None:
    with pytest.raises(ConfigError, match=r"study.sweep: fit.learning_rate is swept but not shown; name it in axis"):
        questions.command("width", a_study(), ["fit.learning_rate=0.1,0.2"])


def test_a_study_of_ones_own_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    text = (ROOT / "conf" / "study" / "width.yaml").read_text()
    (tmp_path / "study" / "mine.yaml").write_text(text.replace("study_width", "study_mine"))
    config, study = questions.read("mine", config_dir=str(tmp_path))
    assert config.tracking.tags == {"study": "mine"}
    assert questions.command("mine", study, ["seed=1"], str(tmp_path))[:2] == ["--config-dir", str(tmp_path)]
    with pytest.raises(ConfigError, match="unknown study 'mine'"):
        questions.read("mine")


def test_a_file_without_a_question_is_reported(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine.yaml").write_text("# @package _global_\nseed: 1\n")
    with pytest.raises(ConfigError, match=r"^study: missing in mine.yaml; it needs a section study, as in "):
        questions.read("mine", config_dir=str(tmp_path))


def test_a_study_where_earlier_versions_had_it_is_reported_with_the_command_that_moves_it(tmp_path: Path) -> None:
    (tmp_path / "my conf" / "experiment").mkdir(parents=True)
    text = (ROOT / "conf" / "study" / "width.yaml").read_text().replace("study_width", "study_mine")
    (tmp_path / "my conf" / "experiment" / "study_mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"study_mine.yaml is now .*study/mine.yaml: mkdir -p ") as raised:
        questions.read("mine", config_dir=str(tmp_path / "my conf"))
    subprocess.run(str(raised.value).partition(": ")[2], shell=True, check=True)
    assert questions.read("mine", config_dir=str(tmp_path / "my conf"))[0].tracking.experiment == "study_mine"


def trial(
    number: int = 0, *, failed: bool = False, metrics: dict[str, float] | None = None, **params: str
) -> StudyTrial:
    given = {key.replace("__", "."): value for key, value in params.items()}
    every = {"seed": "0", "data.split.seed": "0", "data.split.fold": "0", "objective": "auto"}
    return StudyTrial(f"run{number}", not failed, every | given, metrics or {}, n_rows_train=309)


def scores(objective: float) -> dict[str, float]:
    return {"objective": objective, "train_rmse": 1.0, "val_rmse": objective, "test_rmse": 3.0, "gap_rmse": 1.0}


def test_runs_find_their_places_and_a_failed_one_leaves_a_gap() -> None:
    sweep = StudiedSweep("parent", [
        trial(model__units="[16]", seed="0", metrics=scores(5)),
        trial(model__units="[16]", seed="0", failed=True),  # of the same job, before the sweep was taken up again
        trial(model__units="[4]", seed="0", metrics=scores(7)),
        trial(model__units="[4]", seed="1", failed=True),
        trial(model__units="[16]", seed="1", metrics=scores(6)),
    ], "folder")  # fmt: skip
    (line,) = figures.gather(a_study(), sweep)
    narrow, wide = line.points
    assert (narrow.position, wide.position) == (4, 16)
    assert narrow.values["val_rmse"].tolist()[0] == 7
    assert math.isnan(narrow.values["val_rmse"][1])
    assert wide.values["val_rmse"].tolist() == [5, 6]
    assert (wide.mean("val_rmse"), narrow.n_failed, wide.n_failed) == (5.5, 1, 0)
    assert conclusions.sentences(a_study(), [line])[-1] == "1 of these 4 runs have no result."


def test_a_run_that_ended_before_its_rows_were_divided_says_nothing_of_them() -> None:
    early = dataclasses.replace(trial(fit__batch_size="full", failed=True), n_rows_train=None)
    sweep = StudiedSweep("parent", [early, trial(fit__batch_size="4", metrics=scores(7))], "folder")
    axis = {"key": "fit.batch_size", "reads": "value", "scale": "log", "label": "rows"}
    (line,) = figures.gather(a_study(axis=axis, sweep={"fit.batch_size": [4, "full"]}), sweep)
    assert [point.position for point in line.points] == [4, 309]


def test_no_run_at_all_is_an_error() -> None:
    sweep = StudiedSweep("parent", [trial(model__units="[4]", failed=True)], "folder")
    with pytest.raises(TrainingError, match="no run of this study finished"):
        figures.gather(a_study(), sweep)


def test_each_point_is_taken_at_its_best_tuned_value() -> None:
    sweep = StudiedSweep("parent", [
        trial(data__output_scaling=scaling, fit__learning_rate=rate, seed=seed, metrics=scores(value))
        for scaling, rate, seed, value in (  # the rate that is best at one seed has no run at the other
            ("none", "0.1", "0", 5), ("none", "0.1", "1", 9), ("none", "0.01", "0", 6), ("none", "0.01", "1", 6),
            ("none", "1.0", "0", 1), ("log1p", "0.1", "0", 4), ("log1p", "0.1", "1", 4), ("log1p", "0.01", "0", 8),
            ("log1p", "0.01", "1", 9),
        )
    ], "folder")  # fmt: skip
    study = a_study("output_scaling")
    (line,) = figures.gather(study, sweep)
    assert [(point.position, point.tuned, point.mean("val_rmse")) for point in line.points] == [
        ("none", ("0.01",), 6),
        ("log1p", ("0.1",), 4),
    ]
    assert "none,0.01,val_rmse,6.0" in figures_table.as_csv(study, [line])


@pytest.mark.parametrize(
    ("name", "key", "value", "position"),
    [
        ("depth", "model.units", "[]", 0),
        ("depth", "model.units", "[32, 32]", 2),
        ("batch_size", "fit.batch_size", "full", 309),
        ("early_stopping", "fit.early_stopping.patience", "null", "off"),
    ],
)
def test_positions(name: str, key: str, value: str, position: float | str) -> None:
    panels = [{"quantities": ["val_rmse"], "scale": "linear"}]
    study = a_study(name, best_by="objective", target_loss=None, tells=["val_rmse"], panels=panels)
    one = trial(metrics=scores(1), fit__learning_rate="0.1")
    one.params[key] = value
    (line,) = figures.gather(study, StudiedSweep("parent", [one], "folder"))
    assert line.points[0].position == position


def test_an_axis_of_numbers_with_a_word_on_it() -> None:
    sweep = StudiedSweep("parent", [trial(model__dropout="[0.1, 0.2]", metrics=scores(1))], "folder")
    with pytest.raises(
        ConfigError, match=r"study.axis.reads: model.dropout=\[0.1, 0.2\] has no value; use reads: word"
    ):
        figures.gather(a_study("dropout"), sweep)


def test_names_of_lines() -> None:
    study = a_study("optimizer", tells=["val_rmse"], panels=[{"quantities": ["val_rmse"], "scale": "log"}])
    trials = [
        trial(fit__optimizer=name, fit__momentum=momentum, fit__learning_rate="0.1", metrics=scores(1))
        for name, momentum in (("sgd", "null"), ("sgd", "0.9"), ("adam", "null"))
    ]
    lines = figures.gather(study, StudiedSweep("parent", trials, "folder"))
    assert [line.name for line in lines] == ["sgd", "sgd, momentum 0.9", "adam"]


@pytest.mark.parametrize("name", ["width", "activation", "early_stopping"])
def test_pictures_are_drawn_also_with_points_that_are_missing(name: str, tmp_path: Path) -> None:
    study = a_study(name)
    rng = np.random.default_rng(0)
    positions: list[float | str] = ["off", "3"] if study.axis.reads == "word" else [1.0, 4.0, 16.0]
    every = {x: {quantity: rng.uniform(1, 2, 3) for quantity in study.quantities} for x in positions}
    every[positions[-1]] = {quantity: np.full(3, np.nan) for quantity in study.quantities}
    points = tuple(Point(x, values, (), (None, None, None)) for x, values in every.items())
    lines = [Line("", points)] if not study.lines else [Line(name, points) for name in ("a", "b", "c")]
    for picture, figure in pictures.draw(study, lines, StudiedSweep("parent", [], "folder")).items():
        figure.savefig(tmp_path / f"{picture}.png")
        assert len(figure.axes) == len(study.panels)
        assert figure.axes[0].get_ylabel() or figure.axes[0].get_xlabel()
        written = {text.get_text() for axes in figure.axes for text in axes.texts}
        if picture == "curves":
            assert written >= ({"training RMSE", "test RMSE"} if not study.lines else {"a", "b", "c"})


@pytest.mark.parametrize(("positions", "scale"), [([0.0], "linear"), ([0.1], "log"), ([0.0, 0.1], "symlog")])
def test_a_logarithmic_axis_is_linear_where_there_is_no_logarithm(
    positions: list[float], scale: str, tmp_path: Path
) -> None:
    study = a_study("l2")
    points = tuple(Point(x, {name: np.ones(2) for name in study.quantities}, (), (None, None)) for x in positions)
    (figure,) = pictures.draw(study, [Line("", points)], StudiedSweep("parent", [], "folder")).values()
    assert figure.axes[0].get_xscale() == scale
    figure.savefig(tmp_path / "curves.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["widht"], "unknown study 'widht', did you mean 'width'?"),
        (["width", "seed=-1,1"], "seed: should be greater than or equal to 0, got -1"),
    ],
)
def test_a_mistake_is_a_message_and_exit_code_1(arguments: list[str], message: str) -> None:
    from pipeline.commands import study as command

    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert message in str(ended.value.code)


@pytest.mark.slow
def test_without_a_name_the_questions_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.commands import study as command

    monkeypatch.setenv("COLUMNS", "200")
    command.main([])
    printed = capsys.readouterr().out
    assert [name for name in questions.names() if name not in printed] == []
    assert "Does the test error turn while the training error falls" in printed


@pytest.mark.parametrize(("code", "is_told"), [(129, True), (130, True), (143, True), (2, False), ("no store", False)])
def test_only_an_interrupted_study_says_how_to_go_on(
    code: int | str, is_told: bool, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    def end(words: list[str]) -> None:
        sys.exit(code)

    monkeypatch.setattr("pipeline.commands.train.main", end)
    _, out, _ = typed("study", "width", "seed=0")
    assert bool(re.search(r"^or, with picture +\S.* study width seed=0$", out, re.MULTILINE)) == is_told
    assert is_told or out == ""
