"""Light trials: runs that keep scores, weights and preprocessing, from which a model can be exported later."""

from __future__ import annotations

import json
import logging
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import config as configuration
from pipeline.config import Config, direction
from pipeline.errors import ModelError, PipelineError
from pipeline.runtime.console import console, say
from pipeline.runtime.program import program
from pipeline.runtime.quiet import quiet
from pipeline.sweep.claims import claimed
from pipeline.train import Prepared, Scored, Shipped, Trained, Trial, build, import_stages, prepare, score, ship

if TYPE_CHECKING:
    from pipeline.compare.ranking import Comparison
    from pipeline.data import Dataset, Preprocessing
    from pipeline.fit.checkpoint import Checkpoint
    from pipeline.track import Run, TrackedRun

WEIGHTS, PREPROCESSING = "weights.npz", "preprocessing.json"
MADE = "export_difference"  # metric of a run that has a model
MOST = 5  # best configurations whose models are exported at the end of a sweep
SAME = 1e-4  # tolerance for rounding, relative to a score or to a target's standard deviation


def keep(prepared: Prepared, trained: Trained) -> Shipped:
    """Logs what a later export needs: weights, preprocessing, and the history for the model card.

    Args:
        prepared: Rows and preprocessing.
        trained: The trained network and its run.

    Returns:
        Shipped without an export.
    """
    from pipeline.data.preprocessing.as_json import to_json
    from pipeline.fit.checkpoint import Checkpoint, of_data, values_of
    from pipeline.track import TRAINED

    tracked, history, origins = trained.tracked, trained.history, {"data": of_data(prepared.dataset)}
    weights = values_of(trained.network.variables)
    kept = Checkpoint(tracked.id, origins, 0.0, history.epochs, weights, is_trained=True, best_epoch=history.best_epoch)
    with tracked.artifact(f"{TRAINED}/{WEIGHTS}") as path:
        kept.write(path)
    with tracked.artifact(f"{TRAINED}/{PREPROCESSING}") as path:
        path.write_text(json.dumps(to_json(prepared.preprocessing), ensure_ascii=False), encoding="utf-8")
    return Shipped({}, None)


def lacking(comparison: Comparison, keep: str) -> list[TrackedRun]:
    """Returns the runs of a sweep that need a model and lack one, best first.

    Args:
        comparison: Ranking of the sweep.
        keep: Value of `sweep.keep`: `all` selects every run; `best` the runs of the Pareto front, or without several
            objectives one run for each of the best configurations; `none` selects no runs.
    """
    ranked = comparison.candidates
    front = [candidate for candidate, is_best in zip(ranked, comparison.on_front, strict=True) if is_best]
    chosen = {
        "all": [run for candidate in ranked for run in candidate.runs.values()],
        "best": [candidate.run for candidate in front or ranked[:MOST]],
        "none": [],
    }
    return [run for run in chosen[keep] if MADE not in run.metrics]


def asked_of(comparison: Comparison) -> str:
    """Returns the value of `sweep.keep` when the best run was trained; `none` if no run has a score."""
    return "none" if comparison.best is None else comparison.best.run.tags.get("sweep_keep", "none")


def make_all(runs: list[TrackedRun], tracking_uri: str | None) -> None:
    """Exports the models of these runs.

    Args:
        runs: Runs without a model.
        tracking_uri: Of the store.

    Raises:
        ModelError: Some models could not be exported, a line for each; the others were.
    """
    faults = []
    if runs:
        say(console(), f"exporting the models of {len(runs)} of the sweep's runs (sweep.keep)")
    for run in runs:
        try:
            make(run.id, tracking_uri)
        except PipelineError as error:
            faults.append(str(error))
    if faults:
        raise ModelError("\n".join(faults))


def make(run_id: str, tracking_uri: str | None) -> None:
    """Exports and verifies the model of a run that lacks one, with plots and model card; its scores do not change.

    Args:
        run_id: Of the run.
        tracking_uri: Of the store.

    Raises:
        ModelError: The data are missing or have changed, or the kept weights do not reproduce the run's scores.
        TrackingError: The store cannot be used, or does not have the run.
    """
    from pipeline import track
    from pipeline.evaluate import baselines

    with claimed(f"model-{run_id}", wait=True), tempfile.TemporaryDirectory() as folder:
        run, logged, kept = track.kept_by(run_id, tracking_uri, Path(folder))
        if MADE in run.metrics:  # by another process, which held the lock before
            return
        try:
            config = configuration.from_yaml(logged)
            tracking = config.tracking.model_copy(update={"uri": tracking_uri})
            with quiet("pipeline.data", level=logging.ERROR):  # its lines were shown when the run was trained
                prepared, weights = _as_it_was(config, kept)
            with baselines.in_background(config, prepared.dataset) as beside, track.reopened(run, tracking) as tracked:
                trained = _with_weights(config, prepared, weights, tracked)
                scored = score(config, prepared, trained, beside)
                _require_same(scored, run)
                ship(config, prepared, trained, scored)
        except PipelineError as error:
            raise ModelError(
                f"run {run_id} has no model, and its kept weights cannot be exported: {error}. "
                f"`{program()} rerun {run_id}` trains it again and exports a model"
            ) from None


class _Again(Trial):
    """A run whose preprocessing is already fitted."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self._preprocessing = preprocessing

    def fitted(self, config: Config, dataset: Dataset) -> Preprocessing:
        """Returns the preprocessing that the run logged."""
        return self._preprocessing


def _as_it_was(config: Config, kept: Path) -> tuple[Prepared, Checkpoint]:
    """Prepares the data of a run with its own preprocessing, and reads its weights.

    Raises:
        ModelError: The rows have changed, or the files have another format version.
    """
    from pipeline.data.preprocessing.as_json import from_json

    import_stages()
    from pipeline.fit.checkpoint import Checkpoint, of_data

    try:
        preprocessing = from_json(json.loads((kept / PREPROCESSING).read_text(encoding="utf-8")))
        weights = Checkpoint.read(kept / WEIGHTS)
    except (OSError, ValueError) as error:
        raise ModelError(str(error)) from None
    prepared = prepare(config, _Again(preprocessing))
    if of_data(prepared.dataset) != weights.origins["data"]:
        raise ModelError("its rows or their split have changed since it was trained")
    return prepared, weights


def _with_weights(config: Config, prepared: Prepared, kept: Checkpoint, tracked: Run) -> Trained:
    from pipeline.fit import History
    from pipeline.fit.checkpoint import assign

    network = build(config, prepared)
    assign(network.variables, kept.weights)
    return Trained(network, History(kept.epochs, kept.best_epoch), tracked)


def _require_same(scored: Scored, run: TrackedRun) -> None:
    """Checks that losses and errors equal the logged ones up to rounding; other scores may change with one label.

    Raises:
        ModelError: A score differs: code or libraries have changed.
    """
    scaler = scored.assembled.preprocessing.outputs
    unit = float(scaler.units_per_scaled.max()) if scored.assembled.about["task"] == "regression" else 1.0
    for name, value in scored.found.scores.items():
        part, _, kind = name.partition("_")
        if part == "gap" or direction(f"val_{kind}") != "minimize" or name not in run.metrics:
            continue  # a network of an ensemble logs only its validation loss
        was = run.metrics[name]
        if not math.isclose(value, was, rel_tol=SAME, abs_tol=SAME * unit):
            raise ModelError(f"{name} is {value:.6g} now, and was {was:.6g}: code or libraries have changed")
