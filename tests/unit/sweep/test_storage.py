"""A study's storage, opened by many at once."""

import subprocess
import sys
from pathlib import Path

import pytest

OPENER = """
import sys
import optuna.storages._rdb.storage
from pipeline.sweep.search.storage import opened
print("ready", flush=True)
sys.stdin.readline()
opened(sys.argv[1])
"""


@pytest.mark.slow
def test_processes_that_make_a_database_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'study.db'}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
