"""Runs as the store would give them, and their ranking, for the tests of the comparison."""

from pipeline.compare.findings import Findings
from pipeline.compare.parameter_importance import importance
from pipeline.compare.ranking import Comparison, compare
from pipeline.compare.verdict import verdict
from pipeline.track import Selected, TrackedRun


def tracked(
    score: float | None,
    *,
    number: int = 0,
    seed: int = 0,
    fold: int = 0,
    split_seed: int | None = None,
    status: str = "FINISHED",
    tags: dict[str, str] | None = None,
    test: float | None = None,
    size: float = 100,
    **params: str,
) -> TrackedRun:
    """A run as the store tells of it."""
    metrics = {} if score is None else {"objective": score, "val_rmse": score, "gap_rmse": 1.0, "seconds_fit": 2.0}
    if score is not None:
        metrics |= {"test_rmse": score if test is None else test, "n_parameters": size}
    known = {"seed": str(seed), "data.split.seed": str(seed if split_seed is None else split_seed)}
    return TrackedRun(
        id=f"{number:032x}", name=f"run {number}", status=status, started=float(number), metrics=metrics,
        params=known | {"data.split.fold": str(fold), "tracking.run_name": f"{number}"} | params,
        tags={"objective": "val_rmse", "n_rows_train": "80", "n_rows_val": "20"} | (tags or {}),
    )  # fmt: skip


def ranked(*runs: TrackedRun, objective: str | None = None) -> Comparison:
    return compare(Selected("some", list(runs)), objective)


def replicas(scores: dict[str, list[float]], **fixed: int) -> list[TrackedRun]:
    """A run per learning rate and seed."""
    return [
        tracked(score, number=100 * place + seed, seed=seed, **fixed, **{"fit.learning_rate": rate})  # type: ignore[arg-type]
        for place, (rate, found) in enumerate(scores.items())
        for seed, score in enumerate(found)
    ]


def found_in(comparison: Comparison) -> Findings:
    curves = [([(1, 2.0), (2, 1.0)], [(1, 2.5), (2, 1.5)]) for _ in comparison.candidates[:5]]
    return Findings(comparison, verdict(comparison), importance(comparison), "make train", "loss", curves)
