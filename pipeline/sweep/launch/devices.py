"""Divides the threads and GPUs of a machine among workers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigError

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Read at import by the libraries that NumPy and scikit-learn use.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Share:
    """Threads and GPU of one worker."""

    threads: int
    gpu: str | None = None  # for CUDA_VISIBLE_DEVICES; None without a GPU

    def environment(self) -> dict[str, str]:
        """Returns the environment variables that limit a worker to its share."""
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        # Without memory growth the first trial on a GPU would allocate all of its memory.
        return threads if self.gpu is None else threads | {VISIBLE: self.gpu, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def divide(n_jobs: int | str, n_cpus: int, gpus: Sequence[str], trials_per_gpu: int) -> list[Share]:
    """Returns the share of each worker.

    Args:
        n_jobs: Number of workers; `auto`: one per CPU, or with GPUs as many as `trials_per_gpu` allows.
        n_cpus: CPUs to divide.
        gpus: GPUs to divide; each worker uses one.
        trials_per_gpu: Workers that may share a GPU.

    Raises:
        ConfigError: `trials_per_gpu` allows fewer workers.
    """
    places = [gpu for _ in range(trials_per_gpu) for gpu in gpus]  # every GPU once before any GPU twice
    if n_jobs == "auto":
        n_jobs = len(places) or n_cpus
    assert isinstance(n_jobs, int)
    if gpus and n_jobs > len(places):
        needed = -(-n_jobs // len(gpus))
        raise ConfigError(
            f"hydra.launcher.n_jobs: {n_jobs} simultaneous trials are too many for {len(gpus)} GPUs with "
            f"trials_per_gpu={trials_per_gpu}; set hydra.launcher.trials_per_gpu={needed}, or a smaller n_jobs"
        )
    threads = max(1, n_cpus // n_jobs)
    return [Share(threads, places[number] if gpus else None) for number in range(n_jobs)]


def visible_gpus() -> list[str]:
    """Returns the usable GPUs, by index or id, from the driver: TensorFlow must not start in this process."""
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):  # no driver, or one without a GPU
        return []
    return listed.stdout.split()
