"""A study's storage, opened by many at once."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from support.servers import postgres

OPENER = """
import sys
import optuna.storages._rdb.storage
from pipeline.sweep.search.storage import opened
print("ready", flush=True)
sys.stdin.readline()
opened(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_make_a_database_at_the_same_moment_all_get_it(tmp_path: Path, kind: str) -> None:
    with postgres() if kind == "postgres" else contextlib.nullcontext(f"sqlite:///{tmp_path / 'study.db'}") as address:
        all_open(address)


def all_open(address: str) -> None:
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
