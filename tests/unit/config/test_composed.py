"""Compositions are kept, and made anew where a file has changed."""

from pathlib import Path

import pytest

from pipeline import ConfigError, load


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "experiment" / "mine.yaml"
    path.parent.mkdir()
    for epochs in (3, 4, 50):
        path.write_text(f"# @package _global_\nfit: {{epochs: {epochs}}}\n")
        assert load("experiment=mine", config_dir=tmp_path).fit.epochs == epochs
    path.unlink()
    with pytest.raises(ConfigError, match="experiment=mine: no such file"):
        load("experiment=mine", config_dir=tmp_path)
    path.write_text("# @package _global_\nfit: {epochs: 5}\n")
    assert load("experiment=mine", config_dir=tmp_path).fit.epochs == 5


def test_what_is_kept_is_not_changed_by_who_gets_it() -> None:
    first = load("data=iris", "model.units=[3]", "tracking.tags={a: b}")
    assert load("data=iris").model.units != first.model.units
    assert load("data=iris").tracking.tags == {}
    assert load("data=iris", "model.units=[3]", "tracking.tags={a: b}") == first


def test_an_experiment_of_the_same_name_elsewhere_is_another(tmp_path: Path) -> None:
    for name, epochs in (("a", 3), ("b", 4)):
        (tmp_path / name / "experiment").mkdir(parents=True)
        (tmp_path / name / "experiment" / "mine.yaml").write_text(f"# @package _global_\nfit: {{epochs: {epochs}}}\n")
        assert load("experiment=mine", config_dir=tmp_path / name).fit.epochs == epochs
