"""Configurations that train as one network (`fit/packed`), where that is faster than one after another.

On two cores a dense network takes in a pack of 16 between 0.28 (Titanic) and 0.68 (Ames) of its time alone, and in a
pack of four between 0.45 and 0.82. Four TabM networks of 16 members take as long in a pack as one after another.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.errors import TrainingError
from pipeline.fit.packed import Job, Pack, packs, shape, why_alone
from pipeline.runtime import signals
from pipeline.sweep.tune.configurations import Drawn
from pipeline.sweep.tune.networks import TrainedNetwork, TunedSnapshot, Watch, recorded, tags
from pipeline.train import Trained, build

if TYPE_CHECKING:
    from pipeline.fit import History
    from pipeline.sweep.tune.resampling import ResampledPart

LARGEST_PACK = 16
LOOK_AHEAD = 64  # maximum number of configurations among which those of a pack are found


def groups(networks: Iterator[Drawn], n_ahead: Callable[[], int]) -> Iterator[list[Drawn]]:
    """Yields all configurations in groups that train together; the first, and those that cannot be packed, alone.

    Args:
        networks: All configurations, in order.
        n_ahead: Returns the number of configurations among which those of a pack may be found.
    """
    yield from ([first] for first in itertools.islice(networks, 1))
    for drawn in networks:
        if not _can_pack(drawn):
            yield [drawn]
            continue
        n_more = min(LOOK_AHEAD, n_ahead()) - 1
        yield from _grouped([drawn, *itertools.islice(networks, max(0, n_more))])


def _grouped(window: Sequence[Drawn]) -> list[list[Drawn]]:
    """Returns packs and single configurations, ordered by their first numbers."""
    alike: dict[str, list[Drawn]] = {}
    for drawn in window:
        key = shape(drawn.config.model, _without_limit(drawn)) if _can_pack(drawn) else f"alone {drawn.number}"
        alike.setdefault(key, []).append(drawn)
    found = []
    for those in alike.values():
        sizes = [drawn.config.model.units for drawn in those] if len(those) > 1 else [[]]
        found += [[those[index] for index in sorted(pack)] for pack in packs(sizes, LARGEST_PACK)]
    return sorted(found, key=lambda pack: pack[0].number)


def _can_pack(drawn: Drawn) -> bool:
    return why_alone(drawn.config.model, _without_limit(drawn)) is None


def _without_limit(drawn: Drawn) -> Any:
    """Returns the fit section without `max_minutes`, which `train_packed` applies to the whole group."""
    return drawn.config.fit.model_copy(update={"max_minutes": None})


def train_packed(
    group: Sequence[Drawn], part: ResampledPart, watch: Watch | None
) -> Iterator[tuple[Drawn, TrainedNetwork | TrainingError]]:
    """Trains networks as one, each in its own run, and yields each when it ends.

    After Ctrl-C it yields those in training, with their best weights so far, before it raises.

    Args:
        group: Configurations of a pack; `fit.max_minutes` of the first is the time limit of all.
        part: Their rows.
        watch: Takes the networks in training after each epoch.

    Raises:
        PipelineError: The networks cannot be built, or their runs cannot be tracked.
    """
    from pipeline import fit

    prepared = part.prepared
    jobs = []
    with fit.memory_error_explained():
        for drawn in group:
            fit.seed_layers(drawn.config.seed)
            jobs.append(Job(build(drawn.config, prepared), drawn.config.fit, drawn.config.seed))
    runs = {place: _run(drawn, part, jobs[place].network, len(group)) for place, drawn in enumerate(group)}
    task, scale = prepared.dataset.rows.target.task, prepared.preprocessing.outputs.units_per_scaled
    with Pack(jobs, prepared.train, prepared.val, task=task, output_scale=scale) as pack, _closing(runs):
        watched = None if watch is None else partial(_watched, pack, group, part, watch)
        for place, came in _ends(pack, {place: next(run) for place, run in runs.items()}, watched):
            yield group[place], _ended(runs.pop(place), came)


def _watched(pack: Pack, group: Sequence[Drawn], part: ResampledPart, watch: Watch) -> None:
    """Scores the networks in training."""
    latest = pack.snapshots().items()
    watch([TunedSnapshot.of(group[place], one, part) for place, one in latest])


def _ends(pack: Pack, reports: dict[int, Any], watched: Callable[[], None] | None) -> Iterator[tuple[int, Any]]:
    try:
        for together in pack.train(reports):
            yield from together
            if watched is not None:
                watched()
    except KeyboardInterrupt as interrupt:
        if type(interrupt) is not KeyboardInterrupt:
            raise  # the sender of another signal does not wait
        signals.leave()
        yield from pack.stop()
        raise


def _run(drawn: Drawn, part: ResampledPart, network: Any, n_packed: int) -> Generator[Any, History, None]:
    """Keeps the run of a network open: yields the report of its epochs, takes its history, and yields the result."""
    from pipeline import fit, track

    prepared = part.prepared
    about = tags(drawn, part) | {"device": fit.describe_devices(), "objective": prepared.objective}
    with track.start(drawn.config, prepared.dataset, about=about) as tracked:
        tracked.log_report(prepared.report)
        history = yield tracked.log_epoch
        of_all = sum(epoch["seconds"] for epoch in history.epochs)
        found = recorded(Trained(network, history, tracked), part, {"seconds_fit": of_all / n_packed})
    yield found


def _ended(run: Generator[Any, Any, None], came: Any) -> TrainedNetwork | TrainingError:
    """Closes the run of a network."""
    try:
        found: TrainedNetwork = run.throw(came) if isinstance(came, Exception) else run.send(came)
    except TrainingError as error:
        return error
    run.close()
    return found


@contextlib.contextmanager
def _closing(runs: dict[int, Generator[Any, Any, None]]) -> Iterator[None]:
    """Closes the runs that are left when the training fails or is interrupted."""
    try:
        yield
    except BaseException as error:
        for run in runs.values():
            with contextlib.suppress(BaseException):
                run.throw(KeyboardInterrupt() if isinstance(error, GeneratorExit) else error)
        raise
