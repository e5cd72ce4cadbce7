"""All that is found out about a selection of runs, before anything of it is shown."""

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
    """What a report shows."""

    comparison: Comparison
    verdict: Verdict
    importance: ParameterImportance | None
    command: str | None  # that trains the best configuration; None where nothing is ranked
    curve_name: str  # of the metric whose values per epoch these are
    curves: list[tuple[Curve, Curve]]  # training's and validation's, of the run of each of the best few


def find(comparison: Comparison) -> Findings:
    """Looks closer at a ranking; asks the store for the curves and the config of the best few."""
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
    """What the runs are ranked by where that was looked at in each epoch, else the loss."""
    is_kept = all(f"epoch_val_{measure}" in candidate.run.metrics for candidate in best)
    return measure if is_kept else "loss"
