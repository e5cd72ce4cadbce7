"""How many rows a step takes, and how many steps an epoch."""

from pipeline.config.rules import Fit


def batch_size(config: Fit, n_rows: int) -> int:
    """Rows per step."""
    return n_rows if config.batch_size == "full" else min(config.batch_size, n_rows)


def steps_per_epoch(config: Fit, n_rows: int) -> int:
    """Steps in which every training row is used once, the last with what is left."""
    return -(-n_rows // batch_size(config, n_rows))
