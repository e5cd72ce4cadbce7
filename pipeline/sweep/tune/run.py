"""The story of `tune`: networks one after the other, a selection after each, and one run with one model in the end."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline import config as configuration
from pipeline.config import Config
from pipeline.errors import ConfigError, TrainingError
from pipeline.runtime import signals
from pipeline.runtime.startup import tell_of_tensorflow
from pipeline.sweep.tune.configurations import Drawn, configurations
from pipeline.sweep.tune.leaderboard import Line, as_csv, lines_of
from pipeline.train import Prepared, Result, Trained, import_stages, prepare, result_of, score, ship

if TYPE_CHECKING:
    import numpy as np

    from pipeline.evaluate.ensemble import ValidationLoss
    from pipeline.sweep.tune.kept import Kept
    from pipeline.sweep.tune.members import Member
    from pipeline.sweep.tune.selection import Limits, Selection
    from pipeline.track import Run

log = logging.getLogger(__name__)

MOST_FAILURES = 2  # before any network comes to something


@dataclass(frozen=True)
class Tuned:
    """What a tuning came to."""

    result: Result  # of the ensemble
    score: str  # by which networks were selected, such as val_rmse
    loss: float  # of the ensemble
    lines: list[Line]  # of the networks, best first


def tune(*words: str) -> Tuned:
    """Trains networks until time is over, and exports an ensemble of the best as one model in one run.

    Ctrl-C ends the training; what there is by then is exported. A command that was killed goes on when it is repeated.

    Args:
        *words: Overrides, as of `train`, with `tune.minutes` and the like.

    Raises:
        PipelineError: The words or the data are wrong, or no network comes to anything.
    """
    command = configuration.parse(words)
    if command.is_sweep:
        raise ConfigError("tune: draws by itself, so give one value for each key; a sweep of your own is make sweep")
    config = command.config
    networks = configurations(words, config)
    prepared = prepare(config)
    tell_of_tensorflow()
    import_stages()
    from pipeline import fit, track
    from pipeline.evaluate import baselines
    from pipeline.sweep.tune.kept import keeping

    about = {"objective": prepared.objective, "device": fit.describe_devices(), "tuned": shlex.join(words)}
    with (
        baselines.beside(config, prepared.dataset) as beside,
        keeping(words, config, prepared.dataset) as kept,
        track.start(config, prepared.dataset, about=about, going_on=kept.run_id) as tracked,
    ):
        kept.begin(tracked.id)
        tracked.log_report(prepared.report)
        with track.below(tracked.id), _quiet():
            selection = _selected(config, prepared, networks, kept)
        prepared.clock.lap("networks")
        lines = lines_of(selection.members, selection.shares)
        tracked.log_networks(as_csv(lines))
        done = _ensemble(selection, prepared, tracked)
        scored = replace(score(config, prepared, done, beside), advice=_advice(config, selection))
        shipped = ship(config, prepared, done, scored)
        tracked.log_final({"n_networks": len(lines), "n_entries": len(selection.shares)})
    result = result_of(prepared, done, scored, shipped)
    track.tag_runs(result.store, {line.run_id: {"share_of_ensemble": f"{line.share:.4g}"} for line in lines})
    return Tuned(result, _score(prepared), selection.reached, lines)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what single runs say of themselves: a line for each epoch, of many networks."""
    loggers = [logging.getLogger(name) for name in ("pipeline.fit", "pipeline.track")]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger in loggers:
            logger.setLevel(logging.NOTSET)


def _selected(config: Config, prepared: Prepared, networks: Iterator[Drawn], kept: Kept) -> Selection:
    """Trains, one network after the other, until the time or the patience is over, or Ctrl-C comes."""
    from pipeline.evaluate.ensemble import ValidationLoss
    from pipeline.sweep.tune.selection import Limits, Selection

    val = prepared.dataset.part("val")
    x, loss = prepared.preprocessing.apply(val).x, ValidationLoss.of(val, prepared.preprocessing)
    selection = Selection(loss, config.tune.max_entries, config.tune.seed)
    limits = Limits(config.tune)
    try:
        for drawn in networks:
            if limits.are_reached(selection):
                break
            limits.n_tried += 1
            try:
                member = _member(drawn, prepared, x, loss, kept, limits)
            except TrainingError as error:
                if not selection.members and limits.n_tried > MOST_FAILURES:
                    raise
                log.warning("network %d is left out: %s", drawn.number, error)
                continue
            selection.add(member)
            _tell(member, selection, limits, _score(prepared))
    except KeyboardInterrupt as interrupt:
        if type(interrupt) is not KeyboardInterrupt or not selection.members:
            raise  # whoever terminates a process does not wait for an export
        signals.leave()
        log.info("interrupted; the networks that there are become the model")
    return selection


def _member(
    drawn: Drawn, prepared: Prepared, x: np.ndarray, loss: ValidationLoss, kept: Kept, limits: Limits
) -> Member:
    """The network of a configuration, trained now or before."""
    from pipeline.sweep.tune.members import recalled, trained

    path = kept.path(drawn.number)
    if path.exists():
        member = recalled(drawn, prepared, x, loss, path)
        limits.seconds_before += member.checkpoint.seconds
        return member
    member = trained(limits.bounded(drawn), prepared, x, loss)
    kept.keep(drawn.number, member.checkpoint)
    return member


def _tell(member: Member, selection: Selection, limits: Limits, score: str) -> None:
    settings = limits.settings
    of_trials = "" if settings.n_trials is None else f" of {settings.n_trials}"
    of_time = "" if settings.minutes is None else f", {limits.minutes:.1f} of {settings.minutes:g} minutes"
    what = " ".join(member.drawn.words) or "as configured"
    log.info("network %d%s (%s): %s %.5g", limits.n_tried, of_trials, what, score, member.loss)
    log.info("ensemble of %d: %s %.5g%s", len(selection.shares), score, selection.reached, of_time)


def _ensemble(selection: Selection, prepared: Prepared, tracked: Run) -> Trained:
    """The selected networks as one; its learning curve is that of the network that counts most."""
    from pipeline.fit import History
    from pipeline.model.layers.ensemble import ensemble

    members, shares = selection.members, selection.shares
    task = prepared.dataset.rows.target.task
    network = ensemble([member.network for member in members], selection.entries, task)
    most = members[max(shares, key=lambda place: (shares[place], -place))].checkpoint
    return Trained(network, History(most.epochs, most.best_epoch), tracked)


def _score(prepared: Prepared) -> str:
    return "val_rmse" if prepared.dataset.rows.target.task == "regression" else "val_log_loss"


def _advice(config: Config, selection: Selection) -> str | None:
    """More time, where the last networks have improved the ensemble."""
    minutes = config.tune.minutes
    if minutes is None or selection.n_idle or len(selection.members) < 2:
        return None
    return f"tune.minutes={2 * minutes:g}: the last network has improved the ensemble"
