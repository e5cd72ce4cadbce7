"""Launchers: `local` and `ray` run a sweep's jobs in other processes, `packed` runs many as one network."""

from pipeline.sweep import plugins
from pipeline.sweep.launch.local import LocalLauncher
from pipeline.sweep.launch.on_ray import RayLauncher
from pipeline.sweep.launch.packed_launcher import PackedLauncher
from pipeline.sweep.launch.remote_job import JobError


def register() -> None:
    """Registers the launchers with Hydra."""
    plugins.register(LocalLauncher, PackedLauncher, RayLauncher)


__all__ = ["JobError", "LocalLauncher", "PackedLauncher", "RayLauncher", "register"]
