"""The blocks of code in README.md and docs/ do what they say."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import data, run
from pipeline.commands.compare import parser as compare_parser
from pipeline.config import CONF, load, parse
from support.documentation import PAGES, TEXT, block, blocks, name
from support.places import ROOT

ALL = "\n".join(TEXT.values())
OF_TRAINING = ("make train", "make sweep", "make tune")
COMMANDS = [
    line
    for shell in blocks("bash")
    for line in shell.splitlines()
    if "ARGS=" in line and "model=highway" not in line and line.startswith(OF_TRAINING)
]
COMMANDS += [
    command
    for command in re.findall(r"`(make [^`]*ARGS=[^`]*)`", ALL)
    if command.startswith((*OF_TRAINING, "make compare"))
    and not re.search(r"my_conf|--help|key=value|highway", command)
]
COMMANDS = list(dict.fromkeys(COMMANDS))
TRAIN = ".venv/bin/python -m pipeline train "  # for values that make would change


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_shell_takes_every_block(page: Path) -> None:
    for shell in re.findall(r"```bash\n(.*?)```", TEXT[page], re.DOTALL):
        ended = subprocess.run(["sh", "-n"], input=shell, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), shell


@pytest.mark.parametrize("command", COMMANDS)
def test_the_shell_that_make_calls_takes_every_command(command: str) -> None:
    """Make puts what stands in ARGS into a line of its own, where brackets need quotes."""
    words = shlex.split(command.partition("#")[0].partition(">")[0])
    (arguments,) = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")]
    ended = subprocess.run(["sh", "-n", "-c", f"true {arguments}"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_readme_is_short() -> None:
    assert len(TEXT[ROOT / "README.md"].splitlines()) <= 200


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_valid(command: str) -> None:
    words = shlex.split(command.partition("#")[0].partition(">")[0])
    arguments = shlex.split(words[-1].removeprefix("ARGS="))
    if words[1] == "compare":
        assert compare_parser().parse_args(arguments)
        return
    parse([*(["-m"] if words[1] == "sweep" else []), *arguments])


def test_every_training_without_make_is_valid() -> None:
    lines = [line for shell in blocks("bash") for line in shell.splitlines() if line.startswith(TRAIN)]
    assert lines
    for line in lines:
        parse(shlex.split(line.removeprefix(TRAIN)))


def test_python_blocks_train_and_then_use_the_model(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use, train = block("python", "tf.saved_model.load"), block("python", "from pipeline import load, run")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    names: dict[str, object] = {}
    exec(train, names)
    exec(use, names)
    assert "[b'setosa' b'virginica']" in capsys.readouterr().out


@pytest.mark.slow
def test_an_architecture_is_one_file_and_one_yaml(tmp_path: Path, store: str) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "pipeline" / "model" / "highway.py").write_text(block("python", "class Spec(Section)"))
    own, yaml = block("yaml", "override /data: wine"), block("yaml", "name: highway")
    (tmp_path / "my_conf" / "experiment").mkdir(parents=True)
    (tmp_path / "my_conf" / "experiment" / "mine.yaml").write_text(own)
    assert load("experiment=mine", config_dir=tmp_path / "my_conf").model.units == [16]
    (tmp_path / "conf" / "model" / "highway.yaml").write_text(yaml)
    arguments = ["model=highway", "model.depth=2", "fit.epochs=1", f"tracking.uri={store}"]
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", "train", *arguments],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert "SavedModel" in ended.stdout
    searched = ["--multirun", "hydra/sweeper=search", "search.depth=2", "search.width=8,16", "search.sampler=grid"]
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", "train", *searched, "data=iris", *arguments[::2], f"tracking.uri={store}"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    for width in (8, 16):
        assert f"model.depth=2 model.width={width}" in ended.stdout


def test_every_make_command_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", ALL)) <= targets


@pytest.mark.slow
def test_export_and_predict_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines go through the Makefile, whose last command is run here, with this Python."""
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"  # its own, in which best:iris is this run
    run(load("data=iris", "fit.epochs=5", "tracking.experiment=iris", f"tracking.uri={store}"))
    monkeypatch.chdir(tmp_path)
    rows = data.read_rows(load("data=iris").data).inputs
    pd.DataFrame(rows).assign(id=range(150)).to_csv("new.csv", index=False)
    found = [
        line for shell in blocks("bash") for line in shell.splitlines() if re.match("make (export|predict) ", line)
    ]
    lines = list(dict.fromkeys(line.partition("#")[0].strip() for line in found))
    assert len(lines) >= 4
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store}
    # Where `make test ARGS=...` runs this, make would hand its own variables on.
    outside = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS", "MFLAGS")}
    for line in lines:
        words = shlex.split(line)
        shown = subprocess.run(
            [words[0], "-n", "-C", str(ROOT), *words[1:]], env=outside, capture_output=True, text=True, check=True
        )
        (command,) = re.findall(r"^\.venv/bin/python (-m pipeline .*)", shown.stdout, re.MULTILINE)
        done = subprocess.run(
            [sys.executable, *shlex.split(command)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    exec(block("python", "get_signature_runner"), {"model_path": str(tmp_path / "exports")})
    printed = re.findall(r"\d\.\d+(?:e-\d+)?", capsys.readouterr().out)
    np.testing.assert_allclose(np.array(printed[:3], float), np.array(printed[3:], float), atol=1e-5)
    assert list(pd.read_csv("predictions.csv"))[:2] == ["id", "label"]
