"""Launchers, which run a sweep's jobs in other processes: `hydra/launcher=local` and `hydra/launcher=ray`."""

from pipeline.launch.jobs import JobError
from pipeline.launch.local import LocalLauncher
from pipeline.launch.on_ray import RayLauncher
from pipeline.launch.plugins import register as register_plugins


def register() -> None:
    """Tells Hydra of the launchers."""
    register_plugins(LocalLauncher, RayLauncher)


__all__ = ["JobError", "LocalLauncher", "RayLauncher", "register"]
