"""Messages for mistakes on the command line: each names the key, and words that can be pasted."""

import re
import shlex
import tempfile
from pathlib import Path

import pytest

from pipeline import ConfigError, load
from pipeline.config import Config, as_hydra_takes, from_yaml, to_yaml
from pipeline.config.quoting import by_column
from pipeline.config.rules import Data

TABLE = ["data=plain_table", "data.path=a.csv"]


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("data.target=f(x)", "target", "f(x)"),
        ("data.target=1", "target", "1"),
        ("data.target=1.5", "target", "1.5"),
        ("data.target=a=b", "target", "a=b"),
        ("data.target=price €", "target", "price €"),
        ("data.target=a,b", "target", "a,b"),
        ("data.target='it", "target", "'it"),
        ("data.target=<0.1", "target", "<0.1"),
        ("data.drop=[a(b)]", "drop", ["a(b)"]),
        ("data.drop=[1]", "drop", ["1"]),
        ("data.drop=[x, b(c), 'd']", "drop", ["x", "b(c)", "d"]),
        ("data.missing_values=[<0.1]", "missing_values", ["<0.1"]),
        ("data.sample_weight=1", "sample_weight", "1"),
        ("data.path=a(1).csv", "path", "a(1).csv"),
    ],
)
def test_quotes_that_are_reported_can_be_pasted(word: str, key: str, value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        load(*TABLE, "data.target=y", word)
    (reported,) = re.findall(r"twice: (.+)$|with a comma: (.+)$", str(raised.value), re.MULTILINE)
    (pasted,) = shlex.split("".join(reported))
    assert getattr(load(*TABLE, "data.target=y", pasted).data, key) == value


@pytest.mark.parametrize(
    "text", ["010", "0x10", "1_000", "1e3", ".5", "1.10", "+5", "-0", "1e400", "yes", "true", "1:30", "2019-01-31"]
)
def test_names_and_marks_are_as_typed(text: str) -> None:
    """A number that is written otherwise than Hydra shows it is another mark: 1.1 is not 1.10."""
    words = [f"data.target={text}", f"data.missing_values=[ {text}, '1e3' ,-999]", f"data.drop=[a b,{text}]"]
    config = load(*TABLE, *words)
    found = config.data
    assert (found.target, found.missing_values, found.drop) == (text, [text, "1e3", -999], ["a b", text])
    assert as_hydra_takes(as_hydra_takes(words)) == as_hydra_takes(words)
    assert from_yaml_of(config) == found


def from_yaml_of(config: Config) -> Data:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(to_yaml(config), encoding="utf-8")
        return from_yaml(path).data


@pytest.mark.parametrize(("text", "number"), [("010", 8), ("0x10", 16), ("1:30", 90), ("1_000", 1000), ("0b11", 3)])
def test_another_number_to_yaml_is_reported(tmp_path: Path, text: str, number: int) -> None:
    path = tmp_path / "experiment" / "mine.yaml"
    path.parent.mkdir()
    content = "# @package _global_\ndefaults:\n  - override /data: plain_table\ndata:\n  path: a.csv\n  target: y\n"
    path.write_text(f"{content}  missing_values: ['?', {text}]\n")
    with pytest.raises(ConfigError) as raised:
        load("experiment=mine", config_dir=tmp_path)
    assert str(raised.value) == (
        f"data.missing_values: YAML reads {text} in {path} as {number}; write '{text}', with these quotes, or {number}"
    )
    for written, found in ((f"'{text}'", text), (str(number), number)):
        path.write_text(f"{content}  missing_values: ['?', {written}]\n")
        assert load("experiment=mine", config_dir=tmp_path).data.missing_values == ["?", found]


@pytest.mark.parametrize("name", ["Wall Area", "f(x)", "a,b", "a:b", "a=b", "a{b}", "a[1]", "say"])
def test_columns_in_a_mapping_can_be_pasted(name: str) -> None:
    (word,) = shlex.split(by_column("data.column_kinds", {name: "category", "b": "date"}))
    assert load(*TABLE, "data.target=y", word).data.column_kinds == {name: "category", "b": "date"}


def test_columns_that_no_command_line_can_name() -> None:
    assert by_column("data.column_kinds", {"price €": "category"}) == "data.column_kinds for 'price €' in a config file"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=${nosuch}"], r"^seed: \$\{nosuch\} cannot be resolved \(Interpolation key 'nosuch' not found\); name"),
        (["model.units=[${nosuch}]"], r"^model.units\[0\]: \$\{nosuch\} cannot be resolved"),
        (["tracking.uri=${oc.env:NOSUCH_X}"], r"^tracking.uri: \$\{oc.env:NOSUCH_X\} names an environment variable"),
        (["data.path=${oc.env:NOSUCH_X}", "seed=${nosuch}"], r"(?s)^seed: .*\ndata.path: "),
        (["seed=${nosuch:1}"], r"^seed: \$\{nosuch:1\} cannot be resolved \(Unsupported interpolation type nosuch\)"),
        (["seed=${data.split.seed}"], r"^seed: \$\{data.split.seed\} cannot be resolved \(Recursive"),
        (["seed=???"], r"^seed: \?\?\? marks a value that must be given"),
        (["data.split=${nosuch}"], r"^data.split: \$\{nosuch\} cannot be resolved"),
        (["fit.early_stopping.min_delta=1e300"], r"^fit.early_stopping.min_delta: should be less than or equal to 34"),
        (["model.l1=1e300"], r"^model.l1: should be less than or equal to 34"),
        (["--nosuch"], r"^unknown option --nosuch"),
        (["--version"], r"^--version: ends a command line; load takes overrides"),
    ],
)  # fmt: skip
def test_the_key_is_named(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load("data=iris", *words)
