"""A study as a ledger: which trials there are to be, who has which, and what they came to.

Optuna's trials are attempts; a place, from 0 to below `n_trials`, is what is to be done once. An attempt belongs to the
place that its attribute names. Of several attempts at one place the one with the lowest number counts unless it failed,
and numbers are given out by the storage: so processes that know nothing of each other agree without a lock.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipeline.config.ranges import Choice, Range
from pipeline.config.search_rules import Search
from pipeline.errors import SweepError
from pipeline.runtime import process
from pipeline.sweep.identity import differences
from pipeline.sweep.search.proposals import Params, Space, Value, in_order
from pipeline.sweep.search.samplers import sampler_of
from pipeline.sweep.search.storage import FAULTS, opened, storage_of

Direction = Literal["minimize", "maximize"]
PLACE, PROCESS, SIGN, ORIGINS = "place", "process", "sign ", "origins"
KEEPS_PLACE = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
FIXED = "fixed_params"  # Optuna's own attribute for values that its sampler is not asked for
DRAWN_AHEAD = ("random", "qmc", "grid")  # samplers that do not look at results


@dataclass(frozen=True)
class Asked:
    """A trial to run."""

    number: int
    overrides: list[str]


class OptunaStudy:
    """One sweep's study in a storage that other processes may share."""

    def __init__(self, name: str, address: str, space: Space, search: Search, directions: Sequence[Direction]) -> None:
        self._space, self._search = space, search
        self._study = optuna.create_study(
            study_name=name, storage=opened(address), directions=directions, load_if_exists=True
        )
        total = space.n_trials
        most = math.inf if total is None else total
        self.n_places = int(most if search.sampler == "grid" else min(search.n_trials, most))
        self._drawn = in_order(space, search) if search.sampler in DRAWN_AHEAD else None
        self._params: list[Params] = []
        self._tried: set[int] = set()  # places that this process had an attempt at
        self.sign()
        trials = self._trials()
        # What failed before is tried again, but not what fails beside this process.
        self._failed_beside = {
            place for place, found in trials.items() if _failed(found[0]) and self._is_beside(found[0])
        }
        self.n_before = sum(trials[place][0].state in ENDED for place in range(self.n_places) if place in trials)

    def begin(self, origins: Mapping[str, str]) -> None:
        """Keeps what the trials follow from, or sees that who began the study had the same.

        Raises:
            SweepError: It was begun with something else.
        """
        if ORIGINS in self._study.user_attrs:
            _require_same(self._study, origins)
        else:
            self._study.set_user_attr(ORIGINS, dict(origins))

    def ask(self) -> Asked | None:
        """Takes the next trial; None if there is none left for this process."""
        while (place := self._next_place()) is not None:
            trial = self._attempt(place)
            if trial is not None:
                params = self._space.assigned(_suggest(trial))
                return Asked(trial.number, self._space.overrides(params))
        return None

    def tell(self, number: int, values: list[float] | None, pruned: bool) -> None:
        """Writes what a trial came to; no values mean that it failed, or was pruned."""
        if pruned:
            self._study.tell(number, state=TrialState.PRUNED)
        elif values is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, values)

    def sign(self) -> None:
        """Tells other machines that this process is at work."""
        self._study.set_user_attr(SIGN + process.name(), time.time())

    def n_finished(self) -> int:
        """How many places have a trial that is finished or pruned."""
        return sum(found[0].state in ENDED for found in self._trials().values())

    def _next_place(self) -> int | None:
        """The first place that nobody has; a trial whose process is gone gives its place back."""
        trials = self._trials()
        for place, found in trials.items():
            if found[0].state == TrialState.RUNNING and self._gone(found[0]):
                self._study.tell(found[0].number, state=TrialState.FAIL, skip_if_finished=True)
                trials[place] = [trial for trial in found if trial is not found[0]]
        taken = {place for place, found in trials.items() if found and found[0].state in KEEPS_PLACE}
        free = (place for place in range(self.n_places) if place not in taken | self._tried | self._failed_beside)
        return next(free, None)

    def _attempt(self, place: int) -> optuna.Trial | None:
        """An attempt at a place, unless another process was faster."""
        # Not `enqueue_trial` and `ask`: on SQLite two processes that ask at once are given one and the same trial.
        # A trial that is added has its number, its place and its process by one transaction.
        self._study.add_trial(
            optuna.create_trial(
                state=TrialState.RUNNING,
                user_attrs={PLACE: place, PROCESS: process.name()},
                system_attrs={FIXED: self._known(place)},
            )
        )
        first, *others = self._trials()[place]
        mine = next(one for one in (first, *others) if _is_running_here(one))
        if mine is first:
            self._tried.add(place)
            self._study.sampler = sampler_of(self._search, place)
            return optuna.Trial(self._study, mine._trial_id)
        self._study.tell(mine.number, state=TrialState.FAIL)
        return None

    def _known(self, place: int) -> dict[str, Any]:
        """What is known of a place's trial before it is asked for: all of it, or what an earlier attempt was given."""
        if self._drawn is not None:
            self._params += itertools.islice(self._drawn, max(place + 1 - len(self._params), 0))
            return self._params[place]
        attempts = [trial for trial in self._all() if trial.user_attrs.get(PLACE) == place]
        return dict(attempts[-1].params) if attempts else {}

    def _trials(self) -> dict[int, list[FrozenTrial]]:
        """The attempts at each place: first that which counts."""
        of_places: dict[int, list[FrozenTrial]] = {}
        for trial in self._all():
            if PLACE in trial.user_attrs:
                of_places.setdefault(trial.user_attrs[PLACE], []).append(trial)
        for found in of_places.values():
            # Of those that failed the last, which tells whether the others are still at work.
            found.sort(key=lambda trial: (trial.state not in KEEPS_PLACE, trial.number * (-1) ** _failed(trial)))
        return of_places

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _is_beside(self, trial: FrozenTrial) -> bool:
        """Whether it belongs to another process that is at work."""
        return trial.user_attrs.get(PROCESS) != process.name() and not self._gone(trial)

    def _gone(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get(PROCESS, "")
        return owner == "" or process.is_gone(owner, self._study.user_attrs.get(SIGN + owner, 0.0))


def check_begun(name: str, storage: str | None, origins: Mapping[str, str]) -> None:
    """Sees that who began the study of that name, if anybody did, had the same; before anything else is begun.

    Raises:
        SweepError: It was begun with something else, or the storage cannot be reached.
    """
    kept = opened(storage_of(storage, name))
    with contextlib.suppress(*FAULTS):  # of a storage that goes now, the search tells
        if name in optuna.get_all_study_names(kept):
            _require_same(optuna.load_study(study_name=name, storage=kept), origins)


def _require_same(study: optuna.Study, origins: Mapping[str, str]) -> None:
    begun = study.user_attrs.get(ORIGINS, origins)
    if other := differences(origins, begun):
        began = f"code that began it, {begun['code']}" if "code" in other else "command that began it"
        raise SweepError(
            f"search.study_name: {study.study_name} was begun with other {' and '.join(other)}; give another name, "
            f"or go on with the {began}"
        )


def _is_running_here(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.RUNNING and trial.user_attrs.get(PROCESS) == process.name()


def _failed(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL


def _suggest(trial: optuna.Trial) -> Callable[[str, Range], Value]:
    def draw(name: str, given: Range) -> Value:
        if isinstance(given, Choice):
            return trial.suggest_categorical(name, given.values)
        if given.is_integer:
            return trial.suggest_int(name, int(given.low), int(given.high), log=given.log, step=int(given.step or 1))
        return trial.suggest_float(name, given.low, given.high, log=given.log, step=given.step)

    return draw
