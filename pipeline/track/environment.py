"""Tags that describe the environment of a run."""

import functools
import os
import platform
import subprocess
from importlib.metadata import version

import psutil

from pipeline.config import CONF, IN_CHECKOUT

PACKAGES = ("dense-pipeline", "tensorflow", "keras", "mlflow-skinny", "hydra-core", "pandas", "numpy", "scikit-learn")


@functools.cache
def environment() -> dict[str, str]:
    """Returns tags of versions, code and machine; cached, because collecting them takes 0.1 s."""
    versions = {f"version.{name.removesuffix('-skinny')}": version(name) for name in PACKAGES}
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {memory:.0f} GiB"
    return versions | _git() | {"version.python": platform.python_version(), "machine": machine}


def _git() -> dict[str, str]:
    """Returns the commit, and whether there are uncommitted changes; empty for a wheel."""
    if not IN_CHECKOUT:
        return {}
    git = ["git", "-C", str(CONF.parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return {}
    return {"git_commit": commit, "git_dirty": str(bool(changes)).lower()}
