"""Names of metrics in the store: MLflow's pages show a section for each group, the part before a slash.

Scores have no group, so that they come first. Everywhere else values have plain names, `seconds_fit` for `seconds/fit`:
in objectives, filters, studies, journals and results. Earlier versions logged plain names; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipeline.config import former

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

GROUPED = {"seconds_": "seconds/", "epoch_": "epoch/", "export_": "export/"}  # groups by prefix of the plain name
# Metrics whose plain name does not contain the group.
NAMED = {
    "best_epoch": "training/best_epoch",
    "epochs_trained": "training/epochs_trained",
    "n_parameters": "network/n_parameters",
    "n_zero_inputs": "network/n_zero_inputs",
    "n_zero_weights": "network/n_zero_weights",
    "n_networks": "network/n_networks",
    "n_entries": "network/n_entries",
}
PLAIN = {stored: plain for plain, stored in NAMED.items()}
# A metric or parameter in a filter; quoted texts, which can contain the same words, are matched first.
NAMED_IN_FILTERS = re.compile(r"""'[^']*'|"[^"]*"|(\b(?:metric|param(?:eter)?)s?\.)(?:`([^`]+)`|"([^"]+)"|([\w.]+))""")


def stored(name: str) -> str:
    """Returns the name of a value in the store."""
    for beginning, group in GROUPED.items():
        if name.startswith(beginning):
            return group + name.removeprefix(beginning)
    return NAMED.get(name, name)


def plain(name: str) -> str:
    """Returns the plain name of a metric in the store."""
    for beginning, group in GROUPED.items():
        if name.startswith(group):
            return beginning + name.removeprefix(group)
    return PLAIN.get(name, name)


def plain_values(metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns a run's metrics by plain name; if two versions have logged a metric, the value of the newer one."""
    in_order = sorted(metrics, key=lambda name: plain(name) != name)
    return {plain(name): metrics[name] for name in in_order}


def history(client: MlflowClient, run_id: str, name: str) -> list[Metric]:
    """Returns the history of a value, by step; an earlier version may have logged the first steps.

    Args:
        client: Of the store.
        run_id: Of the run.
        name: Plain name of the value.
    """
    now = stored(name)
    found = client.get_metric_history(run_id, now)
    if now != name and min((entry.step for entry in found), default=2) > 1:
        found = [*client.get_metric_history(run_id, name), *found]
    return sorted(found, key=lambda entry: entry.step)


def filters(query: str) -> list[str]:
    """Returns a filter with the store's names, and variants with the names of earlier versions if they differ."""

    def by(metric: Callable[[str], str], param: Callable[[str], str]) -> str:
        def named(found: re.Match[str]) -> str:
            kind, name = found[1], found[2] or found[3] or found[4]
            if kind and kind.startswith("metric"):
                return f"{kind}`{metric(plain(name))}`"
            return f"{kind}`{param(name)}`" if kind and param(name) != name else found[0]

        return NAMED_IN_FILTERS.sub(named, query)

    versions = [(stored, _new_key), (stored, former.old_key), (plain, former.old_key)]  # newest first
    return list(dict.fromkeys(by(*names) for names in versions))


def _new_key(key: str) -> str:
    return former.new_key(key) or key
