"""The command `ui`, running."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from support.places import ROOT
from support.servers import HOST, free_port


@contextlib.contextmanager
def ui(store: str) -> Iterator[tuple[str, str]]:
    """`python -m pipeline ui` on a store; gives its address, and that of the page which it tells to open."""
    port = free_port()
    address = f"http://{HOST}:{port}"
    started = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "ui", str(port)], cwd=ROOT, env=os.environ | {"MLFLOW_TRACKING_URI": store},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True,
    )  # fmt: skip
    assert started.stdout
    try:
        page = next(word for word in started.stdout.readline().split() if word.startswith(address))
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
                break
            assert started.poll() is None, "the UI ended"
            time.sleep(0.3)
        yield address, page
    finally:
        os.killpg(started.pid, signal.SIGTERM)  # the server and its worker
        started.wait(timeout=30)
        started.stdout.close()
