"""Real servers for tests, on this machine only: MLflow's, PostgreSQL's, and a way to MLflow's that can be cut."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

HOST = "127.0.0.1"
UP_SECONDS = 90.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with contextlib.closing(socket.socket()) as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def mlflow_server(folder: Path, backend: str) -> Iterator[int]:
    """MLflow's server over a database, its artifacts in a folder; gives its port."""
    port = free_port()
    with (folder / "server.log").open("w") as log, subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--workers", "1",
         "--artifacts-destination", str(folder / "artifacts"), "--host", HOST, "--port", str(port)],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, stdout=log, stderr=log,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            _wait_for(f"http://{HOST}:{port}/health", process, folder / "server.log")
            yield port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + UP_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """PostgreSQL in a temporary folder; gives the address of an empty database. Skips where there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(installed[-1]) if installed else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    pytest.importorskip("psycopg2", reason="psycopg2-binary, of the extra dev, is not installed")
    binaries, port = Path(initdb).parent, free_port()
    as_root = os.getuid() == 0
    if as_root and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and the user postgres does not exist")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="postgres-") as folder:

        def run(*words: str) -> None:
            who = {"user": "postgres", "group": "postgres", "extra_groups": []} if as_root else {}
            subprocess.run(words, check=True, capture_output=True, cwd=folder, **who)  # type: ignore[call-overload]

        if as_root:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        run(initdb, "-D", data, "-U", "postgres", "--auth", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses={HOST} -c unix_socket_directories={folder} -c fsync=off"
        run(str(binaries / "pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg2://postgres@{HOST}:{port}/postgres"
        finally:
            run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")


class Way:
    """A way to a server that can be cut and slowed down.

    Attributes:
        delay: Seconds that each answer is kept back.
    """

    def __init__(self, port: int) -> None:
        self._to, self.port, self.delay = port, free_port(), 0.0
        self._open: set[socket.socket] = set()
        self._listening: socket.socket | None = None
        self.restore()

    @property
    def address(self) -> str:
        """By which clients find the server."""
        return f"http://{HOST}:{self.port}"

    def cut(self) -> None:
        """Refuses and breaks all connections."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Lets clients through again."""
        self._listening = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection((HOST, self._to))
                self._open |= {client, server}
                for source, sink, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, sink, answers), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)
