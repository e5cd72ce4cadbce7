"""Runs `tune`: trains networks, selects an ensemble after each, and exports one model in one run."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline import config as configuration
from pipeline.config import Config
from pipeline.data import InMemory, Report, leak_advice
from pipeline.errors import ConfigError, TrainingError
from pipeline.evaluate.leaderboard import LeaderboardRow, as_csv
from pipeline.evaluate.paired import Difference
from pipeline.runtime import signals
from pipeline.runtime.quiet import quiet
from pipeline.runtime.startup import tell_of_tensorflow
from pipeline.sweep.tune.configurations import Drawn, configurations
from pipeline.train import Prepared, Result, Trained, import_stages, prepare, result_of, score, ship

if TYPE_CHECKING:
    from pipeline.sweep.tune.limits import Limits
    from pipeline.sweep.tune.networks import TunedMember
    from pipeline.sweep.tune.resampling import Resampling
    from pipeline.sweep.tune.selection import Selection
    from pipeline.sweep.tune.unfinished import Kept
    from pipeline.track import Run

log = logging.getLogger(__name__)

MAX_FAILURES = 2  # before any network has been trained


@dataclass(frozen=True)
class Tuned:
    """The result of `tune`."""

    result: Result  # of the ensemble
    score: str  # for the selection of networks, such as val_rmse
    loss: float  # of the ensemble
    lines: list[LeaderboardRow]  # of the configurations, best first
    is_distilled: bool  # whether the model is one network trained on the predictions of the ensemble

    @property
    def has_folds(self) -> bool:
        """Whether losses are out of fold, and so not comparable with scores on validation rows."""
        return len(self.lines[0].run_ids) > 1

    @property
    def summary(self) -> str | None:
        """Improvement over the network as configured; None if the ensemble is that network, or it failed."""
        first = next((line for line in self.lines if not line.words), None)
        if first is None or first.share == 1:
            return None
        return f"against the network as configured: {Difference(self.score, self.loss, first.loss, first.error).text}"


def tune(*words: str) -> Tuned:
    """Trains networks until the time is over, and exports an ensemble of the best as one model in one run.

    Ctrl-C ends training and exports the ensemble so far. A killed command resumes when it is repeated.

    Args:
        *words: Overrides, as for `train`, including `tune.minutes` and the like.

    Raises:
        PipelineError: The overrides or the data are at fault, or no network could be trained.

    Example:
        >>> from pipeline import tune
        >>> tuned = tune("data=iris", "tune.n_trials=2", "tune.folds=1", "fit.epochs=2")
        >>> tuned.score, len(tuned.lines)
        ('val_log_loss', 2)
        >>> tuned.result.model_path is not None
        True
    """
    command = configuration.parse(words)
    if command.is_sweep:
        raise ConfigError("tune: draws values itself, so give one value per key; the command sweep takes several")
    config = command.config
    networks = configurations(words, config)
    prepared = prepare(config)
    tell_of_tensorflow()
    import_stages()
    from pipeline import fit, track
    from pipeline.evaluate import baselines
    from pipeline.sweep.tune.distillation import require_in_memory
    from pipeline.sweep.tune.resampling import resampling
    from pipeline.sweep.tune.unfinished import keeping

    resampled = resampling(config, prepared)
    if config.tune.distill:
        require_in_memory(prepared)
    about = {"objective": prepared.objective, "device": fit.describe_devices(), "tuned": shlex.join(words)}
    with (
        baselines.in_background(config, prepared.dataset) as beside,
        keeping(words, config, prepared.dataset) as kept,
        track.start(
            config, prepared.dataset, about, resumes=kept.run_id, is_known=kept.is_known, new_id=kept.new_id
        ) as tracked,
    ):
        kept.begin(tracked.id)
        tracked.log_report(prepared.report)
        with track.below(tracked.id), quiet("pipeline.fit", "pipeline.track"):  # suppresses their lines for each epoch
            selection, to_raise = _selected(config, resampled, networks, kept)
        prepared.clock.lap("networks")
        lines = selection.lines()
        tracked.log_networks(as_csv(lines))
        done = _final(config, _ensemble(selection, prepared, tracked), prepared, lines)
        scored = replace(score(config, prepared, done, beside), advice=_advice(selection, to_raise, prepared.report))
        shipped = ship(config, prepared, done, scored)
        of_ensemble = {f"ensemble_{resampled.loss.name}": selection.reached}
        tracked.log_final({"n_networks": len(lines), "n_entries": len(selection.networks)} | of_ensemble)
    result = result_of(prepared, done, scored, shipped)
    shares = {run_id: line.share / len(line.run_ids) for line in lines for run_id in line.run_ids}
    track.tag_runs(result.store, {run_id: {"share_of_ensemble": f"{share:.4g}"} for run_id, share in shares.items()})
    return Tuned(result, resampled.loss.name, selection.reached, lines, config.tune.distill)


def _selected(
    config: Config, resampled: Resampling, networks: Iterator[Drawn], kept: Kept
) -> tuple[Selection, str | None]:
    """Trains configurations until a limit is reached or Ctrl-C is pressed.

    Returns:
        The ensemble, and an override that raises the limit; None after Ctrl-C, or if patience was the limit.

    Raises:
        TrainingError: All configurations failed, or more than MAX_FAILURES before any was trained.
    """
    from pipeline.sweep.tune.limits import Limits
    from pipeline.sweep.tune.packing import groups
    from pipeline.sweep.tune.selection import Selection
    from pipeline.sweep.tune.training import Training

    selection = Selection(resampled, config.tune.max_entries, config.tune.seed)
    limits = Limits(config.tune)
    training = Training(selection, kept, limits)
    is_in_memory = isinstance(resampled.parts[0].prepared.dataset, InMemory)
    n_ahead = partial(limits.n_ahead, selection) if is_in_memory else lambda: 1
    failed: TrainingError | None = None
    to_raise: str | None = None
    try:
        for group in groups(networks, n_ahead):
            if limits.are_reached(selection):
                to_raise = limits.to_raise()
                break
            for drawn, came in training.of(group):
                limits.n_tried += 1
                failed = _taken(drawn, came, selection, limits) or failed
    except KeyboardInterrupt as interrupt:
        if type(interrupt) is not KeyboardInterrupt or not selection.members:
            raise  # the sender of another signal does not wait for an export
        signals.leave()
        log.info("interrupted; exporting the ensemble so far")
    if failed is not None and not selection.members:
        raise failed
    selection.omit_unfinished()
    return selection, to_raise


def _taken(
    drawn: Drawn, came: TunedMember | TrainingError, selection: Selection, limits: Limits
) -> TrainingError | None:
    """Adds a trained configuration, or omits one that has failed and returns its error."""
    if not isinstance(came, TrainingError):
        selection.add(came)
        _tell(came, selection, limits)
        return None
    selection.omit(drawn.number)
    if not selection.members and limits.n_tried > MAX_FAILURES:
        raise came
    log.warning("network %d is omitted: %s", drawn.number, came)
    return came


def _tell(member: TunedMember, selection: Selection, limits: Limits) -> None:
    settings, score = limits.settings, selection.resampled.loss.name
    of_trials = "" if settings.n_trials is None else f" of {settings.n_trials}"
    of_time = "" if settings.minutes is None else f", {limits.minutes:.1f} of {settings.minutes:g} minutes"
    what = " ".join(member.drawn.words) or "as configured"
    log.info("network %d%s (%s): %s %.5g", limits.n_tried, of_trials, what, score, member.loss)
    log.info("ensemble of %d: %s %.5g%s", len(selection.networks), score, selection.reached, of_time)


def _ensemble(selection: Selection, prepared: Prepared, tracked: Run) -> Trained:
    """Combines the selected networks; the learning curve is that of the network with the largest weight."""
    from pipeline.fit import History
    from pipeline.model.layers.averaged_networks import ensemble
    from pipeline.sweep.tune.networks import each_once, held_out_by

    shares, resampled = selection.shares, selection.resampled
    number = max(shares, key=lambda number: (shares[number], -number))
    most = next(member for member in selection.members if member.drawn.number == number).trained[0].checkpoint
    (distinct, places), n_folds = each_once(selection.entries), len(resampled.parts)
    networks = [network for entry in distinct for network in entry.networks(resampled.parts[0])]
    entries = [place * n_folds + fold for place in places for fold in range(n_folds)]
    made = ensemble(networks, entries, prepared.dataset.rows.target.task)
    held_out = held_out_by(selection.entries, resampled) if resampled.has_folds else None
    return Trained(made, History(most.epochs, most.best_epoch), tracked, held_out)


def _final(config: Config, ensemble: Trained, prepared: Prepared, lines: list[LeaderboardRow]) -> Trained:
    """Returns what to export: the ensemble, or the network distilled from it."""
    from pipeline.sweep.tune.distillation import distilled

    made = distilled(config, prepared, ensemble) if config.tune.distill else ensemble
    return replace(made, networks=lines)


def _advice(selection: Selection, to_raise: str | None, report: Report) -> str | None:
    """Suggests a longer tuning if the last network has improved the ensemble, unless a column tells the target."""
    if leak := leak_advice(report):
        return leak
    if to_raise is None or selection.n_idle or len(selection.members) < 2:
        return None
    return f"{to_raise}: the last network has improved the ensemble"
