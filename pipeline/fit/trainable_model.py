"""The compiled model that is trained in a network's place: by Keras's own steps, or by many steps per call."""

from __future__ import annotations

import json
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pipeline.config.rules import Fit
from pipeline.errors import ConfigError
from pipeline.fit import compiled_models, variable_clone
from pipeline.fit.compile import STEP_SCHEDULES, adamw_ratio, check, compile_model, with_decay_of_averages
from pipeline.fit.compiled_models import CompiledModel
from pipeline.fit.execution import choose_execution
from pipeline.fit.member_losses import ByMember, members_with_own_rows
from pipeline.fit.multi_step_model import MultiStepModel
from pipeline.fit.steps import batch_size, check_batches, steps_of
from pipeline.fit.strategy import Replicated, clip_over_replicas

# Keys of the fit section that do not change a program: variables of it, or settings outside of it.
NOT_OF_A_PROGRAM = {
    "adamw_learning_rate",
    "learning_rate",
    "epochs",
    "batch_size",
    "checkpoint",
    "early_stopping",
    "max_minutes",
    "plateau_factor",
    "plateau_patience",
    "resume",
}


@dataclass(frozen=True)
class TrainableModel:
    """A network and the compiled model that is trained in its place."""

    network: keras.Model
    model: keras.Model
    execution: str  # stock, graph or compiled
    program: CompiledModel | None = None
    structure: str | None = None  # key under which the program is cached for the next job

    def bring_back(self) -> None:
        """Copies the trained weights to the network, and caches the program for the next job."""
        self.network.set_weights(self.model.get_weights())
        if self.program is not None:
            compiled_models.give_back(self.structure, self.program)


def compile_network(
    network: keras.Model, config: Fit, *, task: str, n_rows: int, output_scale: np.ndarray
) -> TrainableModel:
    """Compiles a network for training; call it in the strategy's scope.

    Args:
        network: From `(n_rows, n_inputs)` to scaled predictions, or logits for classes.
        config: The fit section.
        task: `regression`, `binary` or `multiclass`.
        n_rows: Training rows.
        output_scale: `(n_outputs,)`, original units per scaled unit of each target.

    Raises:
        ConfigError: The fit section does not match the task, the network or the devices.
    """
    check(config, task)
    n_batch = batch_size(config, n_rows)
    check_batches(n_rows, n_batch, network)
    n_steps = steps_of(n_rows, n_batch, network).count
    config = with_decay_of_averages(config, n_steps)
    execution = choose_execution(config, n_steps)
    if execution == "stock" and members_with_own_rows(network):
        raise ConfigError(
            "model.member_batches: own needs fit.execution=graph or compiled, on one device; set it to shared"
        )
    shared = variable_clone.structure(network)
    if config.mixed_precision and shared is None:
        raise ConfigError("fit.mixed_precision: the network has layers that are not Keras's own; set it to false")
    dtype = "mixed_bfloat16" if config.mixed_precision else None

    def compiled(model: keras.Model) -> CompiledModel:
        return CompiledModel(model, compile_model(model, config, task=task, n_steps=n_steps, output_scale=output_scale))

    if execution == "stock":
        trained = variable_clone.make_clone(network, dtype) if dtype else network
        model_class = Replicated if tf.distribute.has_strategy() else ByMember
        model = model_class.of(trained, name="stock")
        variable_clone.start_from(model, network)
        compiled(model)
        # Now, because a checkpoint may be restored before the first step.
        model.optimizer.build(model.trainable_variables)
        clip_over_replicas(model.optimizer)
        return TrainableModel(network, model, execution)

    structure = shared and _structure(shared, config, execution, task, n_steps)
    program = compiled_models.take(structure)
    if program is None:
        trained = variable_clone.make_clone(network, dtype) if structure else network
        model = MultiStepModel.of(trained, name="block_trained")
        program = compiled(model)
        model.prepare(compiled=execution == "compiled")
    rates = {"learning_rate": config.learning_rate, "adamw_ratio": adamw_ratio(config)}
    program.start_from(network, rates | {"output_scale": output_scale})
    return TrainableModel(network, program.model, execution, program, structure)


def _structure(shared: str, config: Fit, execution: str, task: str, n_steps: int) -> str:
    """Returns everything that a program depends on, except shapes, for which its functions are retraced."""
    fit = config.model_dump(exclude=NOT_OF_A_PROGRAM) | {"execution": execution}
    if config.schedule in STEP_SCHEDULES:
        fit |= {"epochs": config.epochs, "n_steps": n_steps}
    return json.dumps([shared, task, fit], sort_keys=True)
