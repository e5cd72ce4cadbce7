"""What of a machine each of several workers may use: threads, and GPUs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigError

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What the libraries beneath NumPy and scikit-learn read when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Share:
    """What one worker may use."""

    threads: int
    gpu: str | None = None  # as CUDA_VISIBLE_DEVICES names it; None where the machine has no GPU

    def environment(self) -> dict[str, str]:
        """The variables that hold a worker to its share."""
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        # Without growth the first trial on a GPU would take all of its memory.
        return threads if self.gpu is None else threads | {VISIBLE: self.gpu, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def divide(n_jobs: int | str, n_cpus: int, gpus: Sequence[str], trials_per_gpu: int) -> list[Share]:
    """The share of each worker.

    Args:
        n_jobs: Workers; `auto`: a worker per CPU, or where there are GPUs, as many as these may hold.
        n_cpus: CPUs to divide.
        gpus: GPUs to divide; a trial gets one of them, or a part of one.
        trials_per_gpu: Trials that may share a GPU.

    Raises:
        ConfigError: The GPUs may not hold that many trials.
    """
    places = [gpu for _ in range(trials_per_gpu) for gpu in gpus]  # all GPUs once before any of them twice
    if n_jobs == "auto":
        n_jobs = len(places) or n_cpus
    assert isinstance(n_jobs, int)
    if gpus and n_jobs > len(places):
        needed = -(-n_jobs // len(gpus))
        raise ConfigError(
            f"hydra.launcher.n_jobs: {n_jobs} trials at once are more than {len(gpus)} GPUs may hold with "
            f"trials_per_gpu={trials_per_gpu}; set hydra.launcher.trials_per_gpu={needed}, or fewer n_jobs"
        )
    threads = max(1, n_cpus // n_jobs)
    return [Share(threads, places[number] if gpus else None) for number in range(n_jobs)]


def visible_gpus() -> list[str]:
    """GPUs that trials may use, by index or id; asked of the driver, for TensorFlow must not start in this process."""
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):  # no driver, or one without a GPU
        return []
    return listed.stdout.split()
