"""Keys with a value for all columns, or others for some: every form of them, and what is said of mistakes."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from pipeline import ConfigError, load
from pipeline.config import CONF, from_hydra, from_yaml, parse, to_yaml
from pipeline.config.per_column import PerColumn
from pipeline.config.rules import PER_COLUMN, Data

FIXED = {"shift": 1.0, "scale": 2.0}


def scaling_of(*words: str) -> Any:
    """As it stands in a logged config."""
    return load("data=diabetes", *words).data.model_dump()["input_scaling"]


def test_they_are_these() -> None:
    found = [name for name, field in Data.model_fields.items() if issubclass_of_per_column(field.annotation)]
    assert [f"data.{name}" for name in found] == list(PER_COLUMN)


def issubclass_of_per_column(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, PerColumn)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "standard"),
        (["=minmax"], "minmax"),
        (["={shift: 1, scale: 2}"], FIXED),
        (["={default: minmax, by_column: {}}"], "minmax"),
        (["={default: minmax}"], "minmax"),
        ([".default=minmax"], "minmax"),
        (["={default: minmax, by_column: {age: none}}"], {"default": "minmax", "by_column": {"age": "none"}}),
        (["={by_column: {age: none}}"], {"default": "standard", "by_column": {"age": "none"}}),
        ([".by_column={age: none}"], {"default": "standard", "by_column": {"age": "none"}}),
        ([".by_column.age=none"], {"default": "standard", "by_column": {"age": "none"}}),
        (["+.by_column.age=none"], {"default": "standard", "by_column": {"age": "none"}}),
        ([".by_column.default=none"], {"default": "standard", "by_column": {"default": "none"}}),
        (["=minmax", ".by_column.age=none"], {"default": "minmax", "by_column": {"age": "none"}}),
        ([".by_column.age=none", ".default=minmax"], {"default": "minmax", "by_column": {"age": "none"}}),
        ([".by_column.age=none", ".by_column.bmi=robust"],
         {"default": "standard", "by_column": {"age": "none", "bmi": "robust"}}),
        (["={shift: 1, scale: 2}", ".by_column.age=none"], {"default": FIXED, "by_column": {"age": "none"}}),
        (["={default: {shift: 1, scale: 2}, by_column: {age: none}}"],
         {"default": FIXED, "by_column": {"age": "none"}}),
        ([".by_column.age={shift: 1, scale: 2}"], {"default": "standard", "by_column": {"age": FIXED}}),
        ([".by_column.age=none", "=minmax", "~.by_column"], None),
        (["={default: minmax, by_column: {age: none}}", "=robust"], "robust"),
        (["=${data.output_scaling}", ".by_column.age=none"], {"default": "standard", "by_column": {"age": "none"}}),
    ],
)  # fmt: skip
def test_every_form(words: list[str], expected: Any) -> None:
    given = [word[: len(word) - len(word.lstrip("+~"))] + f"data.input_scaling{word.lstrip('+~')}" for word in words]
    if expected is None:
        with pytest.raises(ConfigError):
            scaling_of(*given)
        return
    assert scaling_of(*given) == expected


@pytest.mark.parametrize(
    ("word", "reported"),
    [
        (
            "={age: none}",
            "data.input_scaling.age: values of single columns go below by_column, as in by_column: {age: none}",
        ),
        (".by_column.age=nne", "data.input_scaling.by_column.age: should be 'none', 'standard', "),
        (".by_colum.age=none", "data.input_scaling.by_colum: unknown key, did you mean 'by_column'?"),
        (
            "={default: none, shift: 1}",
            "data.input_scaling.shift: conflicts with default; omit one of them, or move",
        ),
        (".by_column=none", "data.input_scaling.by_column: should be a valid dictionary, got 'none'"),
        ("={shift: 1}", "data.input_scaling.scale: missing"),
        ("=standrd", "data.input_scaling: should be 'none', 'standard', "),
    ],
)
def test_messages_of_mistakes(word: str, reported: str) -> None:
    with pytest.raises(ConfigError) as raised:
        scaling_of(f"data.input_scaling{word}")
    assert str(raised.value).startswith(reported)


def test_hydra_gets_what_all_other_columns_have() -> None:
    words = ["data=diabetes", "data.impute.by_column.age=mean", "data.input_scaling={by_column: {bmi: none}}"]
    assert parse([*words, "data.input_scaling.by_column.age=none"]).as_hydra_gets(words) == [
        "data=diabetes", "++data.impute.default=median", "++data.impute.by_column.age=mean",
        "++data.input_scaling.default=standard", "++data.input_scaling={by_column: {bmi: none}}",
    ]  # fmt: skip


def test_hydra_composes_the_same() -> None:
    words = [
        "data=diabetes", "data.impute.by_column.age=mean", "data.input_scaling={by_column: {bmi: none}}",
        "data.input_scaling.by_column.age={shift: 1, scale: 2}", "data.category_encoding.default=ordinal",
        "data.column_kinds.sex=category",
    ]  # fmt: skip
    command = parse(words)
    with initialize_config_dir(str(CONF), version_base="1.3", job_name="train"):
        assert from_hydra(compose("config", command.as_hydra_gets(words))) == command.config


def test_what_would_be_undone_is_reported() -> None:
    with pytest.raises(ConfigError) as raised:
        scaling_of("data.input_scaling.by_column.age=none", "data.input_scaling=minmax")
    reported, _, pasted = str(raised.value).rpartition(" or write ")
    assert reported.startswith(
        "data.input_scaling.by_column.age=none: is cancelled by the later data.input_scaling=minmax;"
    )
    assert scaling_of("data.input_scaling.by_column.age=none", pasted)["default"] == "minmax"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["data.input_scaling=minmax,none"], "write data.input_scaling.default=minmax,none instead of "),
        (["data=table,plain_table", "data.path=a", "data.target=y"], "as in data.input_scaling.default=noisy_quantile"),
    ],
)
def test_a_sweep_whose_jobs_differ_for_the_other_columns_gets_a_remedy(words: list[str], remedy: str) -> None:
    exception = "data.input_scaling.by_column.age=robust"
    with pytest.raises(ConfigError) as raised:
        parse(["-m", *words, exception])
    assert str(raised.value).startswith(f"{exception}: the other columns differ from job to job; ")
    assert remedy in str(raised.value)
    (pasted,) = (word for word in shlex.split(str(raised.value)) if word.startswith("data.input_scaling.default="))
    others = [word for word in words if not word.startswith("data.input_scaling")]
    assert parse(["-m", *others, pasted, exception]).is_sweep


def test_it_can_be_swept_and_searched() -> None:
    words = ["-m", "data=diabetes", "data.input_scaling.by_column.age=none,robust", "data.impute.default=mean,median"]
    for more in ([], ["hydra/sweeper=search"]):
        command = parse([*words, *more])
        assert list(command.space) == ["data.input_scaling.by_column.age", "data.impute.default"]
        assert command.as_hydra_gets(words[2:3]) == [
            "++data.input_scaling.default=standard",
            "++data.input_scaling.by_column.age=none,robust",
        ]


def test_what_a_run_logs_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for words in (
        ["data.input_scaling.by_column.age=none", "data.impute={default: mean, by_column: {default: median}}"],
        ["data.input_scaling={default: {shift: 1, scale: 2}, by_column: {bmi: {shift: 0, scale: 3}}}"],
        [],
    ):
        config = load("data=diabetes", *words)
        path.write_text(to_yaml(config))
        assert from_yaml(path) == config
    assert from_yaml(path, ["data.impute.by_column.age=mean"]).data.impute.default == "median"


def test_a_file_says_what_holds_for_all_columns_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "experiment" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("# @package _global_\ndata: {impute: {by_column: {age: mean}}}\n")
    with pytest.raises(ConfigError, match=r"^data.impute.default: missing; give the value of the other columns"):
        load("experiment=mine", config_dir=tmp_path)
    path.write_text("# @package _global_\ndata: {impute: {default: median, by_column: {age: mean}}}\n")
    assert load("experiment=mine", config_dir=tmp_path).data.impute.of("age") == "mean"
    assert caplog.messages == []
    assert load("experiment=mine", "data.impute=mean", config_dir=tmp_path).data.impute.by_column == {}
    (note,) = caplog.messages
    assert note.startswith("data.impute=mean holds for all columns, also for age; data.impute.default=mean keeps ")
    found = load("experiment=mine", "data.impute.by_column.bmi=constant", config_dir=tmp_path).data.impute
    assert (found.default, found.by_column) == ("median", {"age": "mean", "bmi": "constant"})
