"""Lines of JSON over a socket, optionally with open files."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.runtime.signals import held

Message = dict[str, Any]

CHUNK = 1 << 16  # bytes
MAX_FILES = 64  # in a chunk


class Lines:
    """One end of the socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._writing = threading.Lock()

    def send(self, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
        """Sends a line.

        Args:
            message: Values that JSON can represent.
            files: Open files, which the other process receives.

        Raises:
            OSError: The other end is closed.
        """
        data = json.dumps({**message, "n_files": len(files)}).encode("ascii") + b"\n"
        with held(), self._writing:
            sent = socket.send_fds(self._end, [data], list(files)) if files else 0
            self._end.sendall(data[sent:])

    def __iter__(self) -> Iterator[tuple[Message, list[int]]]:
        """Yields each line with its files until the other end is closed."""
        unread, files = b"", list[int]()
        while True:
            try:
                data, new, _, _ = socket.recv_fds(self._end, CHUNK, MAX_FILES)
            except OSError:
                return
            if not data:
                return
            for file in new:
                os.set_inheritable(file, False)
            files += new
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                message = json.loads(line)
                n_files = message.pop("n_files")
                yield message, files[:n_files]
                del files[:n_files]

    def close(self) -> None:
        """Closes this end."""
        self._end.close()

    def shut(self) -> None:
        """Ends the connection, for threads that wait for a line too."""
        with contextlib.suppress(OSError):  # the other end is closed
            self._end.shutdown(socket.SHUT_RDWR)
