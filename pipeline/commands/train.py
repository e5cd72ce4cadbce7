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
from rich.table import Table

from pipeline import config as configuration
from pipeline import sweep
from pipeline.commands.arguments import tracking
from pipeline.commands.ending import ends_tidily, tells_how_to_resume
from pipeline.config import CONF
from pipeline.errors import PipelineError, TrackingError
from pipeline.runtime.atomic_files import check_room, room
from pipeline.runtime.console import console, list_places, number, say
from pipeline.runtime.program import program
from pipeline.sweep import launch
from pipeline.train import Result, finish, prepare

if TYPE_CHECKING:
    from pipeline.evaluate.confusion import BinaryDecisions

PARTS = ("train", "val", "test", "gap")


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def job(composed: DictConfig) -> float | sweep.Outcome:
    """Runs one job of the command line, alone or in a sweep."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return sweep.job(composed)
    config = configuration.from_hydra(composed)
    try:
        prepared = prepare(config)
        _announce(config)  # after the data have been checked
        with tells_how_to_resume("train", sys.argv[1:]):
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

    Raises:
        PipelineError: The command line is wrong, or the sweep cannot begin or continue.
    """
    words = configuration.as_hydra_takes(words)
    sys.argv = [f"{program()} train", *words]  # Hydra reads it
    launch.register()
    if configuration.only_shows(words):
        configuration.check_shown(words)
        return job()
    sweep.register()
    command = configuration.parse(words)
    _check_room(words)
    try:
        with sweep.parent(command):
            sys.argv[1:] = command.as_hydra_gets(words)
            job()
    except sweep.SweepAborted as error:
        sys.exit(str(error))


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


def show(result: Result) -> None:
    """Prints the scores of every split, and the locations and commands of a finished run."""
    table = Table("score", *PARTS, caption="gap: how much worse validation is than training")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(key.partition("_")[2] for key in result.scores):
        table.add_row(name, *(number(result.scores.get(f"{part}_{name}")) for part in PARTS))
    table.add_section()
    for baseline, scores in result.baselines.scores.items():
        for name in result.baselines.main_scores:
            table.add_row(f"{name} of {baseline}", *(number(scores.get(f"{part}_{name}")) for part in PARTS))
    screen = console()
    screen.print(table)
    if result.decisions and result.decisions.learned is not None:
        screen.print(_confusions(result.decisions))
    list_places(screen, _places(result))


def _places(result: Result) -> dict[str, str]:
    """Returns further results of a run, their locations, and commands that use them, by label."""
    from pipeline import track

    # Other commands use the default store unless --uri is given.
    is_default = result.store == track.store_uri(tracking(None))
    store = "" if is_default else f" --uri {shlex.quote(result.store)}"
    places = dict(result.baselines.texts)
    if result.decisions:
        places["positive class"] = result.decisions.text
    places |= {
        "run": result.run_id,
        **_pages(result.model_path),
        "SavedModel": str(result.model_path),
        "store": result.store,
        "see it with": f"{program()} ui --run {result.run_id}{store}",
    }
    if address := track.local_page(result.store, result.run_id):
        places["its page"] = address
    places |= {
        "predict rows with": f"{program()} predict {result.run_id} new.csv predictions.csv{store}",
        "serve it with": f"{program()} serve {result.run_id}{store}",
    }
    if result.advice:
        places["try next"] = result.advice
    return places | {"seconds": _seconds(result.seconds)}


def _pages(model_path: str | None) -> dict[str, str]:
    """Returns the paths of a run's pages if they are on this machine, by label."""
    if model_path is None:
        return {}
    model = Path(model_path)
    pages = {"data report": model.parent / "data" / "report.html", "model card": model / "assets.extra" / "card.html"}
    return {name: str(page) for name, page in pages.items() if page.is_file()}


def _confusions(made: BinaryDecisions) -> Table:
    """Tabulates both kinds of errors at 0.5 and at the learned threshold."""
    entries = made.confusions
    table = Table("", *(entry.title for entry in entries), caption=f"mean cost of a row: {made.costs}")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in entries[0].counts:
        table.add_row(name, *(str(entry.counts[name]) for entry in entries))
    for name in entries[0].scores:
        table.add_row(name, *(number(entry.scores[name]) for entry in entries))
    return table


def _seconds(seconds: dict[str, float]) -> str:
    """Formats the total and the parts above 5 % of it, longest first."""
    total = sum(seconds.values())
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name.removeprefix('seconds_')} {value:.1f}" for name, value in longest if value > total / 20)
    return f"{total:.1f}: {parts}"
