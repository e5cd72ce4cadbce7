"""The store, used by several processes at once."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_two_processes_may_make_the_store_at_once(tmp_path: Path) -> None:
    code = (
        "from pipeline import load\nfrom pipeline.track import connected\n"
        "from pipeline.track.store import experiment_id\n"
        f"tracking = load('tracking.uri=sqlite:///{tmp_path}/mlflow.db').tracking\n"
        "with connected(tracking) as uri: print(experiment_id(tracking, uri))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], ended
    assert ended[0][0] == ended[1][0] == "1\n"
