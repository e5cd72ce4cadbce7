"""A process that trains one peer on one work, an epoch for each request; `measure.py` starts it."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time

from benchmarks.works import WORKS, load_rows, loss


class Turns:
    """Waits for a line before each epoch, and answers with the seconds it took."""

    def __init__(self, total: int, answers: int) -> None:
        self.total = total
        self._answers = answers

    def begin(self) -> None:
        """Waits."""
        sys.stdin.readline()
        self._start = time.perf_counter()

    def end(self) -> None:
        """Answers."""
        self.say({"seconds": time.perf_counter() - self._start})

    def say(self, answer: dict[str, float]) -> None:
        """A line of JSON."""
        os.write(self._answers, (json.dumps(answer) + "\n").encode())


def main(peer: str, name: str, total: str) -> None:
    """Trains, and in the end tells the loss of the training rows and the most memory that the process had, in bytes."""
    turns = Turns(int(total), os.dup(1))
    os.dup2(2, 1)  # what a library prints is no answer
    work = WORKS[name]
    rows = load_rows(work)
    predictions = importlib.import_module(f"benchmarks.peers.{peer}").train(work, rows, turns)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    turns.say({"loss": loss(work, predictions, rows.y), "memory": most, "rows": len(rows.x)})


if __name__ == "__main__":
    main(*sys.argv[1:])
