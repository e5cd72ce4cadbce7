"""The comparison of a sweep: the best run in the parent's tags, and the report in the parent's artifacts."""

from __future__ import annotations

import logging
import shlex
from typing import TYPE_CHECKING

from pipeline.runtime.program import program, stored_program

if TYPE_CHECKING:
    from pipeline.compare.candidates import Candidate
    from pipeline.compare.findings import Findings
    from pipeline.compare.ranking import Comparison
    from pipeline.config.rules import Tracking

N_DESCRIBED = 5  # configurations listed on a sweep's page

logger = logging.getLogger(__name__)


def rank_sweep(parent_run_id: str, tracking: Tracking) -> Comparison:
    """Ranks the runs of a sweep, and logs the best to its parent run.

    Args:
        parent_run_id: Id of the sweep's parent run.
        tracking: Its store.

    Raises:
        TrackingError: The store does not answer.
    """
    from pipeline import track  # MLflow takes seconds to import, which --help does not need
    from pipeline.compare.ranking import compare

    with track.connected(tracking):
        comparison = compare(track.select_runs(sweep=parent_run_id))
        if comparison.best is not None:
            track.log_best(parent_run_id, comparison.best.run, _figures(comparison.best))
    return comparison


def report_sweep(parent_run_id: str, comparison: Comparison, tracking: Tracking) -> None:
    """Logs the report of a sweep to its parent run; an error is logged as a warning.

    Args:
        parent_run_id: Id of the sweep's parent run.
        comparison: Comparison of its runs.
        tracking: Its store.
    """
    again = command(parent_run_id, tracking.uri)
    try:
        from pipeline import track
        from pipeline.compare.findings import find
        from pipeline.compare.report import save_report as report  # imports scikit-learn

        with track.connected(tracking):
            found = find(comparison)
            place = report.log(parent_run_id, found)
            track.describe(parent_run_id, description(found, again))
        print(f"{found.verdict.headline}. {found.verdict.text}")
        print(f"{'report':18}{place}\n{'again':18}{again}", flush=True)
    except Exception as error:
        logger.warning("the comparison was not written (%s: %s); to repeat it: %s", type(error).__name__, error, again)


def description(found: Findings, again: str) -> str:
    """Returns the Markdown description of a sweep's parent run: the best few configurations and the verdict.

    Args:
        found: Content of the report.
        again: Command that repeats the comparison.
    """
    from pipeline.compare.text_output import as_markdown

    comparison, verdict = found.comparison, found.verdict
    best = comparison.best
    trained = [found.command or ""] if found.command else []
    used = [f"{stored_program()} predict {best.run.id} new.csv predictions.csv"] if best is not None else []
    parts = [
        f"{comparison.counts()}; by {comparison.objective}, {comparison.better()}",
        as_markdown(comparison, N_DESCRIBED),
        f"**{verdict.headline}.** {verdict.text}",
        "\n".join(["The best:", "```", *trained, *used, "```", "All of them:", "```", again, "```"]),
    ]
    return "\n\n".join(parts)


def command(parent_run_id: str, uri: str | None, *options: str) -> str:
    """Returns the command that compares a sweep's runs.

    Args:
        parent_run_id: Id of the sweep's parent run.
        uri: Address of the store.
        *options: Further options of the command.
    """
    from pipeline.config import IN_CHECKOUT  # imports Hydra, which --help does not need

    words = shlex.join(["--sweep", parent_run_id, *(["--uri", uri] if uri else []), *options])
    return f'make compare ARGS="{words}"' if IN_CHECKOUT else f"{program()} compare {words}"


def _figures(best: Candidate) -> dict[str, float]:
    """Returns the means over a configuration's runs for the parent run: the objective and the final scores."""
    scores = [name for name in best.run.metrics if name.startswith(("val_", "test_")) and name != "val_loss"]
    means = {name: best.metric(name) for name in scores}  # except the loss, which is a value per epoch
    known = {name: mean for name, mean in means.items() if mean is not None}
    return {"objective": best.mean, "n_runs": len(best.runs)} | known
