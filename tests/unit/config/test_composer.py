"""Compositions are Hydra's, and kept until a file changes."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir, version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from pipeline import ConfigError, load
from pipeline.config import CONF, parse
from pipeline.config.composer import composer
from pipeline.config.config_files import read_once


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "experiment" / "mine.yaml"
    path.parent.mkdir()
    for epochs in (3, 4):  # files of one size
        path.write_text(f"# @package _global_\nfit: {{epochs: {epochs}}}\n")
        assert load("experiment=mine", config_dir=tmp_path).fit.epochs == epochs
    path.unlink()
    with pytest.raises(ConfigError, match="experiment=mine: no such file"):
        load("experiment=mine", config_dir=tmp_path)
    path.write_text("# @package _global_\nfit: {epochs: 50}\n")
    assert load("experiment=mine", config_dir=tmp_path).fit.epochs == 50


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


@pytest.mark.slow
def test_a_file_of_ours_may_choose_among_hydras_own_and_set_its_keys(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    for name, text in {
        "searched": "defaults:\n  - override /hydra/sweeper: search\n  - override /fit: sgd\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {fit.momentum: 'interval(0.5,0.9)'}}}\n",
        "keyed": "hydra: {mode: MULTIRUN, sweeper: {params: {model: 'linear,dense', seed: 'range(0,2)'}}}\n",
    }.items():
        (tmp_path / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n{text}")
    command = parse(["--config-dir", str(tmp_path), "experiment=searched"])
    assert (command.is_search, command.is_sweep, list(command.space)) == (True, True, ["fit.momentum"])
    assert command.config.fit.optimizer == "sgd"
    command = parse(["--config-dir", str(tmp_path), "experiment=keyed"])
    assert (command.is_search, command.is_sweep, list(command.space)) == (False, True, ["model", "seed"])
    assert command.config.model.units == []
    plain = parse(["--config-dir", str(tmp_path)])
    assert (plain.is_search, plain.is_sweep) == (False, False)
    text = (tmp_path / "experiment" / "keyed.yaml").read_text()
    (tmp_path / "experiment" / "keyed.yaml").write_text(text.replace("linear", "liner"))
    with pytest.raises(ConfigError, match="model=liner: no such file, did you mean 'linear'"):
        parse(["--config-dir", str(tmp_path), "experiment=keyed"])


@pytest.mark.slow
def test_a_folder_that_hydra_searches_besides_is_read_anew_each_time(tmp_path: Path) -> None:
    for group in ("experiment", "fit"):
        (tmp_path / group / group).mkdir(parents=True)
    (tmp_path / "experiment" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults: [override /fit: mine]\n"
    )
    words = ["experiment=mine", f"hydra.searchpath=[file://{tmp_path / 'fit'}]"]
    for epochs in (3, 4):
        (tmp_path / "fit" / "fit" / "mine.yaml").write_text(f"defaults: [adam]\nepochs: {epochs}\n")
        assert load(*words, config_dir=tmp_path / "experiment").fit.epochs == epochs
        assert load("fit=mine", words[1]).fit.epochs == epochs


def test_an_application_of_hydra_that_loads_a_config_goes_on_as_before(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text("a: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        assert load("data=iris").data.name == "iris"
        assert GlobalHydra.instance().hydra is before
        assert compose("theirs") == {"a": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        (),
        *((f"{path.parent.relative_to(CONF).as_posix()}={path.stem}",) for path in sorted(CONF.rglob("*/*.yaml"))),
        ("data=iris", "fit=sgd", "experiment=breast_cancer"),
        ("~experiment",),
        ("+fit@tracking.tags=sgd",),
    ],
    ids=" ".join,
)
def test_what_it_composes_is_what_hydra_composes(words: tuple[str, ...]) -> None:
    files = composer("config", CONF)
    ours = [word for word in words if not word.startswith("hydra")]
    with initialize_config_dir(str(CONF), version_base="1.3", job_name="train"):
        expected = OmegaConf.to_container(compose("config", list(words), return_hydra_config=True))
    assert isinstance(expected, dict)
    hydra = expected.pop("hydra")
    found = OmegaConf.to_container(files.own(ours))
    assert found == expected
    assert list(found) == list(expected)
    settings = OmegaConf.to_container(files.settings([word for word in words if word not in ours], ours))
    assert isinstance(settings, dict)
    for part in ("launcher", "sweeper", "mode", "sweep", "run", "help"):
        assert settings[part] == hydra[part]


def test_a_sweep_composes_its_jobs_from_the_same_files_as_hydra_alone() -> None:
    version.setbase("1.3")
    composed = []
    for once in (False, True):
        loader = ConfigLoaderImpl(create_config_search_path(str(CONF)))
        if once:
            read_once(loader)
        for words in (["data=diabetes", "seed=3"], ["study=width"], ["data=diabetes", "seed=4"]):
            found = loader.load_configuration("config", words, RunMode.RUN)
            composed.append(OmegaConf.to_container(found))
    assert composed[:3] == composed[3:]
