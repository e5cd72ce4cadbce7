"""Formats a comparison as CSV, Markdown or JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from pipeline.compare.baselines import against
from pipeline.compare.candidates import REPLICA, Candidate, with_deviation
from pipeline.compare.logged_values import short
from pipeline.compare.ranking import Comparison, reason
from pipeline.runtime.console import number


def as_csv(comparison: Comparison, top: int | None) -> str:
    """Formats one CSV line per configuration, best first.

    Args:
        comparison: The comparison.
        top: Number of configurations; None for all.
    """
    written = io.StringIO()
    rows = [_row(comparison, place, found) for place, found in enumerate(comparison.candidates[:top], 1)]
    names = list(rows[0]) if rows else ["place", comparison.objective]
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def as_markdown(comparison: Comparison, top: int | None) -> str:
    """Formats a Markdown table.

    Args:
        comparison: The comparison.
        top: Number of configurations; None for all.
    """
    measure = comparison.measure
    figures = ["#", comparison.objective, "runs", f"test_{measure}", *comparison.other_scores]
    lines = [[*figures, *comparison.labels.values()], ["--:"] * len(figures) + ["---"] * len(comparison.varying)]
    for place, found in zip(comparison.places, comparison.candidates[:top], strict=False):
        test = number(found.metric(f"test_{measure}"))
        params = [short(value).replace("|", "\\|") for value in found.params.values()]
        others = [number(found.metric(name)) for name in comparison.other_scores]
        lines.append([place, with_deviation(found), str(len(found.runs)), test, *others, *params])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_json(comparison: Comparison, top: int | None) -> str:
    """Formats the whole comparison as JSON, including every run.

    Args:
        comparison: The comparison.
        top: Number of configurations; None for all.
    """
    content = {
        "selection": comparison.title,
        "objective": comparison.objective,
        "objectives": comparison.objectives,
        "better": "lower" if comparison.sign > 0 else "higher",
        "n_runs": {"finished": comparison.n_finished} | {state: len(runs) for state, runs in comparison.others.items()},
        "notes": comparison.notes,
        "baselines": {
            found.name: {comparison.objective: found.baseline.mean, "against": found.text}
            for found in against(comparison)
        },
        "configurations": [
            _row(comparison, place, found) | {"runs": _runs(comparison, found)}
            for place, found in enumerate(comparison.candidates[:top], 1)
        ],
        "others": [
            {"state": state, "run_id": run.id, "name": run.name, "reason": reason(run)}
            for state, runs in comparison.others.items()
            for run in runs
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _row(comparison: Comparison, place: int, candidate: Candidate) -> dict[str, Any]:
    measure = comparison.measure
    return {
        "place": place,
        **({"on_front": comparison.on_front[place - 1]} if comparison.objectives else {}),
        comparison.objective: candidate.mean,
        "deviation": candidate.deviation,
        "n_runs": len(candidate.runs),
        f"test_{measure}": candidate.metric(f"test_{measure}"),
        f"gap_{measure}": candidate.metric(f"gap_{measure}"),
        **{name: candidate.metric(name) for name in comparison.other_scores},
        "n_parameters": candidate.metric("n_parameters"),
        "seconds_fit": candidate.seconds,
        **candidate.params,
        "run_id": candidate.run.id,
    }


def _runs(comparison: Comparison, candidate: Candidate) -> list[dict[str, Any]]:
    test = f"test_{comparison.measure}"
    return [
        dict(zip(REPLICA, replica, strict=True))
        | {"run_id": run.id, comparison.objective: candidate.scores[replica], test: run.metrics.get(test)}
        for replica, run in candidate.runs.items()
    ]
