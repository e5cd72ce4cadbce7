"""Trainings that start at once: a process that has imported everything forks one for each that is asked for.

A line of JSON in, `{"words": [...], "output": "file", "at": "log_batch", "after": 0.01, "number": 15, "told": "file"}`,
and two out: the process's number when it has started, and its exit code. With `at` the process gets the signal so many
seconds after that method of the store was first called, and the file `told` says when. With `kill` checkpoints are
written all the time, and the process is killed at that instant, if it is not null; see killing.py. `"command": "tune"`
is another one than train.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from support.places import ROOT


class Ended(NamedTuple):
    """How a training ended."""

    code: int
    seconds: float  # since the signal
    output: str


class Started:
    """A training."""

    def __init__(self, answers: Iterator[str], output: Path) -> None:
        self._answers, self._path = answers, output
        self.pid = json.loads(next(answers))

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._path.read_text()

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Waits until it has printed something."""
        end = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < end, self.output
            time.sleep(0.01)

    def signal(self, number: int) -> Ended:
        """Sends a signal, and waits for the end."""
        os.kill(self.pid, number)
        return self.end(time.monotonic())

    def end(self, since: float) -> Ended:
        """Waits for the end."""
        code = json.loads(next(self._answers))
        return Ended(code, time.monotonic() - since, self.output)


class Forking:
    """The process that has imported everything."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._answers, self._folder = process.stdin, iter(process.stdout), folder
        self._n_started = 0

    def start(self, *words: str, **when: Any) -> Started:
        """Starts a training."""
        self._n_started += 1
        output = self._folder / f"{self._n_started}.out"
        output.touch()
        print(json.dumps({"words": words, "output": str(output), **when}), file=self._requests, flush=True)
        return Started(self._answers, output)


@contextlib.contextmanager
def forking(folder: Path, **variables: str) -> Iterator[Forking]:
    """Has such a process until the end of the block; what trainings print goes to files of a folder."""
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(
        [sys.executable, "-m", "support.forked"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | environment | variables,
    ) as process:  # fmt: skip
        yield Forking(process, folder)
        assert process.stdin is not None
        process.stdin.close()


def _train(asked: dict[str, Any], words: Sequence[str]) -> None:
    command = importlib.import_module(f"pipeline.commands.{asked.get('command', 'train')}")
    file = os.open(asked["output"], os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    if "at" in asked:
        from support import patched_worker

        patched_worker.install(signals=[asked[name] for name in ("at", "after", "number", "told")])
    if "kill" in asked:
        from support import killing

        killing.often()
        if asked["kill"] is not None:
            killing.kill_at(*asked["kill"])
    command.main(words)


def main() -> None:
    """Forks until there are no more lines."""
    from pipeline.runtime import signals
    from pipeline.sweep.launch import server

    server._preload()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code: Any = 1
            try:
                signals.default()
                _train(asked, asked["words"])
                code = 0
            except SystemExit as ended:
                if isinstance(ended.code, str):
                    print(ended.code)
                code = 1 if isinstance(ended.code, str) else ended.code or 0
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(json.dumps(pid), file=answers, flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), file=answers, flush=True)


if __name__ == "__main__":
    main()
