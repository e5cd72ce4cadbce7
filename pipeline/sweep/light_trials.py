"""Light trials: runs that keep scores, weights and preprocessing, of which a model is made when it is wanted."""

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
MOST = 5  # configurations of a sweep whose models are made at its end
SAME = 1e-4  # relative to a score, or to a target's deviation: what rounding may change


def keep(prepared: Prepared, trained: Trained) -> Shipped:
    """Logs what a model can be made of later: weights, preprocessing, and what the card tells of training."""
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
    """The runs of a sweep that are to have a model and have none, the best first.

    Args:
        comparison: Of its runs.
        keep: As `sweep.keep` says: of all runs; of the front, or else of the first configurations the run that stands
            for each; or of none.
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
    """What `sweep.keep` was when the runs of a sweep were trained."""
    return "none" if comparison.best is None else comparison.best.run.tags.get("sweep_keep", "none")


def make_all(runs: list[TrackedRun], tracking_uri: str | None) -> None:
    """Makes the models of these runs, after a line that says so.

    Raises:
        ModelError: Of some none could be made, each in a line; the others have theirs.
    """
    faults = []
    if runs:
        say(console(), f"models are made of {len(runs)} of the sweep's runs, as sweep.keep says")
    for run in runs:
        try:
            make(run.id, tracking_uri)
        except PipelineError as error:
            faults.append(str(error))
    if faults:
        raise ModelError("\n".join(faults))


def make(run_id: str, tracking_uri: str | None) -> None:
    """Makes the model of a run that has none, verified, with its pictures and card; its scores stay as they are.

    Args:
        run_id: Of the run.
        tracking_uri: Of the store.

    Raises:
        ModelError: The data are gone or other ones, or what the run has kept does not give its scores any more.
        TrackingError: The store cannot be used, or has no such run.
    """
    from pipeline import track
    from pipeline.evaluate import baselines

    with claimed(f"model-{run_id}", wait=True), tempfile.TemporaryDirectory() as folder:
        run, logged, kept = track.kept_by(run_id, tracking_uri, Path(folder))
        if MADE in run.metrics:  # by another process, which had the claim
            return
        try:
            config = configuration.from_yaml(logged)
            tracking = config.tracking.model_copy(update={"uri": tracking_uri})
            with quiet("pipeline.data", level=logging.ERROR):  # it was said when the run was trained
                prepared, weights = _as_it_was(config, kept)
            with baselines.in_background(config, prepared.dataset) as beside, track.reopened(run, tracking) as tracked:
                trained = _with_weights(config, prepared, weights, tracked)
                scored = score(config, prepared, trained, beside)
                _require_same(scored, run)
                ship(config, prepared, trained, scored)
        except PipelineError as error:
            raise ModelError(
                f"run {run_id} has no model, and none can be made of what it has kept: {error}. "
                f"`{program()} rerun {run_id}` trains it anew, with a model"
            ) from None


class _Again(Trial):
    """A run whose preprocessing is fitted already."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self._preprocessing = preprocessing

    def fitted(self, config: Config, dataset: Dataset) -> Preprocessing:
        """As the run has logged it."""
        return self._preprocessing


def _as_it_was(config: Config, kept: Path) -> tuple[Prepared, Checkpoint]:
    """The data of a run by its own preprocessing, and its weights.

    Raises:
        ModelError: The rows are others, or the files are another version's.
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
        raise ModelError("its rows, or their division, are not those that it was trained on")
    return prepared, weights


def _with_weights(config: Config, prepared: Prepared, kept: Checkpoint, tracked: Run) -> Trained:
    from pipeline.fit import History
    from pipeline.fit.checkpoint import assign

    network = build(config, prepared)
    assign(network.variables, kept.weights)
    return Trained(network, History(kept.epochs, kept.best_epoch), tracked)


def _require_same(scored: Scored, run: TrackedRun) -> None:
    """That losses and errors are those that were logged, but for rounding: it may turn a label, and with it a share.

    Raises:
        ModelError: They are not: code or libraries are others by now.
    """
    scaler = scored.assembled.preprocessing.outputs
    unit = float(scaler.units_per_scaled.max()) if scored.assembled.about["task"] == "regression" else 1.0
    for name, value in scored.found.scores.items():
        part, _, kind = name.partition("_")
        if part == "gap" or direction(f"val_{kind}") != "minimize" or name not in run.metrics:
            continue  # a network of an ensemble has logged its validation loss alone
        was = run.metrics[name]
        if not math.isclose(value, was, rel_tol=SAME, abs_tol=SAME * unit):
            raise ModelError(f"{name} is {value:.6g} now, and was {was:.6g}: code or libraries have changed")
