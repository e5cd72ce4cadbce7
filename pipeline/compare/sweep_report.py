"""A sweep's comparison, written where its parent run is."""

from __future__ import annotations

import logging
import shlex
from typing import TYPE_CHECKING

from pipeline.config import IN_CHECKOUT

if TYPE_CHECKING:
    from pipeline.config.rules import Tracking

logger = logging.getLogger(__name__)


def report_sweep(parent_run_id: str, tracking: Tracking) -> None:
    """Compares a sweep's runs and logs the report to its parent; a fault in it is told and spoils nothing.

    Args:
        parent_run_id: Id of the sweep's parent run.
        tracking: Where it is kept.
    """
    again = command(parent_run_id, tracking.uri)
    try:
        from pipeline import track  # MLflow takes seconds to import, and a command line that only helps needs none
        from pipeline.compare.ranking import compare

        with track.connected(tracking):
            comparison = compare(track.select_runs(sweep=parent_run_id))
            if not comparison.candidates:
                return
            from pipeline.compare.findings import find
            from pipeline.compare.report import write as report  # and with it scikit-learn

            found = find(comparison)
            place = report.log(parent_run_id, found)
        print(f"{found.verdict.headline}. {found.verdict.text}")
        print(f"{'report':18}{place}\n{'again':18}{again}", flush=True)
    except Exception as error:
        logger.warning("the comparison was not written (%s: %s); to repeat it: %s", type(error).__name__, error, again)


def command(parent_run_id: str, uri: str | None) -> str:
    """What to type to compare a sweep's runs."""
    words = shlex.join(["--sweep", parent_run_id, *(["--uri", uri] if uri else [])])
    return f'make compare ARGS="{words}"' if IN_CHECKOUT else f"python -m pipeline compare {words}"
