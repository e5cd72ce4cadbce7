"""Launchers, which run a sweep's jobs in other processes: `hydra/launcher=local` and `hydra/launcher=ray`."""

from pipeline import plugins
from pipeline.launch.jobs import JobError
from pipeline.launch.local import LocalLauncher
from pipeline.launch.on_ray import RayLauncher


def register() -> None:
    """Tells Hydra of the launchers."""
    plugins.register(LocalLauncher, RayLauncher)


__all__ = ["JobError", "LocalLauncher", "RayLauncher", "register"]
