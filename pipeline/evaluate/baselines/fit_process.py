"""The process that fits baselines during training. It ends no later than the process that started it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from pipeline.config.rules import Baseline
from pipeline.evaluate import evaluate
from pipeline.evaluate.baselines.models import fitted
from pipeline.evaluate.baselines.request import Job, fault_of


def main(folder: Path) -> None:
    """Fits and scores the baselines one after the other, and caches each one immediately."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = Job.read(folder)
    for name in job.places:
        try:
            compute(name, job)
        except Exception as error:  # the other baselines are still useful
            fault_of(name, folder).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")


def compute(name: Baseline, job: Job) -> None:
    """Fits a baseline, scores it like a network and caches it, unless another process has cached it meanwhile.

    Args:
        name: Name of the baseline.
        job: The rows and the config.
    """
    place, dataset = job.places[name], job.dataset
    with place.claimed():
        if place.get() is None:
            model = fitted(name, dataset.part("train"), dataset.part("val"), job.config)
            place.put(evaluate(model, dataset))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the parent's end of the pipe closes
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
