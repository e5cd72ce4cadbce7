"""MLflow's registry: versions of a named model, their aliases, and comparisons of two versions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import ModelVersion

from pipeline.config import direction
from pipeline.errors import RegistryError
from pipeline.runtime.program import program, stored_program
from pipeline.runtime.signals import held
from pipeline.track.find_model import registered_version
from pipeline.track.pages import MAX_DESCRIPTION_LENGTH, NOTE
from pipeline.track.store import STORE_ERRORS, store_of
from pipeline.track.tracked_run import digest_of

CHAMPION = "champion"
LOGGED = "model"  # name of a run's MLflow model
ABOUT = "This is of"  # prefix of descriptions that this module writes


@dataclass(frozen=True)
class Contender:
    """A run whose model is registered or to be registered."""

    run_id: str
    run_name: str
    version: str | None  # None before registration
    objective: str  # name of the run's objective
    scores: dict[str, float]  # final `train_*`, `val_*`, `test_*`
    fingerprint: str  # of all its rows
    val_digest: str  # of its validation rows
    note: str | None  # description of its page


@dataclass(frozen=True)
class ContenderComparison:
    """A new model and the one that holds the alias."""

    newcomer: Contender
    holder: Contender | None
    alias: str
    differs: tuple[str, ...] = field(default=())  # why the scores are not comparable

    @property
    def score(self) -> str:
        """The validation score for the comparison: the holder's objective."""
        return (self.holder or self.newcomer).objective

    @property
    def is_worse(self) -> bool:
        """Whether the newcomer's validation score is worse or missing."""
        if self.holder is None:
            return False
        new, old = (entry.scores.get(self.score, math.nan) for entry in (self.newcomer, self.holder))
        sign = -1 if direction(self.score) == "maximize" else 1
        return math.isfinite(old) and not sign * new <= sign * old


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    name: str
    version: str
    aliases: tuple[str, ...]
    comparison: ContenderComparison


@held()
def register(run_id: str, name: str, alias: str | None, force: bool, tracking_uri: str | None) -> Registered:
    """Registers the model of a run.

    It is compared with the version that holds the alias, or `champion` without one. A run that is already registered
    under the name keeps its version.

    Args:
        run_id: Of the run.
        name: Of the registered model.
        alias: Alias to set; None leaves all aliases unchanged.
        force: Registers it even if it is worse or not comparable.
        tracking_uri: Of the store.

    Raises:
        RegistryError: It is worse than the holder on validation rows or not comparable with it, the run has no model,
            or the alias is invalid.
    """
    _require_alias(alias)
    with store_of(tracking_uri):
        try:
            newcomer = _contender(mlflow.MlflowClient().get_run(run_id), None)
            comparison = _compared(newcomer, name, alias or CHAMPION)
            if not force:
                _require_better(comparison, name)
            version = _made_version(newcomer, name)
            return _with_alias(version, alias, comparison)
        except STORE_ERRORS as error:
            raise RegistryError(f"{name}: the registry refuses it: {str(error).splitlines()[0]}") from None


@held()
def promote(name: str, version: str, alias: str, tracking_uri: str | None) -> Registered:
    """Sets an alias to a version, and compares it with the version that held the alias.

    Args:
        name: Of the registered model.
        version: Number of the version.
        alias: The alias.
        tracking_uri: Of the store.

    Raises:
        ModelError: No such model or version.
        RegistryError: The alias is invalid, or the registry refuses it.
    """
    _require_alias(alias)
    with store_of(tracking_uri):
        try:
            found = registered_version(f"models:/{name}/{version}", name, version, None)
            newcomer = _of_version(found)
            return _with_alias(found, alias, _compared(newcomer, name, alias))
        except STORE_ERRORS as error:
            raise RegistryError(f"{name}: the registry refuses it: {str(error).splitlines()[0]}") from None


def _require_alias(alias: str | None) -> None:
    """Checks an alias: MLflow would refuse it only after the version has been made."""
    if alias is not None and (not re.fullmatch(r"[\w-]+", alias) or re.fullmatch(r"(?i)latest|v\d+", alias)):
        raise RegistryError(
            f"alias {alias!r}: use letters, digits, '_' and '-', as in champion; latest and v2 mean versions"
        )


def _require_better(comparison: ContenderComparison, name: str) -> None:
    holder, newcomer = comparison.holder, comparison.newcomer
    if holder is None:
        return
    who = f"{name}@{comparison.alias} (version {holder.version}, run {holder.run_id})"
    if comparison.differs:
        raise RegistryError(
            f"run {newcomer.run_id} is not comparable with {who}: {'; '.join(comparison.differs)}. Score both on the "
            f"same new rows ({program()} evaluate), and register it with --force (make: FORCE=1)"
        )
    if comparison.is_worse:
        new, old = (entry.scores.get(comparison.score, math.nan) for entry in (newcomer, holder))
        better = {"minimize": "lower", "maximize": "higher"}[direction(comparison.score) or "minimize"]
        raise RegistryError(
            f"run {newcomer.run_id} is worse than {who}: {comparison.score} {new:.6g} against {old:.6g} ({better} is "
            "better). It was not registered; --force (make: FORCE=1) registers it anyway"
        )


def _compared(newcomer: Contender, name: str, alias: str) -> ContenderComparison:
    holder = _holder(name, alias)
    if holder is None or holder.run_id == newcomer.run_id:
        return ContenderComparison(newcomer, None, alias)
    differs = []
    if newcomer.fingerprint != holder.fingerprint:
        differs.append(f"it was trained on other data (fingerprint {newcomer.fingerprint}, not {holder.fingerprint})")
    elif newcomer.val_digest != holder.val_digest:
        differs.append(f"its validation rows differ ({newcomer.val_digest}, not {holder.val_digest})")
    if holder.objective not in newcomer.scores:
        differs.append(f"it has no {holder.objective}")
    return ContenderComparison(newcomer, holder, alias, tuple(differs))


def _holder(name: str, alias: str) -> Contender | None:
    client = mlflow.MlflowClient()
    if not any(model.name == name for model in client.search_registered_models(f"name = '{name}'")):
        return None
    number = client.get_registered_model(name).aliases.get(alias)
    return None if number is None else _of_version(client.get_model_version(name, str(number)))


def _of_version(version: ModelVersion) -> Contender:
    try:
        run = mlflow.MlflowClient().get_run(version.run_id or "")
    except STORE_ERRORS:
        raise RegistryError(
            f"{version.name} version {version.version}: its run {version.run_id or '(unknown)'} is not in the store, "
            "so its scores are unknown; remove its alias with MlflowClient().delete_registered_model_alias"
        ) from None
    return _contender(run, str(version.version))


def _contender(run: MlflowRun, version: str | None) -> Contender:
    tags = run.data.tags
    scores = {
        key: value for key, value in run.data.metrics.items() if key.partition("_")[0] in ("train", "val", "test")
    } | {tags.get("objective", "objective"): run.data.metrics.get("objective", math.nan)}
    return Contender(
        run.info.run_id,
        run.info.run_name,
        version,
        tags.get("objective", "objective"),
        scores,
        tags.get("data_fingerprint", "unknown"),
        digest_of(run, "val") or "unknown",
        tags.get(NOTE),
    )


def _made_version(newcomer: Contender, name: str) -> ModelVersion:
    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=newcomer.note and _about(name, None, newcomer.note))
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.run_id == newcomer.run_id:
            return version
    outputs = client.get_run(newcomer.run_id).outputs
    logged = [client.get_logged_model(output.model_id) for output in (outputs.model_outputs if outputs else [])]
    models = [model for model in logged if model.name == LOGGED]
    if not models:
        again = f"{program()} rerun {newcomer.run_id}"
        raise RegistryError(f"run {newcomer.run_id} has no MLflow model {LOGGED!r}; train it again: {again}")
    score = newcomer.objective
    return client.create_model_version(
        name,
        models[-1].artifact_location,
        newcomer.run_id,
        tags={"objective": score, score: f"{newcomer.scores[score]:.6g}", "data_fingerprint": newcomer.fingerprint},
        model_id=models[-1].model_id,
        description=newcomer.note and newcomer.note[:MAX_DESCRIPTION_LENGTH],
    )


def _describe(client: mlflow.MlflowClient, name: str, alias: str, note: str | None) -> None:
    """Updates the description of a model for its alias, unless a user has written another description."""
    written = client.get_registered_model(name).description
    if note and (not written or written.startswith(ABOUT)):
        client.update_registered_model(name, _about(name, alias, note))


def _about(name: str, alias: str | None, note: str) -> str:
    which = f"models:/{name}@{alias}" if alias else f"models:/{name}/1"
    used = f"{stored_program()} predict {which} new.csv predictions.csv\n{stored_program()} serve {which}"
    return f"{ABOUT} {which}\n```\n{used}\n```\n\n{note}"[:MAX_DESCRIPTION_LENGTH]


def _with_alias(version: ModelVersion, alias: str | None, comparison: ContenderComparison) -> Registered:
    client, name, number = mlflow.MlflowClient(), version.name, str(version.version)
    if alias is not None:
        client.set_registered_model_alias(name, alias, number)
        _describe(client, name, alias, version.description)
    held = client.get_registered_model(name).aliases
    return Registered(name, number, tuple(sorted(key for key, of in held.items() if str(of) == number)), comparison)
