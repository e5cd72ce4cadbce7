"""Hydra's own sweeper, which runs all combinations, without what takes long there and finds nothing new.

To be imported when Hydra has looked for its plugins, which loads the module of its sweeper once more.
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
    """Composes each job once, when it begins, from files that are read once."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Gets what Hydra has made ready."""
        read_once(hydra_context.config_loader)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> None:
        """Runs all jobs, and prints a line for each as it ends."""
        assert self.launcher is not None
        assert self.config is not None
        with followed(self.launcher, Path(self.config.hydra.sweep.dir)):
            super().sweep(arguments)

    def _parse_config(self) -> list[str]:
        """What a config file sweeps over, as Hydra is to get it."""
        return open_here().command.as_hydra_gets(super()._parse_config())

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Nothing: `pipeline.config.parse` has checked the files and values of all jobs before."""


def register() -> None:
    """Takes the place of Hydra's under its name, by which `hydra/sweeper=basic`, the default, knows it."""
    name = f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}"
    Plugins.instance().class_name_to_class[name] = Grid
