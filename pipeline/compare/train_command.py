"""Finds the command that trains a run's configuration again."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import config as configuration
from pipeline import track
from pipeline.config import Config
from pipeline.config.rules import AROUND_RUNS
from pipeline.errors import PipelineError
from pipeline.runtime.program import program

FOR_A_SHELL_ONLY = set('"$`\\#')  # characters that make or its shell changes inside ARGS="..."
TABLES = [("table", "tabm"), ("plain_table", "dense")]  # data files for a table of one's own, and their architecture
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+%"


def command(run_id: str) -> str:
    """Returns the shortest command that composes a run's config, or the command that repeats the run."""
    tuned = track.tag_of(run_id, "tuned")
    if tuned is not None:
        return f"{program()} tune {tuned}"
    found = overrides(run_id)
    if found is None:
        return rerun(run_id)
    return spelled(found)


def rerun(run_id: str) -> str:
    """Returns the command that repeats a run exactly."""
    return f"make rerun RUN={run_id}" if configuration.IN_CHECKOUT else f"{program()} rerun {run_id}"


def spelled(found: list[str]) -> str:
    """Returns the shell command for overrides, using make if it does not change them."""
    words = shlex.join(found)
    if configuration.IN_CHECKOUT and not FOR_A_SHELL_ONLY & set(words):
        return f'make train ARGS="{words}"'
    return f"{program()} train {words}"


def overrides(run_id: str) -> list[str] | None:
    """Returns the shortest overrides that compose exactly a run's config; None if there are none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = configuration.from_yaml(track.config_of_run(run_id, Path(folder)))
            found = min((_from(start, config) for start in _starts(config)), key=len)
            return found if _facts(configuration.load(*found)) == _facts(config) else None
        except PipelineError:  # an architecture or a key of another version, or no logged config
            return None


def _from(start: list[str], config: Config) -> list[str]:
    """Returns the overrides that turn the config of a start into `config`."""
    differences = _differences(_facts(configuration.load(*start)), _facts(config))
    return start + [f"{key}={_written(value)}" for key, value in differences]


def _starts(config: Config) -> Iterator[list[str]]:
    """Yields config files that may have been chosen, with keys that a table needs and that other keys default to."""
    needed = {"data.path": config.data.path, "data.target": config.data.target} if config.data.name == "table" else {}
    rest = [
        *(f"{key}={_written(value)}" for key, value in needed.items()),
        f"seed={config.seed}",  # the default of data.split.seed
    ]
    for data, usual in TABLES if needed else [(config.data.name, "dense")]:
        yield [f"data={data}", *([] if config.model.name == usual else [f"model={config.model.name}"]), *rest]


def _facts(config: Config) -> dict[str, Any]:
    """Returns the config of the run itself: without its sweep, and without tracking except the experiment's name."""
    values = {name: value for name, value in config.model_dump().items() if name not in AROUND_RUNS}
    return values | {"tracking": {"experiment": config.tracking.experiment}}


def _differences(base: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in wanted.items():
        before = base.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and value.keys() == before.keys():
            yield from _differences(before, value, f"{prefix}{name}.")
        elif value != before:
            yield f"{prefix}{name}", value


def _written(value: Any) -> str:
    """Formats a value in Hydra's grammar, in which keys of a dict are not quoted."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(inner) for inner in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if value and all(letter in PLAIN for letter in value) and value.lower() not in ("null", "true", "false"):
        try:
            float(value)
        except ValueError:
            return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
