"""What computes at once: columns and blocks of rows side by side, and how many CPUs there are for them.

numpy lets other threads run while it computes.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROWS_WORTH_A_THREAD = 20_000  # with fewer, starting threads takes longer than they save


def in_threads(function: Callable[..., Any], *arguments: Iterable[Any], n_rows: int) -> list[Any]:
    """Maps a function over its arguments, on all processors where a column has many rows; results are in order."""
    if n_rows < ROWS_WORTH_A_THREAD:
        return list(map(function, *arguments))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, *arguments))


def usable_cpus() -> int:
    """CPUs that this process may use: those it is bound to, and no more than a container's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return bound if quota == "max" else max(1, min(bound, int(quota) // int(period)))
    except (OSError, ValueError):  # no Linux, or control groups of the first kind
        return bound
