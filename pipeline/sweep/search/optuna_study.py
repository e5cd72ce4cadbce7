"""An Optuna study shared by processes: which trials to run, which process runs which, and their results.

A place, from 0 to below `n_trials`, is a trial to run once; an Optuna trial is an attempt at a place, which its
attribute names. Of several attempts at one place the one with the lowest number counts unless it failed, and the
storage assigns the numbers: so processes that do not communicate agree without a lock.
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
FIXED = "fixed_params"  # Optuna's attribute for values that the sampler does not draw
DRAWN_AHEAD = ("random", "qmc", "grid")  # samplers that do not look at results


@dataclass(frozen=True)
class Asked:
    """A trial to run."""

    number: int
    overrides: list[str]


class OptunaStudy:
    """One sweep's study in a storage that other processes may share.

    Args:
        name: Of the study.
        address: Of the storage.
        space: What is searched.
        search: The search section.
        directions: Whether to minimize or maximize each objective.
    """

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
        self._tried: set[int] = set()  # places that this process has attempted
        self.sign()
        trials = self._trials()
        # Trials that failed before are repeated, but not those that fail in another live process.
        self._failed_beside = {
            place for place, found in trials.items() if _failed(found[0]) and self._is_beside(found[0])
        }
        self.n_before = sum(trials[place][0].state in ENDED for place in range(self.n_places) if place in trials)

    def begin(self, origins: Mapping[str, str]) -> None:
        """Records the origins of a new study, or checks them against those of an existing one.

        Raises:
            SweepError: The study was started with other origins.
        """
        if ORIGINS in self._study.user_attrs:
            _require_same(self._study, origins)
        else:
            self._study.set_user_attr(ORIGINS, dict(origins))

    def ask(self) -> Asked | None:
        """Claims the next trial; None if no more are left for this process."""
        while (place := self._next_place()) is not None:
            trial = self._attempt(place)
            if trial is not None:
                params = self._space.assigned(_suggest(trial))
                return Asked(trial.number, self._space.overrides(params))
        return None

    def tell(self, number: int, values: list[float] | None, pruned: bool) -> None:
        """Writes the result of a trial.

        Args:
            number: Of the trial.
            values: Of the objectives; None if the trial failed or was pruned.
            pruned: Whether it was pruned.
        """
        if pruned:
            self._study.tell(number, state=TrialState.PRUNED)
        elif values is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, values)

    def sign(self) -> None:
        """Writes a sign of life of this process, for other machines."""
        self._study.set_user_attr(SIGN + process.name(), time.time())

    def n_finished(self) -> int:
        """Returns the number of places with a finished or pruned trial."""
        return sum(found[0].state in ENDED for found in self._trials().values())

    def _next_place(self) -> int | None:
        """Returns the first free place, after failing the trials of dead processes; None if none is free."""
        trials = self._trials()
        for place, found in trials.items():
            if found[0].state == TrialState.RUNNING and self._gone(found[0]):
                self._study.tell(found[0].number, state=TrialState.FAIL, skip_if_finished=True)
                trials[place] = [trial for trial in found if trial is not found[0]]
        taken = {place for place, found in trials.items() if found and found[0].state in KEEPS_PLACE}
        free = (place for place in range(self.n_places) if place not in taken | self._tried | self._failed_beside)
        return next(free, None)

    def _attempt(self, place: int) -> optuna.Trial | None:
        """Attempts a place; None if another process was faster."""
        # Not `enqueue_trial` and `ask`: on SQLite two processes that ask at once get the same trial.
        # An added trial gets its number, its place and its process in one transaction.
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
        """Returns the fixed values of a place's trial: all if drawn ahead, else those of an earlier attempt."""
        if self._drawn is not None:
            self._params += itertools.islice(self._drawn, max(place + 1 - len(self._params), 0))
            return self._params[place]
        attempts = [trial for trial in self._all() if trial.user_attrs.get(PLACE) == place]
        return dict(attempts[-1].params) if attempts else {}

    def _trials(self) -> dict[int, list[FrozenTrial]]:
        """Returns the attempts at each place; the first one counts."""
        of_places: dict[int, list[FrozenTrial]] = {}
        for trial in self._all():
            if PLACE in trial.user_attrs:
                of_places.setdefault(trial.user_attrs[PLACE], []).append(trial)
        for found in of_places.values():
            # Of failed attempts the last is first: its process may still be running.
            found.sort(key=lambda trial: (trial.state not in KEEPS_PLACE, trial.number * (-1) ** _failed(trial)))
        return of_places

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _is_beside(self, trial: FrozenTrial) -> bool:
        """Whether the trial belongs to another live process."""
        return trial.user_attrs.get(PROCESS) != process.name() and not self._gone(trial)

    def _gone(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get(PROCESS, "")
        return owner == "" or process.is_gone(owner, self._study.user_attrs.get(SIGN + owner, 0.0))


def check_begun(name: str, storage: str | None, origins: Mapping[str, str]) -> None:
    """Checks, before the sweep starts, the origins of an existing study of that name.

    Args:
        name: Of the study.
        storage: Value of `search.storage`.
        origins: What the results of the trials depend on.

    Raises:
        SweepError: The study was started with other origins, or the storage cannot be reached.
    """
    kept = opened(storage_of(storage, name))
    with contextlib.suppress(*FAULTS):  # if the storage fails now, the search reports it
        if name in optuna.get_all_study_names(kept):
            _require_same(optuna.load_study(study_name=name, storage=kept), origins)


def _require_same(study: optuna.Study, origins: Mapping[str, str]) -> None:
    begun = study.user_attrs.get(ORIGINS, origins)
    if other := differences(origins, begun):
        began = f"code that started it, {begun['code']}" if "code" in other else "command that started it"
        raise SweepError(
            f"search.study_name: {study.study_name} was started with different {' and '.join(other)}; give another "
            f"name, or resume it with the {began}"
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
