"""Reads a study by name, and builds the arguments of `pipeline train` that run its sweep."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline import config as configuration
from pipeline.config import CONF, Config
from pipeline.config.problems import keys_of_values, nearest_key
from pipeline.config.rules import RESERVED
from pipeline.config.studies import TAG, Study
from pipeline.errors import ConfigError

FORMER = "experiment/study_{}.yaml"  # where earlier versions had a study
PLAIN = re.compile(r"[A-Za-z][\w.]*")


def names(config_dir: str | None = None) -> list[str]:
    """Returns the names of all studies, including those of the user's own config folder."""
    folders = [CONF, *([Path(config_dir)] if config_dir else [])]
    return sorted({path.stem for folder in folders for path in (folder / "study").glob("*.yaml")})


def read(name: str, overrides: Sequence[str] = (), config_dir: str | None = None) -> tuple[Config, Study]:
    """Reads a study and the config of its runs, before the sweep.

    Args:
        name: Name of the study.
        overrides: Keys to change, as `key=value`.
        config_dir: The user's own config folder; None for none.

    Raises:
        ConfigError: The study does not exist, or a key in it or in the overrides is wrong.
    """
    known = names(config_dir)
    if name not in known:
        _check_former(name, config_dir)
        near = nearest_key(name, known)
        hint = f", did you mean {near!r}?" if near else ";"
        raise ConfigError(f"unknown study {name!r}{hint} the studies are {', '.join(known)}")
    if chosen := [override for override in overrides if _key(override) == "study"]:
        raise ConfigError(f"{chosen[0]}: the study is {name}; leave this out, or name another study in its place")
    config = configuration.parse([*_beginning(name, config_dir), *overrides], "study").config
    if config.tracking.tags.get(TAG) != name:
        raise ConfigError(f"tracking.tags: {TAG} {RESERVED}")
    if config.study is None:
        raise ConfigError(f"study: missing in {name}.yaml; it needs a section study, as in {CONF}/study/width.yaml")
    _check_keys(config, config.study)
    return config, config.study


def command(name: str, study: Study, overrides: Sequence[str], config_dir: str | None = None) -> list[str]:
    """Returns the arguments of `pipeline train` that run the sweep; an override of a swept key replaces its values.

    Args:
        name: Name of the study.
        study: The study.
        overrides: Keys to change, as `key=value`.
        config_dir: The user's own config folder; None for none.

    Raises:
        ConfigError: A swept key or one of its values is wrong.
    """
    given = {_key(override) for override in overrides}
    swept = [
        f"{key}={','.join(_as_override(value) for value in values)}"
        for key, values in study.sweep.items()
        if key not in given
    ]
    arguments = [*_beginning(name, config_dir), *swept, *overrides]
    for key in configuration.parse(arguments, "study").space:
        try:
            study.check_place(key)
        except ValueError as error:
            raise ConfigError(f"study.{error}") from None
    return arguments


def _beginning(name: str, config_dir: str | None) -> list[str]:
    """Returns the first arguments of a study's command line."""
    folder = ["--config-dir", config_dir] if config_dir else []
    return [*folder, "--multirun", f"study={name}", f"++tracking.tags.{TAG}={name}"]


def _check_former(name: str, config_dir: str | None) -> None:
    """Raises ConfigError for a study that lies where earlier versions had it, with the command that moves it."""
    former = Path(config_dir or CONF, FORMER.format(name))
    if former.is_file():
        now = Path(config_dir or CONF, "study", f"{name}.yaml")
        move = f"mkdir -p {shlex.quote(str(now.parent))} && mv {shlex.quote(str(former))} {shlex.quote(str(now))}"
        raise ConfigError(f"{former} is now {now}: {move}")


def _check_keys(config: Config, study: Study) -> None:
    """Checks the keys that the plots use, which the sweep itself would not read before its end."""
    known = list(keys_of_values(config.model_dump(exclude={"study"})))
    for place, keys in (("axis.key", [study.axis.key]), ("lines", study.lines), ("best_of", study.best_of)):
        for key in keys:
            if key not in known:
                near = nearest_key(key, known)
                raise ConfigError(f"study.{place}: unknown key {key}" + (f", did you mean '{near}'?" if near else ""))


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _as_override(value: Any) -> str:
    """Formats a value in Hydra's grammar."""
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else json.dumps(value)


def questions(config_dir: str | None) -> Iterator[tuple[str, str]]:
    """Yields each study's name and question."""
    for name in names(config_dir):
        yield name, read(name, config_dir=config_dir)[1].question
