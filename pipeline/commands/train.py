"""`train`: runs one experiment, or with `--multirun` a sweep. It takes Hydra's overrides; `--help` lists the keys."""

from __future__ import annotations

import errno
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from pipeline import config as configuration
from pipeline.commands.ending import ends_tidily, tells_how_to_resume
from pipeline.config import CONF
from pipeline.config.rules import start_over
from pipeline.errors import PipelineError, TrackingError, UsageError
from pipeline.runtime.atomic_files import check_room, room
from pipeline.runtime.console import console, number, say
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.sweep import Outcome


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def job(composed: DictConfig) -> float | Outcome:
    """Runs one job of the command line, alone or in a sweep."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        from pipeline import sweep

        return sweep.job(composed)
    from pipeline.commands.show_result import show
    from pipeline.train import finish, prepare

    config = configuration.from_hydra(composed)
    try:
        prepared = prepare(config)
        _announce(config)  # after the data have been checked
        with tells_how_to_resume("train", sys.argv[1:], start_over(config)):
            result = finish(config, prepared)
    except PipelineError as error:
        sys.exit(str(error))
    show(result)
    return result.objective


def _announce(config: configuration.Config) -> None:
    """Prints the time limit of training, if there is one, and a faster alternative."""
    if config.fit.max_minutes is not None:
        quick = "" if config.model.name == "dense" else "; model=dense is faster"
        minutes = number(config.fit.max_minutes)
        say(console(), f"training model={config.model.name} for at most {minutes} minutes (fit.max_minutes){quick}")


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily(prints_log=True):
        run_words(words)


def run_words(words: Sequence[str]) -> None:
    """Checks the command line, then runs one job or a sweep; or prints what `--help` or `--cfg` asks for.

    The check comes before the imports of what runs, so that a mistake is reported within half a second.

    Args:
        words: As typed, without the name of the command.

    Raises:
        PipelineError: The command line is wrong, or the sweep cannot begin or continue.
    """
    _check_files(words)
    words = configuration.as_hydra_takes(words)
    sys.argv = [f"{program()} train", *words]  # Hydra reads it
    if configuration.only_shows(words):
        configuration.check_shown(words)
        return _shown()
    command = configuration.parse(words, "train")
    _check_room(words)
    from pipeline import sweep
    from pipeline.sweep import launch

    launch.register()
    sweep.register()
    try:
        with sweep.parent(command):
            sys.argv[1:] = command.as_hydra_gets(words)
            job()
    except sweep.SweepAborted as error:
        sys.exit(str(error))


def _shown() -> None:
    """Lets Hydra print what `--help`, `--cfg` or `--info` asks for; it lists the launchers too."""
    from pipeline.sweep import launch

    launch.register()
    job()


def _check_files(words: Sequence[str]) -> None:
    """Raises UsageError for a file that is named without a key."""
    for word in words:
        if "=" not in word and Path(word).is_file():
            file = shlex.quote(word)
            raise UsageError(
                f"{word}: is a file; train on it with data=table data.path={file} data.target=COLUMN; "
                f"{program()} init {file} shows its columns"
            )


def _check_room(words: Sequence[str]) -> None:
    """Checks that Hydra can make its output folder; Hydra would print a traceback on a full disk.

    Raises:
        TrackingError: The disk is full.
    """
    folder = configuration.mlruns() / "hydra"
    try:
        if not any(word.startswith(("hydra.run.dir=", "hydra.sweep.dir=")) for word in words):
            check_room(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TrackingError(f"{folder}: {error.strerror}; {room(folder)}, free some space") from None
