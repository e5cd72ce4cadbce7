"""Launchers, which run a sweep's jobs in other processes: `hydra/launcher=local` and `hydra/launcher=ray`."""

from pipeline.sweep import plugins
from pipeline.sweep.launch.jobs import JobError
from pipeline.sweep.launch.local import LocalLauncher
from pipeline.sweep.launch.on_ray import RayLauncher


def register() -> None:
    """Tells Hydra of the launchers."""
    plugins.register(LocalLauncher, RayLauncher)


__all__ = ["JobError", "LocalLauncher", "RayLauncher", "register"]
