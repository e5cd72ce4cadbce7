"""What metrics are called in the store: MLflow's pages make a section of each group, the word in front of a slash.

Scores stand in none, so that they come first. Everywhere else values have their plain names, `seconds_fit` for
`seconds/fit`: in objectives, filters, studies, journals and results. Earlier versions logged these; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric

from pipeline.config import former

GROUPED = {"seconds_": "seconds/", "epoch_": "epoch/", "export_": "export/"}  # by how names begin
# Those of which the group is no part of the plain name.
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
# What a filter says of a metric or a parameter; texts in quotes, in which the same may stand, come first.
NAMED_IN_FILTERS = re.compile(r"""'[^']*'|"[^"]*"|(\b(?:metric|param(?:eter)?)s?\.)(?:`([^`]+)`|"([^"]+)"|([\w.]+))""")


def stored(name: str) -> str:
    """What the store calls a value."""
    for beginning, group in GROUPED.items():
        if name.startswith(beginning):
            return group + name.removeprefix(beginning)
    return NAMED.get(name, name)


def plain(name: str) -> str:
    """The plain name of a metric of the store."""
    for beginning, group in GROUPED.items():
        if name.startswith(group):
            return beginning + name.removeprefix(group)
    return PLAIN.get(name, name)


def plain_values(metrics: Mapping[str, float]) -> dict[str, float]:
    """A run's metrics by their plain names; of one that two versions have logged, the later value."""
    in_order = sorted(metrics, key=lambda name: plain(name) != name)
    return {plain(name): metrics[name] for name in in_order}


def history(client: MlflowClient, run_id: str, name: str) -> list[Metric]:
    """What a run has logged of a value, by step; an earlier version may have logged the first of it."""
    now = stored(name)
    found = client.get_metric_history(run_id, now)
    if now != name and min((entry.step for entry in found), default=2) > 1:
        found = [*client.get_metric_history(run_id, name), *found]
    return sorted(found, key=lambda entry: entry.step)


def filters(query: str) -> list[str]:
    """A filter in MLflow's language, by the store's names and then, where they differ, by those of earlier versions."""

    def by(metric: Callable[[str], str], param: Callable[[str], str]) -> str:
        def named(found: re.Match[str]) -> str:
            kind, name = found[1], found[2] or found[3] or found[4]
            if kind and kind.startswith("metric"):
                return f"{kind}`{metric(plain(name))}`"
            return f"{kind}`{param(name)}`" if kind and param(name) != name else found[0]

        return NAMED_IN_FILTERS.sub(named, query)

    versions = [(stored, _new_key), (stored, former.old_key), (plain, former.old_key)]  # the latest first
    return list(dict.fromkeys(by(*names) for names in versions))


def _new_key(key: str) -> str:
    return former.new_key(key) or key
