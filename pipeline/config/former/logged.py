"""Configs that runs of earlier versions have logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.config.former.renamed import RENAMED, new_key
from pipeline.config.former.translated import with_new_keys
from pipeline.config.per_column import BY_COLUMN
from pipeline.config.rules import AROUND_RUNS, is_own_tag

if TYPE_CHECKING:
    from omegaconf import DictConfig, ListConfig

# Newer keys, with the values that reproduce earlier versions.
ADDED: dict[str, Any] = {
    "baseline_seconds": 60,
    "baselines": [],
    "data.column_formats": {},
    "data.narrowest_range": 0.0,
    "data.ordered_numbers": "number",
    "data.output_clip": "none",
    "data.two_valued": "as_is",
    "decision.interval": None,
    "decision.prediction_set": None,
    "fit.adamw_learning_rate": None,
    "fit.checkpoint": False,
    "fit.ema": None,
    "fit.label_smoothing": 0.0,
    "fit.max_minutes": None,
    "fit.resume": "off",
    "model.embedding_bins": "auto",
    "model.embedding_scale": 0.1,
    "model.embedding_width": "auto",
    "model.numeric_embedding": "none",
    "sweep.keep": "all",
    "sweep.max_trials": 10_000,
    "tune": {"minutes": 10, "n_trials": None, "patience": 20, "max_entries": 32, "seed": 0},
    "tune.distill": False,
    "tune.optimizers": [],
    "tune.folds": 1,
}


# The same for the keys of one architecture.
ADDED_TO: dict[str, dict[str, Any]] = {"tabm": {"model.member_batches": "shared"}}


def complete(logged: DictConfig | ListConfig) -> DictConfig:
    """Translates a logged config to the current keys, and adds those that its version did not have.

    Drops the user's tags whose names have been reserved since.
    """
    from omegaconf import OmegaConf

    values = OmegaConf.to_container(logged)
    assert isinstance(values, dict)
    config = OmegaConf.create(with_new_keys({str(key): value for key, value in values.items()}))
    for key, value in (ADDED | ADDED_TO.get(config.model.get("name"), {})).items():
        section, _, name = key.rpartition(".")
        if name not in (config[section] if section else config):
            OmegaConf.update(config, key, value, force_add=True)
    tags = OmegaConf.select(config, "tracking.tags") or {}
    for name in filter(is_own_tag, list(tags)):  # reserved since
        del tags[name]
    return config


def completed(params: Mapping[str, str]) -> dict[str, str]:
    """Translates logged parameters to the current keys, and adds missing ones; without parameters, none."""
    if not params:
        return {}
    added = ADDED | ADDED_TO.get(params.get("model.name", ""), {})
    logged = {key: value for key, value in added.items() if key.partition(".")[0] not in AROUND_RUNS}
    found = {key: value if isinstance(value, str) else json.dumps(value) for key, value in logged.items()}
    return found | {new_key(key) or key: value for key, value in params.items() if not _is_merged(key)}


def _is_merged(key: str) -> bool:
    """Whether a parameter listed the values of single columns, which are now logged one by one."""
    return RENAMED.get(key, "").endswith(f".{BY_COLUMN}")
