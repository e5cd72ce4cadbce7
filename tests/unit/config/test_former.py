"""Keys of earlier versions: each is named with its new form where a user writes it, and translated where a run did."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pipeline import ConfigError, load
from pipeline.config import Config, check_shown, from_yaml, parse, to_yaml
from pipeline.config.former import RENAMED, completed, with_new_keys
from support.places import ROOT

TABLE = ["data=plain_table", "data.path=a.csv", "data.target=y"]
# Of each key of the table a value that is not its default.
GIVEN: dict[str, Any] = {
    "data.category_encodings": {"town": "embedding"},
    "data.columns_as": {"a b": "category"},
    "data.imputes": {"default": "mean", "a": "constant"},
    "data.input_scalings": {"a b": "quantile", "default": "none"},
    "sweep.depth": 3,
    "sweep.n_trials": 7,
    "sweep.objectives": ["val_rmse", "n_parameters"],
    "sweep.prune_from": 2,
    "sweep.pruner": "median",
    "sweep.sampler": "random",
    "sweep.seed": 5,
    "sweep.storage": "mine.journal",
    "sweep.timeout": 60,
    "sweep.width": 16,
    "sweep.width_of": "layer",
    "sweep.study": "mine",
}
TOGETHER = {old: value for old, value in GIVEN.items() if old != "sweep.objectives"}  # which go with no pruner
FORMER = pytest.mark.parametrize("old", RENAMED)


def value_of(config: Config, key: str) -> Any:
    return OmegaConf.select(OmegaConf.create(config.model_dump()), key)


def written(value: Any) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {one}" for name, one in value.items()) + "}"
    return json.dumps(value).replace('"', "") if isinstance(value, list) else str(value)


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Writes an experiment `mine` of one's own, of keys with dots; gives the file."""

    def write(values: dict[str, Any], *defaults: str) -> Path:
        config = OmegaConf.create()
        for key, value in values.items():
            OmegaConf.update(config, key, value, merge=True, force_add=True)
        path = tmp_path / "experiment" / "mine.yaml"
        path.parent.mkdir(exist_ok=True)
        chosen = "".join(f"  - override {word}\n" for word in ("/data: plain_table", *defaults))
        path.write_text(f"# @package _global_\ndefaults:\n{chosen}{OmegaConf.to_yaml(config)}")
        return path

    return write


def test_each_has_a_value_here_and_a_line_in_the_changelog() -> None:
    assert list(GIVEN) == list(RENAMED)
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("| `experiment=study_width`, ") for line in lines)
    assert [old for old, new in RENAMED.items() if f"| `{old}` | `{new}` |" not in lines] == []


@FORMER
def test_on_the_command_line_the_new_key_is_named_and_can_be_pasted(old: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(*TABLE, f"{old}={written(GIVEN[old])}")
    said, _, reported = str(raised.value).partition("; write ")
    assert said == f"{old} is now {RENAMED[old]}"
    (pasted,) = shlex.split(reported)
    assert value_of(load(*TABLE, pasted), RENAMED[old]) == GIVEN[old]


@pytest.mark.parametrize("sign", ["", "+", "++", "~"])
def test_in_front_may_stand_what_hydra_takes(sign: str) -> None:
    word = f"{sign}data.columns_as.a=date"
    reported = f'data.columns_as.a is now data.column_kinds.a; write "{sign.replace("+", "")}data.column_kinds.a=date"'
    with pytest.raises(ConfigError) as raised:
        load(*TABLE, word)
    assert str(raised.value).splitlines()[0] == reported
    with pytest.raises(ConfigError) as raised:
        check_shown(["--cfg", "job", *TABLE, word])
    assert str(raised.value) == reported


def test_a_section_as_a_whole_is_looked_into() -> None:
    with pytest.raises(ConfigError) as raised:
        load("data=iris", "sweep={keep: all, seed: 3, study: mine}")
    assert str(raised.value).splitlines() == [
        "sweep.seed is now search.seed",
        "sweep.study is now search.study_name",
    ]


IN_ONE_FILE = pytest.mark.parametrize("given", [TOGETHER, {"sweep.objectives": GIVEN["sweep.objectives"]}], ids=len)


@IN_ONE_FILE
def test_in_a_users_file_it_is_named_with_the_file(own: Callable[..., Path], given: dict[str, Any]) -> None:
    """First every key that can be in one file, then the lines that the message says to write."""
    path = own({"data.path": "a.csv", "data.target": "y"} | given)
    words = ["--config-dir", str(path.parents[1]), "experiment=mine"]
    named = {f"{path}: {old} is now {RENAMED[old]}": RENAMED[old] for old in given}
    for asked in (parse, check_shown):
        with pytest.raises(ConfigError) as raised:
            asked(words)
        reported = dict(line.partition("; write ")[::2] for line in str(raised.value).splitlines())
        assert reported.keys() == named.keys()
    now = {named[said]: given[old] for said, old in zip(named, given, strict=True) if not reported[said]}
    for line in filter(None, reported.values()):
        now |= {f"data.{key}": value for key, value in OmegaConf.create(line).items()}
    own({"data.path": "a.csv", "data.target": "y"} | now)
    config = parse(words).config
    assert {old: value_of(config, RENAMED[old]) for old in given} == given


@FORMER
def test_a_value_that_refers_to_it_is_reported(old: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("data=iris", f"tracking.run_name=${{{old}}}")
    assert str(raised.value) == (f"tracking.run_name: ${{{old}}} cannot be resolved: {old} is now {RENAMED[old]}")


@FORMER
def test_a_logged_config_is_translated(tmp_path: Path, old: str) -> None:
    """`rerun` and a run that continues read it."""
    logged = OmegaConf.create(to_yaml(load(*TABLE)))
    OmegaConf.update(logged, old, GIVEN[old], force_add=True)
    path = tmp_path / "config.yaml"
    OmegaConf.save(logged, path)
    assert value_of(from_yaml(path), RENAMED[old]) == GIVEN[old]


def test_a_logged_tag_whose_name_has_been_reserved_since_is_dropped(tmp_path: Path) -> None:
    logged = OmegaConf.create(to_yaml(load("data=iris", "tracking.tags={team: blue}")))
    OmegaConf.update(logged, "tracking.tags", {"fold": 3, "study": "width", "rerun_of": "abc"})
    OmegaConf.save(logged, tmp_path / "config.yaml")
    assert from_yaml(tmp_path / "config.yaml").tracking.tags == {"team": "blue", "study": "width", "rerun_of": "abc"}


@FORMER
def test_a_rerun_names_the_new_key_of_an_override(tmp_path: Path, old: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(load(*TABLE)))
    with pytest.raises(ConfigError) as raised:
        from_yaml(path, [f"{old}={written(GIVEN[old])}"])
    said, _, remedy = str(raised.value).partition("; write ")
    assert said == f"{old} is now {RENAMED[old]}"
    (pasted,) = shlex.split(remedy)
    assert value_of(from_yaml(path, [pasted]), RENAMED[old]) == GIVEN[old]


def test_other_mistakes_are_reported_besides(own: Callable[..., Path]) -> None:
    path = own({"data.columns_as": {"a": "category"}, "fit.epoch": 3})
    with pytest.raises(ConfigError) as raised:
        load("experiment=mine", *TABLE[1:], "data.columns_as.b=text", config_dir=path.parents[1])
    assert str(raised.value).splitlines() == [
        'data.columns_as.b is now data.column_kinds.b; write "data.column_kinds.b=text"',
        f"{path}: data.columns_as is now data.column_kinds",
        "fit.epoch: unknown key, did you mean 'fit.epochs'?",
        "data.column_kinds.b: should be 'numeric', 'category', 'boolean' or 'date', got 'text'",
    ]


def test_a_file_of_a_group_is_named_by_its_own_keys(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "mine.yaml"
    path.write_text("defaults: [base]\nname: table\npath: a.csv\ntarget: y\ncolumns_as: {a: category}\n")
    with pytest.raises(ConfigError) as raised:
        load("data=mine", config_dir=tmp_path)
    assert str(raised.value) == f"{path}: data.columns_as is now data.column_kinds"


def test_keys_that_a_study_or_a_sweep_in_a_file_names_are_keys() -> None:
    values = {
        "study": {
            "sweep": {"data.columns_as.a": ["numeric", "category"], "seed": [0]},
            "axis": {"key": "data.columns_as.a"},
            "lines": ["data.columns_as.a", "seed"],
            "best_of": [],
        },
        "hydra": {"sweeper": {"params": {"data.columns_as.a": "numeric,category"}}},
    }
    assert with_new_keys(values) == {
        "study": {
            "sweep": {"data.column_kinds.a": ["numeric", "category"], "seed": [0]},
            "axis": {"key": "data.column_kinds.a"},
            "lines": ["data.column_kinds.a", "seed"],
            "best_of": [],
        },
        "hydra": {"sweeper": {"params": {"data.column_kinds.a": "numeric,category"}}},
    }


def test_ranges_in_a_file_are_named_with_it(own: Callable[..., Path]) -> None:
    path = own({"hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"data.columns_as.a": "numeric,category"}}}})
    with pytest.raises(ConfigError) as raised:
        parse(["--config-dir", str(path.parents[1]), "experiment=mine", *TABLE[1:]])
    assert str(raised.value) == f"{path}: data.columns_as.a is now data.column_kinds.a"


def test_a_study_is_chosen_in_its_own_group(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(["-m", "experiment=study_width,study_depth"])
    assert str(raised.value) == "experiment=study_width is now study=width\nexperiment=study_depth is now study=depth"
    assert load("study=width").study is not None
    (tmp_path / "experiment").mkdir()
    text = "# @package _global_\ndefaults: [/experiment@_global_: study_width]\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"\nexperiment=study_width is now study=width$"):
        load("experiment=mine", config_dir=tmp_path)


def as_params(key: str, value: Any) -> dict[str, str]:
    """The parameters that a run logs for a key: one for each name of a mapping."""
    names = value if isinstance(value, dict) else {None: value}
    return {key if name is None else f"{key}.{name}": str(one) for name, one in names.items()}


@FORMER
def test_parameters_of_earlier_runs_are_compared_by_the_new_keys(old: str) -> None:
    found = completed({"model.name": "dense", "seed": "1"} | as_params(old, GIVEN[old]))
    assert as_params(RENAMED[old], GIVEN[old]).items() <= found.items()
    assert not [key for key in found if key == old or key.startswith(f"{old}.")]


@pytest.mark.parametrize("old", [old for old, new in RENAMED.items() if new.endswith(".by_column")])
def test_a_parameter_that_listed_all_columns_is_not_compared(old: str) -> None:
    assert completed({"seed": "1", old: "{'a': 'none'}"}).keys() == completed({"seed": "1"}).keys()
