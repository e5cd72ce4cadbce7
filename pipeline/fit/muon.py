"""Muon (Jordan et al. 2024; Liu et al. 2025) for hidden kernels, including stacked ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

KERNELS = ("kernel", "kernels")  # variable names in Keras's layers and in model/layers


class Muon(keras.optimizers.Muon):
    """Muon for kernels of hidden layers, including stacked ones `(n_members, n, units)`, and AdamW for the rest.

    Keras's own Muon decides by the number of dimensions alone: it updates stacked kernels by AdamW, and tables of
    frequencies by Muon. It also lets AdamW's weights decay by Muon's learning rate.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return variable.name not in KERNELS or "output" in variable.path

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        for variable in filter(self._use_weight_decay, variables):
            by_adamw = self._should_use_adamw(variable)
            decay = self.adam_weight_decay if by_adamw else self.weight_decay
            if decay is not None:
                rate = self.learning_rate * self.adam_lr_ratio if by_adamw else self.learning_rate
                variable.assign(variable - variable * ops.cast(decay * rate, variable.dtype))

    def lr_adjust(self, x: Any) -> Any:
        """Scales a kernel's update as Keras does, by the larger of its last two dimensions (Liu et al. 2025)."""
        return x * max(x.shape[-2:]) ** 0.5 * self.rms_rate
