"""`hydra/sweeper=search`: Hydra's side of the search. Optuna and MLflow are imported when a search starts."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import CompactHydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from pipeline import model
from pipeline.config import Config, direction
from pipeline.config.config_files import choices, read_once
from pipeline.config.ranges import search_space
from pipeline.config.search_rules import Search as SearchRules
from pipeline.errors import SweepError
from pipeline.runtime import process
from pipeline.sweep import plugins
from pipeline.sweep.current_sweep import open_here
from pipeline.sweep.ended_trials import followed
from pipeline.sweep.search.outcome import TRIAL_VARIABLE, Outcome

if TYPE_CHECKING:
    from pipeline.sweep.search.optuna_study import OptunaStudy

log = logging.getLogger(__name__)


class Search(Sweeper):
    """Asks a study for trials, runs them on a launcher, and tells the study their results."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Caches the config files and sets up the launcher.

        Args:
            hydra_context: Hydra's config loader and callbacks.
            task_function: Runs a job with its config.
            config: Of the sweep.
        """
        self._config, self._loader = config, hydra_context.config_loader
        read_once(self._loader)
        self._launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Runs the search; a failed trial does not stop it, but makes the command fail at the end."""
        folder = Path(self._config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self._config, folder / "multirun.yaml")
        try:
            with followed(self._launcher, folder):
                failed = self._search(arguments)
        except SweepError as error:
            raise CompactHydraException(str(error)) from None
        if failed:
            raise CompactHydraException(f"{failed} trials failed")

    def _search(self, arguments: list[str]) -> int:
        from pipeline import track
        from pipeline.sweep.search.optuna_study import OptunaStudy
        from pipeline.sweep.search.proposals import Space
        from pipeline.sweep.search.storage import FAULTS, first_line, storage_of, without_password

        sweep = open_here()
        config = sweep.command.config
        settings = config.search
        overrides = _overrides(self._loader, self._params, arguments)
        ranges, fixed = search_space(overrides, lambda group: choices(self._loader.get_group_options(group)))
        layers = model.searchable(config.model.name).hidden_layers
        space = Space(ranges, layers, settings.width_of)
        name = settings.study_name or str(track.parent_run_id())
        address = storage_of(settings.storage, name)
        names = settings.objectives or [config.objective]
        directions = [direction(one) or "minimize" for one in names]
        try:
            study = OptunaStudy(name, address, space, settings, directions)
            study.begin(sweep.origins)
            sweep.progress.n_trials, sweep.progress.n_ended = study.n_places, study.n_before
            log.info("study %s in %s: %s", name, without_password(address), _counted(study, settings))
            with process.heartbeat(study.sign):
                return _Running(study, config, fixed, {"storage": address, "study": name}).run(self._launcher)
        except FAULTS as error:
            raise SweepError(
                f"search.storage: {without_password(address)} became unusable: {first_line(error)}\n"
                "Finished trials are kept; repeat the command to resume when the storage works again"
            ) from None


class _Running:
    """Asks for the trials of one command, and tells the study their results."""

    def __init__(self, study: OptunaStudy, config: Config, fixed: list[str], about: dict[str, str]) -> None:
        self._study, self._config, self._fixed, self._about = study, config, fixed, about
        self._open: set[int] = set()
        self._failed = 0
        self._began = time.monotonic()

    def run(self, launcher: Launcher) -> int:
        """Runs trials until the search ends; returns the number of failed trials."""
        try:
            for number, ended in _streamed(launcher, self._jobs()):
                self._tell(number, ended)
        finally:
            with contextlib.suppress(Exception):  # the storage may be gone
                for number in self._open:  # frees their places at once for the next command
                    self._study.tell(number, None, pruned=False)
        return self._failed

    def _jobs(self) -> Iterator[tuple[int, Sequence[str]]]:
        while not self._is_over() and (asked := self._study.ask()) is not None:
            self._open.add(asked.number)
            searched = " ".join(word.lstrip("+") for word in asked.overrides)
            about = json.dumps({**self._about, "number": asked.number, "searched": searched})
            quoted = QuotedString(about, Quote.single).with_quotes()
            yield asked.number, [*self._fixed, *asked.overrides, f"hydra.job.env_set.{TRIAL_VARIABLE}={quoted}"]

    def _is_over(self) -> bool:
        most, seconds = self._config.sweep.max_failures, self._config.search.timeout
        if most is not None and self._failed >= most:
            log.error("no more trials are started: %d failed (sweep.max_failures)", self._failed)
            return True
        if seconds is not None and time.monotonic() - self._began > seconds:
            log.info("no more trials are started after %g s (search.timeout)", seconds)
            return True
        return False

    def _tell(self, number: int, ended: JobReturn) -> None:
        outcome = ended._return_value if ended.status == JobStatus.COMPLETED else None
        self._open.discard(number)
        if isinstance(outcome, Outcome):
            self._study.tell(number, outcome.values, outcome.pruned)
        else:
            self._failed += 1
            self._study.tell(number, None, pruned=False)


def register() -> None:
    """Registers the search with Hydra as `hydra_plugins.dense_pipeline.Search`."""
    plugins.register(Search)


def _streamed(launcher: Launcher, jobs: Iterator[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, JobReturn]]:
    """Yields results as jobs end: by `stream` if the launcher has it, else by a launch for each job."""
    if hasattr(launcher, "stream"):
        with contextlib.closing(launcher.stream(jobs)) as ended_ones:  # an interrupt ends the workers first
            yield from ended_ones
        return
    for number, overrides in jobs:
        (ended,) = launcher.launch([overrides], initial_job_idx=number)
        yield number, ended


def _overrides(loader: ConfigLoader, params: dict[str, Any], arguments: list[str]) -> list[Any]:
    """Parses the overrides of the command line, and those of the config file that it does not replace."""
    parser = OverridesParser.create(config_loader=loader)
    given = parser.parse_overrides(arguments)
    keys = {override.key_or_group for override in given}
    of_file = [f"{key}={value}" for key, value in params.items() if key not in keys]
    return parser.parse_overrides(open_here().command.as_hydra_gets(of_file)) + given


def _counted(study: OptunaStudy, settings: SearchRules) -> str:
    every = ", the whole search space" if study.n_places < settings.n_trials or settings.sampler == "grid" else ""
    before = f", {study.n_before} already finished" if study.n_before else ""
    return f"{study.n_places} trials{every}{before}"
