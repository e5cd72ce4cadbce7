"""The rules of conf/hydra/launcher/: keys in Hydra's section that this package defines."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from pydantic import Field, ValidationError, create_model

from pipeline.config.overrides import apply
from pipeline.config.problems import messages_of
from pipeline.schema import PositiveFloat, PositiveInt, Section

PREFIX = "hydra.launcher."


class Local(Section):
    """Keys of `hydra/launcher=local`."""

    n_jobs: PositiveInt | Literal["auto"]
    trials_per_gpu: PositiveInt


class Ray(Section):
    """Keys of `hydra/launcher=ray`."""

    address: Annotated[str, Field(min_length=1)]
    n_jobs: PositiveInt | Literal["auto"]
    cpus_per_trial: PositiveInt
    gpus_per_trial: PositiveFloat | Literal[0]


class Packed(Section):
    """Keys of `hydra/launcher=packed`."""

    members: Annotated[int, Field(ge=2)]


RULES: dict[str, type[Section]] = {
    "hydra_plugins.dense_pipeline.LocalLauncher": Local,
    "hydra_plugins.dense_pipeline.PackedLauncher": Packed,
    "hydra_plugins.dense_pipeline.RayLauncher": Ray,
}


def is_launcher_key(override: Override) -> bool:
    """Whether an override sets a key of the launcher."""
    return override.key_or_group.startswith(PREFIX)


def inspect_launcher(launcher: DictConfig, overrides: Sequence[Override]) -> list[str] | None:
    """Checks the keys of a launcher; returns a line for each mistake, or None for a third-party launcher.

    Args:
        launcher: The section `hydra.launcher`, composed without these overrides.
        overrides: Overrides of its keys.
    """
    if swept := [override.input_line for override in overrides if override.is_sweep_override()]:
        return [f"{line}: a sweep uses one launcher; give one value" for line in swept]
    target = str(launcher.get("_target_"))
    if target.endswith(".BasicLauncher"):
        return [f"{o.input_line}: the launcher basic has no keys; add hydra/launcher=local" for o in overrides]
    if target not in RULES:
        return None
    launcher = OmegaConf.create({"hydra": {"launcher": OmegaConf.to_container(launcher)}})
    problems = [line for override in overrides for line in apply(launcher, override, override.value())]
    del launcher.hydra.launcher["_target_"]
    values = OmegaConf.to_container(launcher, resolve=True)
    assert isinstance(values, dict)
    return problems + _problems(RULES[target], {str(key): value for key, value in values.items()})


def _problems(rules: type[Section], values: dict[str, Any]) -> list[str]:
    """Checks keys by their full names, so that messages use these."""
    hydra = create_model("Hydra", __base__=Section, launcher=(rules, ...))
    whole = create_model("Whole", __base__=Section, hydra=(hydra, ...))
    try:
        whole.model_validate(values)
    except ValidationError as error:
        return messages_of(error, whole, values)
    return []
