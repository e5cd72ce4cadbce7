"""A lock is held by one process at a time, and goes with it."""

import subprocess
import sys
from pathlib import Path

from pipeline.runtime.locks import locked

HOLDER = """
import sys
from pathlib import Path
from pipeline.runtime.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_until_its_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with locked(path, wait=False) as lock:
            assert lock is None
    finally:
        holder.kill()
        holder.communicate()
    with locked(path) as lock:
        assert lock is not None
