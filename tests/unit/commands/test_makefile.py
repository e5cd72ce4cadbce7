"""The Makefile's words: the same in every target, and the former ones with a line that names the new."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
# By which the make that runs these tests would hand its own words on, as those of `make test ARGS=...`.
HANDED_ON = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS"}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs make as a user does, with this Python and without setting anything up."""
    here = ["STAMP=", f"BIN={Path(sys.executable).parent}"]
    own = {name: value for name, value in os.environ.items() if name not in HANDED_ON}
    return subprocess.run(["make", "-s", *here, *words], cwd=ROOT, capture_output=True, text=True, check=False, env=own)


def command(*words: str) -> str:
    """The command of ours that make would run."""
    shown = make("-n", *words)
    assert shown.returncode == 0, shown.stderr
    (line,) = re.findall(r"/python -m pipeline (.*)", shown.stdout)
    return line.rstrip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["export"], "export 'm' --format 'savedmodel' --output 'exports'"),
        (["export", "FORMAT=onnx", "OUTPUT=o"], "export 'm' --format 'onnx' --output 'o'"),
        (["predict", "INPUT=new.csv"], "predict 'm' 'new.csv' 'predictions.csv'"),
        (["predict", "INPUT=new.csv", "OUTPUT=o.csv", "ARGS=--keep id"], "predict 'm' 'new.csv' 'o.csv' --keep id"),
        (["evaluate", "INPUT=new.csv"], "evaluate 'm' 'new.csv'"),
        (["evaluate", "INPUT=new.csv", "LOG=1"], "evaluate 'm' 'new.csv' --log"),
        (["register", "NAME=n", "ALIAS=a", "FORCE=1"], "register 'm' 'n' --alias 'a' --force"),
        (["serve", "ARGS=--port 8081"], "serve 'm' --port 8081"),
        (["ui", "RUN=best:iris"], "ui '5000' --run 'best:iris'"),
        (["init", "INPUT=my.csv", "ARGS=--force"], "init 'my.csv' --force"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_model_and_input_mean_the_same_everywhere(words: list[str], expected: str) -> None:
    assert command(*words, "MODEL=m") == expected


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["export", "RUN=m"], "make: RUN= is MODEL= now: make export MODEL=m"),
        (["predict", "RUN=m", "INPUT=new.csv"], "make: RUN= is MODEL= now: make predict MODEL=m"),
        (["register", "RUN=m", "NAME=n"], "make: RUN= is MODEL= now: make register MODEL=m"),
        (["evaluate", "MODEL=m", "DATA=new.csv"], "make: DATA= is INPUT= now: make evaluate INPUT=new.csv"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_former_words_go_on_working_and_name_the_new(words: list[str], line: str) -> None:
    target, former = words[0], line.split()[1].rstrip("=")
    new = line.split()[3].rstrip("=")
    assert command(*words) == command(*(word.replace(f"{former}=", f"{new}=") for word in words))
    reported = make(*words, "ARGS=--help")
    assert reported.stderr == f"{line}\n"
    assert f"usage: python -m pipeline {target}" in reported.stdout
    assert make(*(word.replace(f"{former}=", f"{new}=") for word in words), "ARGS=--help").stderr == ""


@pytest.mark.parametrize("target", ["init", "rerun", "export", "predict", "evaluate", "register", "promote", "serve"])
def test_a_word_that_is_missing_is_a_message(target: str) -> None:
    ended = make(target)
    assert ended.returncode == 2  # make's own; the command before it ended with 1
    assert ended.stdout == ""
    assert re.match(rf"Which .*\? make {target} [A-Z]+=", ended.stderr)


def test_help_lists_every_target() -> None:
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
    listed = re.findall(r"^  make ([a-z-]+)", make("help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony.replace("\\\n", " ").split())
