"""Parallel computation of columns and blocks of rows in threads, and the number of usable CPUs.

NumPy releases Python's lock while it computes, so that other threads can run.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROWS_WORTH_A_THREAD = 20_000  # with fewer, starting threads takes longer than they save


def in_threads(function: Callable[..., Any], *arguments: Iterable[Any], n_rows: int) -> list[Any]:
    """Maps a function over its arguments, in threads if a column has many rows.

    Args:
        function: The function.
        *arguments: Iterables of its arguments.
        n_rows: Rows of a column.

    Returns:
        The results, in order.
    """
    if n_rows < ROWS_WORTH_A_THREAD:
        return list(map(function, *arguments))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, *arguments))


def usable_cpus() -> int:
    """Returns the number of CPUs that this process may use, by its affinity and the quota of its container."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return bound if quota == "max" else max(1, min(bound, int(quota) // int(period)))
    except (OSError, ValueError):  # not Linux, or cgroups v1
        return bound
