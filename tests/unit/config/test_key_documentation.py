"""Every key is explained: in the JSON schema, which takes the project's own files, and in the reference."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

from pipeline import model
from pipeline.commands.schema import GROUPS
from pipeline.config import CONF, reference
from pipeline.config.comments import Entry, entries
from pipeline.config.json_schema import json_schema
from pipeline.config.key_documentation import architectures, launchers, leaves, rules
from pipeline.config.problems import keys
from pipeline.config.rules import PER_COLUMN, schema
from support.places import ROOT

KEYS = ROOT / "docs" / "reference" / "keys.md"
FILES = sorted(CONF.rglob("*.yaml"))
VALIDATORS = {group: Draft202012Validator(json_schema(group)) for group in GROUPS}


def complaints(group: str, text: str) -> list[str]:
    """Where the schema finds faults in a file with this text."""
    values = OmegaConf.to_container(OmegaConf.create(text))
    return sorted(f"{error.json_path}: {error.message}" for error in VALIDATORS[group].iter_errors(values))


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "study"])
def test_each_schema_is_one(group: str) -> None:
    Draft202012Validator.check_schema(VALIDATORS[group].schema)


def test_a_study_has_the_keys_of_an_experiment() -> None:
    assert VALIDATORS["study"].schema == VALIDATORS["experiment"].schema


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_every_file_of_ours_suits_the_schema(path: Path) -> None:
    group = "experiment" if path.parent == CONF else path.parent.relative_to(CONF).as_posix()
    assert complaints(group, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("group", "text", "path"),
    [
        ("experiment", "fit: {pateince: 3}", "$.fit"),
        ("experiment", "modle: {}", "$"),
        ("experiment", "data: {split: {kind: timely}}", "$.data.split.kind"),
        ("experiment", "model: {unit: [3]}", "$.model"),
        ("experiment", "seed: 1.5", "$.seed"),
        ("experiment", "study: {axis: {kye: a}}", "$.study"),
        ("data", "imput: median", "$"),
        ("data", "input_scaling: {shift: 1}", "$.input_scaling"),
        ("data", "input_scaling: {by_column: {age: none}}", "$.input_scaling"),
        ("data", "impute: {default: mean, by_column: {age: medan}}", "$.impute"),
        ("data", "imputes: {age: mean}", "$"),
        ("fit", "early_stopping: {patience: -1}", "$.early_stopping.patience"),
        ("model", "units: [0]", "$.units"),
        ("hydra/launcher", "n_job: 3", "$"),
        ("hydra/sweeper", "parms: {}", "$"),
    ],
)
def test_a_mistake_does_not(group: str, text: str, path: str) -> None:
    assert [line.partition(": ")[0] for line in complaints(group, text)] == [path]


def test_a_file_is_a_part_of_the_config_and_may_interpolate() -> None:
    assert complaints("experiment", "defaults: [override /data: iris]\nseed: ${oc.env:SEED}\nmodel: {units: [8]}") == []
    assert complaints("data", "impute: {default: mean, by_column: {default: median}}\ncategory_encoding: auto") == []
    assert complaints("experiment", "fit: {learning_rate: 1e-3}\nhydra: {sweeper: {params: {seed: 0,1}}}") == []


def every_key() -> list[str]:
    """As the rules have them, of each architecture, without those that are sections."""
    found = list(dict.fromkeys(key for name in model.names() for key in keys(schema(model.spec(name)))))
    return [key for key in found if not any(other.startswith(f"{key}.") for other in found)]


@pytest.fixture(scope="module")
def page() -> str:
    return reference.page()


def test_every_key_is_on_the_page(page: str) -> None:
    lines = page.splitlines()
    named = {line.split("`")[1] for line in lines if line.startswith("| `")}
    inside = (*PER_COLUMN, "data.output_scaling", "study.panels")  # of values, which stand beside their key
    assert [key for key in every_key() if key not in named and not key.startswith(inside)] == []
    assert {"data.input_scaling", "hydra.launcher.n_jobs", "model.units", "model.blocks", "model.members"} <= named


def test_every_key_has_a_meaning_and_a_default() -> None:
    sections = [rules(), *architectures().values(), *launchers().values()]
    found = [(key, rule) for section in sections for key, rule in leaves(section)]
    assert [key for key, rule in found if not rule.get("description")] == []
    assert [key for key, rule in found if "default" not in rule and not key.startswith("study.")] == []


def test_the_reference_is_what_the_rules_and_files_say(page: str) -> None:
    assert KEYS.read_text(encoding="utf-8") == page, f"run {reference.COMMAND}"


def test_the_reference_says_values_default_and_meaning(page: str) -> None:
    lines = page.splitlines()
    meaning = "limit of scaled numbers: with 5.0, values beyond ±5 become ±5, in training and in the exported model"
    assert f"| `data.clip` | number > 0 or `null` | `null` | {meaning}; null: no limit |" in lines
    (rate,) = [line for line in lines if line.startswith("| `fit.learning_rate`")]
    assert "| number > 0 | `0.001`; `fit=adamw`: `0.002`; `fit=gradient_descent`: `0.1`; `fit=sgd`: `0.05` |" in rate
    (scaling,) = [line for line in lines if line.startswith("| `data.input_scaling`")]
    assert "| `standard`; `data=table`: `noisy_quantile` |" in scaling


def test_comments_beside_keys_and_below_them(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(
        "defaults: [base]  # none of the keys\n"
        "a: 1e-3             # first,\n"
        "                    # and on\n"
        "                  # another column\n"
        "b: 'x # y'\n"
        "c:                  # a section\n"
        "  d: [1,\n"
        "      2]            # of two lines\n"
        "  # about what comes\n"
        "  e: {f: '${a}'}    # one value\n"
        "g: |-\n"
        "  # text\n"
    )
    assert entries(path, "p.") == {
        "p.a": Entry(0.001, "first, and on"),
        "p.b": Entry("x # y", ""),
        "p.c": Entry({"d": [1, 2], "e": {"f": "${a}"}}, "a section"),
        "p.c.d": Entry([1, 2], "of two lines"),
        "p.c.e": Entry({"f": "${a}"}, "one value"),
        "p.g": Entry("# text", ""),
    }
    path.write_text("# nothing\n")
    assert entries(path) == {}
