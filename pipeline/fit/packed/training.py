"""Trains many dense networks as one network."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.errors import TrainingError
from pipeline.fit.compile import with_decay_of_averages
from pipeline.fit.device_batch import Rows, place
from pipeline.fit.epoch_randomness import DRAWS_AN_EPOCH, order_of
from pipeline.fit.history import History
from pipeline.fit.loop import weights_of
from pipeline.fit.multi_step_model import CALL_SECONDS
from pipeline.fit.packed.batches import batches, in_order
from pipeline.fit.packed.compiled_steps import Schedule, State, compiled_steps_of, no_sums
from pipeline.fit.packed.embeddings import EmbeddingLayers, stacked_embeddings
from pipeline.fit.packed.member import EpochReport, Job, Member
from pipeline.fit.packed.schedules import factors
from pipeline.fit.packed.stack import Layers, Network, aligned, layers_of, stacked, values_of, widest
from pipeline.fit.packed.stacked_optimizers import decay_of, rule_of
from pipeline.fit.packed.stacked_weights import StackedWeights
from pipeline.fit.snapshot import Snapshot
from pipeline.fit.steps import batch_size, steps_of
from pipeline.runtime import signals
from pipeline.runtime.signals import held
from pipeline.runtime.threads import usable_cpus

log = logging.getLogger(__name__)

MIN_A_THREAD = 8  # members per thread: with fewer, two threads gain nothing
COMPILE_SECONDS = 1.5  # for fewer members
SCORED_NUMBERS = 2**21  # most outputs of a layer while all members are scored
Ended = tuple[int, History | Exception]


@dataclass
class _Part:
    """Members that one thread trains."""

    numbers: np.ndarray  # of its members
    state: State
    values: dict[str, tf.Tensor]


class Pack(contextlib.AbstractContextManager["Pack"]):
    """Networks that train as one, padded to the depth and the widths of the largest.

    Up to rounding each result is that of training alone with `fit.execution=compiled`: the order of the rows and the
    dropout follow the network's own seed. A network that fails does not affect the others. A thread starts to compile
    as soon as the pack is made.

    Args:
        jobs: Jobs with the same `shape`; `packs` says which sizes are worth it.
        train: Scaled training rows.
        val: Scaled validation rows.
        task: `regression`, `binary` or `multiclass`.
        output_scale: `(n_outputs,)`, original units per scaled unit of each target.
    """

    def __init__(self, jobs: Sequence[Job], train: Rows, val: Rows, *, task: str, output_scale: np.ndarray) -> None:
        n_rows = len(train[0])
        self._steps = steps_of(n_rows, batch_size(jobs[0].config, n_rows), jobs[0].network)
        self._config = with_decay_of_averages(jobs[0].config, self._steps.count)
        self._jobs = jobs
        self._members: dict[int, Member] = {}
        self._ended: list[Ended] = []  # not yet given to the caller
        self._wasted = 0.0  # seconds, on members that have ended
        self._task, self._output_scale = task, output_scale
        found = [_layers(job) for job in jobs]
        layers = aligned([one.dense for one in found])
        embeddings = EmbeddingLayers.of(found[0].embeddings)
        seeds = list(dict.fromkeys(job.seed for job in jobs))
        self._seeds = seeds
        self._values = values_of(
            layers,
            [job.config.learning_rate for job in jobs],
            [decay_of(job.config) for job in jobs],
            [seeds.index(job.seed) for job in jobs],
        )
        self._program = compiled_steps_of(Network.of(layers, self._values, embeddings), self._config, task)
        weights = [*stacked(layers), *stacked_embeddings([one.embeddings for one in found])]
        self._n_outputs = found[0].dense[-1].dense.units
        self._dtype = tf.as_dtype(weights[0].dtype)
        self._rows = place(_as(weights[0].dtype, (*train[:2], weights_of(train, self._config))))
        self._val = place(_as(weights[0].dtype, val))
        self._scored = in_order(len(val[0]), max(1, SCORED_NUMBERS // (widest(weights) * len(jobs))))
        self._epoch = 0
        self._steps_per_call = 1
        slots = [[np.zeros_like(weight)] * rule_of(self._config)[1] for weight in weights]
        self._parts = self._divided(np.arange(len(jobs)), State(weights, slots, weights if self._config.ema else []))
        self._threads = ThreadPoolExecutor(len(self._parts), "members")
        self._compiled = self._threads.submit(self._compile, self._parts[0])

    def __exit__(self, *error: object) -> None:
        """Ends the threads."""
        self._threads.shutdown(cancel_futures=True)

    def train(self, reports: Mapping[int, EpochReport]) -> Iterator[list[Ended]]:
        """Trains, and yields after each epoch the numbers and the results of the networks that end with it.

        Args:
            reports: By the number of a job, a function that is called after each of its epochs with the number of the
                epoch, from 1, and its values; an exception in it ends the member. Jobs without one are left out.
        """
        self._members = {number: Member(self._jobs[number], report) for number, report in reports.items()}
        while self._members:
            try:
                with held():
                    self._compiled.result()
                    self._train_epoch()
            except (tf.errors.ResourceExhaustedError, MemoryError):
                why = "out of memory; try a smaller fit.batch_size, or in a sweep fewer hydra.launcher.members"
                yield [(number, TrainingError(why)) for number in self._members]
                return
            yield self._taken()
            self._shrink()

    def stop(self) -> list[Ended]:
        """Ends the networks in training, as after an interrupt of `train`; leaves out those without an epoch."""
        running, self._members = self._members, {}
        self._ended += [(number, _end(member)) for number, member in running.items() if member.epochs]
        return self._taken()

    def snapshots(self) -> dict[int, Snapshot]:
        """Returns the networks in training by number, as they are after an epoch of `train`."""
        if not self._members:
            return {}
        found = {}
        for part, outputs in zip(self._parts, self._threads.map(self._outputs, self._parts), strict=True):
            kept = StackedWeights(part.state.averages or part.state.weights)
            for position, number in enumerate(part.numbers):
                if number in self._members:
                    weights = partial(kept.of_member, position, self._jobs[number].network)
                    found[int(number)] = Snapshot(self._epoch, outputs[position], weights)
        return found

    def _outputs(self, part: _Part) -> np.ndarray:
        """Returns `(n_members, n_val, n_outputs)`."""
        weights = part.state.averages or part.state.weights
        found = self._program.outputs(weights, part.values, self._val[0], self._scored).numpy().swapaxes(0, 1)
        n_members, n_steps, n_batch, n_outputs = found.shape
        return found.reshape(n_members, n_steps * n_batch, n_outputs)[:, : len(self._val[0])]

    def _taken(self) -> list[Ended]:
        ended, self._ended = self._ended, []
        return ended

    def _compile(self, part: _Part) -> None:
        """Compiles the functions by a call without a step."""
        nothing = tf.constant(0)
        self._program.train(
            part.state, part.values, self._rows, self._schedule(), self._no_sums(part), nothing, nothing
        )
        self._score(part)

    def _train_epoch(self) -> None:
        """Trains all members for an epoch."""
        began = time.perf_counter()
        sums = self._trained(self._schedule())
        self._epoch += 1
        scored = list(self._threads.map(self._score, self._parts))
        seconds = time.perf_counter() - began
        log.info("epoch %d: %d networks, %.2f s", self._epoch, len(self._members), seconds)
        self._wasted += seconds * (1 - len(self._members) / self._n_stacked)
        for part, train, val in zip(self._parts, sums, scored, strict=True):
            results = self._results(train) | {f"val_{name}": value for name, value in self._results(val).items()}
            kept = StackedWeights(part.state.averages or part.state.weights)
            for position, number in enumerate(part.numbers):
                if number in self._members:
                    values = {name: float(of_members[position]) for name, of_members in results.items()}
                    self._after_epoch(int(number), values, seconds, kept, position)

    def _after_epoch(
        self, number: int, values: dict[str, float], seconds: float, kept: StackedWeights, position: int
    ) -> None:
        """Records an epoch of a member, and ends the member if it was the last."""
        member = self._members[number]
        rate = member.optimizer.learning_rate
        try:
            weights = partial(kept.of_member, position, member.job.network)
            member.ended_epoch(values, rate * self._factor, seconds, weights)
        except Exception as error:
            del self._members[number]
            self._ended.append((number, error))
            return
        if member.stop_training:
            del self._members[number]
            self._ended.append((number, _end(member)))
        if member.optimizer.learning_rate != rate:  # a plateau
            self._set_rate(number, member.optimizer.learning_rate)

    def _shrink(self) -> None:
        """Removes ended members once they are half of all, and have cost as much time as compiling again does.

        Without knowing how long the others train, this costs at most twice the time of the better choice.
        """
        n_all, n_left = self._n_stacked, len(self._members)
        if not n_left or 2 * n_left > n_all or self._wasted < COMPILE_SECONDS:
            return
        active = [np.flatnonzero(np.isin(part.numbers, list(self._members))) for part in self._parts]
        numbers = np.concatenate([part.numbers[those] for part, those in zip(self._parts, active, strict=True)])
        states = [_chosen(part.state, those) for part, those in zip(self._parts, active, strict=True)]
        state = tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *states)
        self._parts = self._divided(numbers, state)
        self._steps_per_call, self._wasted = 1, 0.0
        log.info("%d of %d networks are left, and continue in a smaller pack", n_left, n_all)

    @property
    def _n_stacked(self) -> int:
        return sum(len(part.numbers) for part in self._parts)

    def _divided(self, numbers: np.ndarray, state: State) -> list[_Part]:
        """Divides the members into parts for the threads, of sizes as equal as possible to share compiled programs."""
        most = 1 if tf.config.list_logical_devices("GPU") else usable_cpus()
        n_parts = max(1, min(most, len(numbers) // MIN_A_THREAD))
        parts = np.array_split(np.arange(len(numbers)), n_parts)
        values = [self._values.of(numbers[those]) for those in parts]
        n_seeds = max(own.n_seeds for own in values)
        found = []
        for those, own in zip(parts, values, strict=True):
            chosen = tf.nest.map_structure(lambda array: tf.constant(array[those]), state)  # noqa: B023
            found.append(_Part(numbers[those], chosen, own.placed(self._dtype, n_seeds)))
        return found

    def _schedule(self) -> Schedule:
        """Returns the steps of the next epoch."""
        orders = [order_of(seed, self._epoch).permutation(len(self._rows[0])) for seed in self._seeds]
        numbers, n_valid = batches(np.stack(orders), self._steps)
        first = self._epoch * self._steps.count
        of_steps = factors(self._config, self._steps.count, np.arange(first, first + self._steps.count + 1))
        self._factor = float(of_steps[-1])
        return Schedule(
            tf.constant(numbers),
            tf.constant(n_valid),
            tf.constant(of_steps[:-1], self._dtype),
            tf.constant(first, tf.int64),
            tf.constant(self._epoch * DRAWS_AN_EPOCH, tf.int64),
        )

    def _trained(self, schedule: Schedule) -> list[dict[str, Any]]:
        """Does all steps of an epoch in calls of about CALL_SECONDS, with the parts in parallel."""
        sums = [self._no_sums(part) for part in self._parts]
        start = 0
        while start < self._steps.count:
            stop = min(start + self._steps_per_call, self._steps.count)
            began = time.perf_counter()
            ends = tf.constant(start), tf.constant(stop)

            def train(part: _Part, so_far: Any) -> Any:
                part.state, found = self._program.train(part.state, part.values, self._rows, schedule, so_far, *ends)  # noqa: B023
                found["rows"].numpy()  # waits for the device
                return found

            sums = list(self._threads.map(train, self._parts, sums))
            if time.perf_counter() - began < CALL_SECONDS:
                self._steps_per_call *= 2
            start = stop
            signals.check()
        return sums

    def _score(self, part: _Part) -> dict[str, Any]:
        weights = part.state.averages or part.state.weights
        return self._program.score(weights, part.values, self._val, self._scored, self._no_sums(part))

    def _no_sums(self, part: _Part) -> dict[str, Any]:
        return no_sums(len(part.numbers), self._n_outputs, self._task, self._dtype)

    def _results(self, sums: dict[str, Any]) -> dict[str, np.ndarray]:
        """Returns the results of each member from the sums of its steps."""
        sums = {name: value.numpy() for name, value in sums.items()}
        weight = np.where(sums["weight"] == 0, 1, sums["weight"])
        found = {"loss": sums["loss"] / sums["rows"]}
        if self._task != "regression":
            return found | {"accuracy": sums["accuracy"] / weight}
        rmse, mae = np.sqrt(sums["rmse"] / weight[:, np.newaxis]), sums["mae"] / weight[:, np.newaxis]
        return found | {"rmse": (rmse * self._output_scale).mean(1), "mae": (mae * self._output_scale).mean(1)}

    def _set_rate(self, number: int, rate: float) -> None:
        self._values.rate[number] = rate
        for part in self._parts:
            if number in part.numbers:
                part.values |= {"rate": tf.constant(self._values.rate[part.numbers], self._dtype)}


def _end(member: Member) -> History | Exception:
    try:
        return member.end()
    except Exception as error:
        return error


def _layers(job: Job) -> Layers:
    found = layers_of(job.network)
    assert found is not None, "why_alone comes first"
    return found


def _chosen(state: State, members: np.ndarray) -> State:
    """Returns the state of some members as arrays."""
    found: State = tf.nest.map_structure(lambda tensor: tensor.numpy()[members], state)
    return found


def _as(dtype: np.dtype, rows: Rows) -> Rows:
    x, y, weight = rows
    return x.astype(dtype, copy=False), y.astype(dtype, copy=False), None if weight is None else weight.astype(dtype)
