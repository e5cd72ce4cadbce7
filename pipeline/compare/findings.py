"""Collects the results of a comparison before they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import track
from pipeline.compare.candidates import Candidate
from pipeline.compare.parameter_importance import ParameterImportance, importance
from pipeline.compare.ranking import Comparison
from pipeline.compare.train_command import command
from pipeline.compare.verdict import Verdict, verdict

N_CURVES = 5

Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class Findings:
    """The content of a report."""

    comparison: Comparison
    verdict: Verdict
    importance: ParameterImportance | None
    command: str | None  # command that trains the best configuration; None if nothing is ranked
    curve_name: str  # metric of the curves
    curves: list[tuple[Curve, Curve]]  # training and validation curves of the best few configurations


def find(comparison: Comparison) -> Findings:
    """Analyses a ranking, and loads curves and config of the best few from the store."""
    best = comparison.candidates[:N_CURVES]
    name = _curve_name(best, comparison.measure)
    train, val = ("loss", "val_loss") if name == "loss" else (f"epoch_{name}", f"epoch_val_{name}")
    kept = track.curves([candidate.run.id for candidate in best], (train, val))
    return Findings(
        comparison=comparison,
        verdict=verdict(comparison),
        importance=importance(comparison),
        command=command(best[0].run.id) if best else None,
        curve_name=name,
        curves=[(kept[candidate.run.id][train], kept[candidate.run.id][val]) for candidate in best],
    )


def _curve_name(best: list[Candidate], measure: str) -> str:
    """Returns the metric that runs are ranked by if it was logged per epoch, else the loss."""
    is_kept = all(f"epoch_val_{measure}" in candidate.run.metrics for candidate in best)
    return measure if is_kept else "loss"
