"""Hydra's basic sweeper, which runs all combinations, without its slow second check of every job.

Import it after Hydra has scanned for plugins: the scan loads the module of the basic sweeper again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from pipeline.config.config_files import read_once
from pipeline.sweep.current_sweep import open_here
from pipeline.sweep.ended_trials import followed


class Grid(BasicSweeper):
    """Composes each job once, when it starts, from files that are read once."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Caches the config files and sets up the launcher.

        Args:
            hydra_context: Hydra's config loader and callbacks.
            task_function: Runs a job with its config.
            config: Of the sweep.
        """
        read_once(hydra_context.config_loader)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> None:
        """Runs all jobs, and prints a line for each as it ends."""
        assert self.launcher is not None
        assert self.config is not None
        with followed(self.launcher, Path(self.config.hydra.sweep.dir)):
            super().sweep(arguments)

    def _parse_config(self) -> list[str]:
        """Returns the sweep of a config file as overrides that Hydra accepts."""
        return open_here().command.as_hydra_gets(super()._parse_config())

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Does nothing: `pipeline.config.parse` has already checked the files and values of all jobs."""


def register() -> None:
    """Registers `Grid` under the name of Hydra's basic sweeper, which `hydra/sweeper=basic`, the default, refers to."""
    name = f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}"
    Plugins.instance().class_name_to_class[name] = Grid
