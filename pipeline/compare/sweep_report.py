"""A sweep's comparison: its best on the parent run, and the report among the parent's artifacts."""

from __future__ import annotations

import logging
import shlex
from typing import TYPE_CHECKING

from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.compare.candidates import Candidate
    from pipeline.compare.findings import Findings
    from pipeline.compare.ranking import Comparison
    from pipeline.config.rules import Tracking

N_DESCRIBED = 5  # configurations that the page of a sweep lists at its top

logger = logging.getLogger(__name__)


def rank_sweep(parent_run_id: str, tracking: Tracking) -> Comparison:
    """Ranks the runs of a sweep, and writes to its parent run which of them is the best.

    Args:
        parent_run_id: Id of the sweep's parent run.
        tracking: Where it is kept.

    Raises:
        TrackingError: The store does not answer.
    """
    from pipeline import track  # MLflow takes seconds to import, and a command line that only helps needs none
    from pipeline.compare.ranking import compare

    with track.connected(tracking):
        comparison = compare(track.select_runs(sweep=parent_run_id))
        if comparison.best is not None:
            track.log_best(parent_run_id, comparison.best.run, _figures(comparison.best))
    return comparison


def report_sweep(parent_run_id: str, comparison: Comparison, tracking: Tracking) -> None:
    """Logs the report on a sweep's runs to its parent; a fault in it is told and spoils nothing.

    Args:
        parent_run_id: Id of the sweep's parent run.
        comparison: Of its runs.
        tracking: Where it is kept.
    """
    again = command(parent_run_id, tracking.uri)
    try:
        from pipeline import track
        from pipeline.compare.findings import find
        from pipeline.compare.report import save_report as report  # and with it scikit-learn

        with track.connected(tracking):
            found = find(comparison)
            place = report.log(parent_run_id, found)
            track.describe(parent_run_id, description(found, again))
        print(f"{found.verdict.headline}. {found.verdict.text}")
        print(f"{'report':18}{place}\n{'again':18}{again}", flush=True)
    except Exception as error:
        logger.warning("the comparison was not written (%s: %s); to repeat it: %s", type(error).__name__, error, again)


def description(found: Findings, again: str) -> str:
    """What the page of a sweep's parent run says at its top, in Markdown: the best few, and what is known of them.

    Args:
        found: Of its runs.
        again: The command that compares them once more.
    """
    from pipeline.compare.text_output import as_markdown

    comparison, verdict = found.comparison, found.verdict
    best = comparison.best
    trained = [found.command or ""] if found.command else []
    used = [f"python -m pipeline predict {best.run.id} new.csv predictions.csv"] if best is not None else []
    parts = [
        f"{comparison.counts()}; by {comparison.objective}, {comparison.better()}",
        as_markdown(comparison, N_DESCRIBED),
        f"**{verdict.headline}.** {verdict.text}",
        "\n".join(["The best:", "```", *trained, *used, "```", "All of them:", "```", again, "```"]),
    ]
    return "\n\n".join(parts)


def command(parent_run_id: str, uri: str | None, *options: str) -> str:
    """What to type to compare a sweep's runs."""
    from pipeline.config import IN_CHECKOUT  # late: it comes with Hydra, which the help of a command need not wait for

    words = shlex.join(["--sweep", parent_run_id, *(["--uri", uri] if uri else []), *options])
    return f'make compare ARGS="{words}"' if IN_CHECKOUT else f"{program()} compare {words}"


def _figures(best: Candidate) -> dict[str, float]:
    """Means over the runs of a configuration, as its parent run has them: the objective and the final scores."""
    scores = [name for name in best.run.metrics if name.startswith(("val_", "test_")) and name != "val_loss"]
    means = {name: best.metric(name) for name in scores}  # but for the loss, which is a value of epochs
    known = {name: mean for name, mean in means.items() if mean is not None}
    return {"objective": best.mean, "n_runs": len(best.runs)} | known
