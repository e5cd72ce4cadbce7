"""Configurations of earlier versions, as their runs have logged them."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

# Keys that have come since, with the value by which earlier versions acted.
ADDED: dict[str, Any] = {
    "data.column_formats": {},
    "data.output_clip": "none",
    "fit.ema": None,
    "fit.max_minutes": None,
}


def complete(config: DictConfig) -> None:
    """Gives a whole configuration the keys that its version did not have."""
    for key, value in ADDED.items():
        section, _, name = key.partition(".")
        if name not in config[section]:
            OmegaConf.update(config, key, value, force_add=True)
