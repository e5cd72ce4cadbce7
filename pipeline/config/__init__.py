"""Composes conf/ and overrides with Hydra, and checks them: the result is one frozen Config."""

from pipeline.config.command_line import as_hydra_takes, only_shows
from pipeline.config.compose import (
    CONF,
    IN_CHECKOUT,
    Command,
    check_shown,
    from_hydra,
    from_yaml,
    load,
    mlruns,
    parse,
    to_yaml,
)
from pipeline.config.rules import Config
from pipeline.config.scores import DIRECTIONS, MEASURED, direction

__all__ = [
    "CONF",
    "DIRECTIONS",
    "IN_CHECKOUT",
    "MEASURED",
    "Command",
    "Config",
    "as_hydra_takes",
    "check_shown",
    "direction",
    "from_hydra",
    "from_yaml",
    "load",
    "mlruns",
    "only_shows",
    "parse",
    "to_yaml",
]
