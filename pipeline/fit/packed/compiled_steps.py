"""Many steps of all members per call, compiled by XLA, as `fit/multi_step_model.py` does for one network.

The functions are stateless: a call takes weights and optimizer slots, and returns them. One compiled program therefore
serves all packs of its shape, also in two threads at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pipeline.config.rules import Fit
from pipeline.fit.compile import loss_of
from pipeline.fit.packed.dropout import Dropping
from pipeline.fit.packed.stack import Network, for_each, sum_of_each
from pipeline.fit.packed.stacked_optimizers import Rule, rule_of

Sums = dict[str, Any]

MAX_KEPT = 8  # cached programs: each holds compiled code
OF_A_PROGRAM = {
    "class_weight", "clip_norm", "ema", "label_smoothing", "loss", "momentum", "nesterov", "optimizer"
}  # of the fit section  # fmt: skip


class State(NamedTuple):
    """The state that training changes."""

    # Kernel (n_members, n_in, n_out) and bias (n_members, 1, n_out) of each dense layer in turn, then weights of
    # embeddings, (n_members, ...).
    weights: list[Any]
    slots: list[list[Any]]  # optimizer slots of each weight
    averages: list[Any]  # moving averages of the weights; empty without `fit.ema`


class Schedule(NamedTuple):
    """The steps of an epoch."""

    numbers: Any  # (n_steps, n_orders, n_batch) int32: row numbers of each step
    n_valid: Any  # (n_steps,) int32: how many of them count; the others pad a smaller last batch
    factors: Any  # (n_steps,): of the learning rate
    first: Any  # int64: number of updates before the epoch
    count: Any  # int64: count of the layers' generators before the epoch


@dataclass(frozen=True)
class CompiledSteps:
    """The compiled functions for packs of one shape.

    Attributes:
        train: Takes a state, values, rows, a schedule, sums, and the first and last step; returns the next state and
            sums.
        score: Takes weights, values, rows and a schedule of row numbers; returns sums.
        outputs: Takes weights, values, inputs and a schedule of row numbers; returns outputs
            `(n_steps, n_members, n_batch, n_outputs)`.
    """

    train: Callable[..., tuple[State, Sums]]
    score: Callable[..., Sums]
    outputs: Callable[..., Any]


_programs: dict[Any, CompiledSteps] = {}


def compiled_steps_of(network: Network, config: Fit, task: str) -> CompiledSteps:
    """Makes the functions; they are compiled on their first call.

    Args:
        network: The network of the members.
        config: The fit section of any member.
        task: `regression`, `binary` or `multiclass`.
    """
    key = network, task, config.model_dump_json(include=OF_A_PROGRAM)
    if key not in _programs:
        if len(_programs) == MAX_KEPT:
            del _programs[next(iter(_programs))]
        steps = _Steps(network, loss_of(config, task), rule_of(config)[0], config, task)
        _programs[key] = CompiledSteps(
            tf.function(steps.train, autograph=False, jit_compile=True),
            tf.function(steps.score, autograph=False, jit_compile=True),
            tf.function(steps.outputs, autograph=False, jit_compile=True),
        )
    return _programs[key]


@dataclass(frozen=True)
class _Steps:
    network: Network
    loss: keras.losses.Loss
    rule: Rule
    config: Fit
    task: str

    def train(
        self, state: State, values: dict[str, Any], rows: Any, steps: Schedule, sums: Sums, start: Any, stop: Any
    ) -> tuple[State, Sums]:
        """Does the training steps from `start` to `stop`."""

        def body(step: Any, state: State, sums: Sums) -> tuple[Any, State, Sums]:
            taken = _taken(rows, values, steps, step)
            dropping = Dropping(values, self.network.pads, steps.count + tf.cast(step, tf.int64))
            with tf.GradientTape() as tape:
                tape.watch(state.weights)
                outputs = self.network(state.weights, taken[0], values, dropping)
                losses, found = self._measured(outputs, taken)
                losses = losses + self.network.penalty(state.weights, values)
                # A member's gradient is that of its own mean: the sum has one term for each.
                total = tf.reduce_sum(losses)
            gradients = self._clipped(tape.gradient(total, state.weights))
            rate = values["rate"] * steps.factors[step]
            state = self._updated(state, gradients, rate, values["decay"], steps.first + tf.cast(step, tf.int64))
            return step + 1, state, _added(sums, losses, found, taken)

        _, state, sums = tf.while_loop(
            lambda step, state, sums: step < stop, body, (start, state, sums), parallel_iterations=1
        )
        return state, sums

    def score(self, weights: list[Any], values: dict[str, Any], rows: Any, steps: Schedule, sums: Sums) -> Sums:
        """Computes losses and metrics of all rows, without dropout."""
        penalty = self.network.penalty(weights, values)

        def body(step: Any, sums: Sums) -> tuple[Any, Sums]:
            taken = _taken(rows, values, steps, step)
            losses, found = self._measured(self.network(weights, taken[0], values), taken)
            return step + 1, _added(sums, losses + penalty, found, taken)

        n_steps = tf.shape(steps.numbers)[0]
        _, sums = tf.while_loop(lambda step, sums: step < n_steps, body, (0, sums), parallel_iterations=1)
        return sums

    def outputs(self, weights: list[Any], values: dict[str, Any], x: Any, steps: Schedule) -> Any:
        """Computes the outputs for all rows, without dropout."""
        return tf.map_fn(
            lambda numbers: self.network(weights, tf.gather(x, numbers), values),
            steps.numbers,
            fn_output_signature=x.dtype,
        )

    def _measured(self, outputs: Any, taken: Any) -> tuple[Any, dict[str, Any]]:
        """Returns each member's mean loss over its rows, and the sums of its metrics."""
        _, y, weight, valid, n_valid = taken
        n_members, n_rows, n_outputs = outputs.shape
        y = tf.broadcast_to(y, [n_members, n_rows, y.shape[2]])
        flat = self.loss.call(tf.reshape(y, [-1, y.shape[2]]), tf.reshape(outputs, [-1, n_outputs]))
        per_row = tf.reshape(flat, [n_members, n_rows])
        weighed = valid if weight is None else valid * weight
        losses = tf.reduce_sum(per_row * weighed, axis=1) / n_valid
        # Class weights change the loss but not the metrics.
        counted = weighed if self.config.class_weight == "none" else valid
        counted = tf.broadcast_to(counted, [n_members, n_rows])
        return losses, {"weight": tf.reduce_sum(counted, axis=1)} | _hits(outputs, y, counted, self.task)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        """Clips each member's gradients by their norm over all its weights."""
        if self.config.clip_norm is None:
            return gradients
        norm = tf.sqrt(tf.add_n([sum_of_each(tf.square(gradient)) for gradient in gradients]))
        bound = tf.constant(self.config.clip_norm, norm.dtype)
        scale = bound * tf.minimum(1 / norm, 1 / bound) + (norm - norm)  # NaN if the norm is not finite, as in Keras
        return [gradient * for_each(scale, gradient) for gradient in gradients]

    def _updated(self, state: State, gradients: list[Any], rate: Any, decay: Any, before: Any) -> State:
        """Does one update of all weights; kernels of dense layers decay, biases and embeddings do not."""
        weights, slots = [], []
        for number, (weight, gradient, remembered) in enumerate(
            zip(state.weights, gradients, state.slots, strict=True)
        ):
            own_rate = for_each(rate, weight)
            if self.config.optimizer == "adamw" and self.network.is_kernel(number):
                weight = weight - weight * for_each(decay, weight) * own_rate
            weight, remembered = self.rule(weight, gradient, remembered, own_rate, before + 1)
            weights.append(weight)
            slots.append(remembered)
        return State(weights, slots, self._averaged(state.averages, weights, before))

    def _averaged(self, averages: list[Any], weights: list[Any], before: Any) -> list[Any]:
        """Updates the moving averages, which start with the first step's weights (Polyak and Juditsky 1992)."""
        if not self.config.ema:
            return []
        share = tf.where(before > 0, tf.constant(self.config.ema, weights[0].dtype), 0.0)
        return [share * average + (1 - share) * weight for average, weight in zip(averages, weights, strict=True)]


def _taken(rows: Any, values: dict[str, Any], steps: Schedule, step: Any) -> Any:
    """Returns a step's rows: x, y and weight, `(n_members or 1, n_batch, ...)`, which of them count, and how many."""
    numbers = steps.numbers[step]
    n_orders, n_batch = numbers.shape
    parts = [None if part is None else tf.gather(part, numbers) for part in rows]
    if n_orders > 1:  # else all members share them
        parts = [None if part is None else tf.gather(part, values["order"]) for part in parts]
    n_valid = steps.n_valid[step]
    valid = tf.cast(tf.range(n_batch) < n_valid, rows[0].dtype)[tf.newaxis]
    return (*parts, valid, tf.cast(n_valid, rows[0].dtype))


def _hits(outputs: Any, y: Any, weight: Any, task: str) -> dict[str, Any]:
    """Returns what each member adds to the sums of a task's metrics; for regression per output, in scaled units."""
    if task == "regression":
        error = outputs - y
        weight = tf.expand_dims(weight, 2)
        return {
            "rmse": tf.reduce_sum(tf.square(error) * weight, axis=1),
            "mae": tf.reduce_sum(tf.abs(error) * weight, axis=1),
        }
    named = outputs[..., 0] > 0 if task == "binary" else tf.argmax(outputs, axis=2)
    is_hit = tf.cast(named, y.dtype) == y[..., 0]
    return {"accuracy": tf.reduce_sum(tf.cast(is_hit, weight.dtype) * weight, axis=1)}


def no_sums(n_members: int, n_outputs: int, task: str, dtype: tf.DType) -> Sums:
    """Returns the zero sums at the start of an epoch.

    Args:
        n_members: Number of members.
        n_outputs: Number of outputs.
        task: `regression`, `binary` or `multiclass`.
        dtype: Type of the sums.
    """
    names = {"regression": ("rmse", "mae")}.get(task, ("accuracy",))
    shape = [n_members, n_outputs] if task == "regression" else [n_members]
    found = {name: tf.zeros(shape, dtype) for name in names}
    return found | {
        "weight": tf.zeros([n_members], dtype),
        "loss": tf.zeros([n_members], dtype),
        "rows": tf.zeros([], dtype),
    }


def _added(sums: Sums, losses: Any, found: dict[str, Any], taken: Any) -> Sums:
    n_valid = taken[-1]
    more = found | {"loss": losses * n_valid, "rows": n_valid}
    return {name: value + more[name] for name, value in sums.items()}
