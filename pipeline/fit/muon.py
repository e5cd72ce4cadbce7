"""Muon (Jordan et al. 2024; Liu et al. 2025) for hidden kernels, those that stand stacked included."""

from __future__ import annotations

from typing import Any

import keras

KERNELS = ("kernel", "kernels")  # the names of Keras's layers, and of those in model/layers


class Muon(keras.optimizers.Muon):
    """Keras's Muon for the kernels of hidden layers, also stacked ones `(n_members, n, units)`; AdamW for all else.

    Keras's own looks at the number of dimensions alone: it leaves stacked kernels to AdamW, and takes tables of
    frequencies for kernels.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return variable.name not in KERNELS or "output" in variable.path

    def lr_adjust(self, x: Any) -> Any:
        """Scales a kernel's update as Keras does, by the larger of the two sides of each (Liu et al. 2025)."""
        return x * max(x.shape[-2:]) ** 0.5 * self.rms_rate
