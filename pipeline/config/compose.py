"""From conf/ and overrides to a checked Config; every mistake is found before Hydra stops at the first."""

import copy
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, ValueType
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.config.problems import check, inspect, nearest_key
from pipeline.config.rules import Config
from pipeline.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it in an installed wheel.
CONF = next(folder for folder in (PACKAGE / "conf", PACKAGE.parent / "conf") if folder.is_dir())
IN_CHECKOUT = CONF.parent == PACKAGE.parent
MOST_COMBINATIONS = 100  # of a sweep to compose ahead; beyond, every value is still looked at once


@dataclass(frozen=True)
class Command:
    """A command line that was found to be right."""

    config: Config  # of the only job, or of a sweep's first
    is_sweep: bool
    overrides: list[str]


def mlruns() -> Path:
    """Folder of all that runs leave behind: the checkout's, or for an installed wheel the current directory's."""
    return (CONF.parent if IN_CHECKOUT else Path.cwd()) / "mlruns"


OmegaConf.register_new_resolver("pipeline.mlruns", lambda: str(mlruns()), replace=True)


def load(*overrides: str, config_dir: str | os.PathLike[str] | None = None) -> Config:
    """Composes and checks an experiment, as the command line would.

    Args:
        *overrides: Hydra overrides, such as `"experiment=california"` or `"model.units=[64]"`.
        config_dir: Folder of your own config files, searched after conf/; as `--config-dir`.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    return parse([*_config_dir_argument(config_dir), *overrides]).config


def only_shows(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help or for the config, and so runs nothing."""
    args = get_args_parser().parse_args(list(arguments))
    return bool(args.help or args.hydra_help or args.cfg or args.info or args.shell_completion)


def parse(arguments: Sequence[str]) -> Command:
    """Checks a whole command line, each value of a sweep included.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    args = get_args_parser().parse_args(list(arguments))
    search_path = create_config_search_path(str(Path(args.config_path).resolve() if args.config_path else CONF))
    if args.config_dir:
        if not Path(args.config_dir).is_dir():
            raise ConfigError(f"--config-dir: there is no folder {args.config_dir}")
        search_path.prepend("command-line", f"file://{Path(args.config_dir).resolve()}", anchor="schema")
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):  # brings back what was set up before
            GlobalHydra.instance().clear()
            Hydra.create_main_hydra2("train", search_path)
            return _checked(args.config_name or "config", args.overrides, args.multirun)
    except OverrideParseException as error:
        raise ConfigError(f"{error.override}: not an override such as key=value: {_first_lines(error)}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_first_lines(error)) from None
    except (YAMLError, UnicodeDecodeError) as error:  # which name the file, or what is near the fault
        raise ConfigError(f"a config file is not YAML: {error}") from None


def from_hydra(config: DictConfig) -> Config:
    """The checked Config of one composed by Hydra."""
    return check(_resolved(config))


def from_yaml(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """The checked Config of a whole composed configuration in a file, as a run logs it, with `key=value` overrides."""
    config = OmegaConf.load(Path(path))
    assert isinstance(config, DictConfig)
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(f"{error.override}: not an override such as key=value: {_first_lines(error)}") from None
    problems = [f"{o.input_line}: one value only; a sweep cannot be rerun" for o in parsed if o.is_sweep_override()]
    problems = problems or [line for override in parsed for line in _apply(config, override, override.value())]
    if problems:
        raise ConfigError("\n".join(problems))
    return from_hydra(config)


def to_yaml(config: Config) -> str:
    """A configuration as YAML, which `from_yaml` reads."""
    return OmegaConf.to_yaml(OmegaConf.create(config.model_dump()))


def _checked(name: str, arguments: list[str], multirun: bool) -> Command:
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
    own = [override for override in overrides if not override.key_or_group.startswith("hydra")]
    groups = [override for override in own if _options(override.key_or_group)]
    values = [override for override in own if override not in groups]
    problems = [line for override in groups for line in _unknown_options(override)]
    groups = [override for override in groups if not _unknown_options(override)]
    hydra = [str(o.input_line) for o in overrides if o not in own and not o.is_sweep_override()]
    composed: dict[tuple[str, ...], DictConfig] = {}
    configs: list[Config] = []
    for chosen_groups, chosen_values in _combinations(groups, values):
        if chosen_groups not in composed:
            config = compose(name, overrides=[*hydra, *chosen_groups], return_hydra_config=True)
            mode = OmegaConf.select(config, "hydra.mode")
            OmegaConf.set_struct(config, False)
            config.pop("hydra")
            composed[chosen_groups] = config
        config = copy.deepcopy(composed[chosen_groups])
        for override, value in chosen_values:
            problems += _apply(config, override, value)
        checked, wrong = inspect(_resolved(config))
        problems += wrong
        if checked is not None:
            configs.append(checked)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    is_sweep = multirun or str(mode).endswith("MULTIRUN")
    if not is_sweep and any(override.is_sweep_override() for override in overrides):
        swept = next(override.input_line for override in overrides if override.is_sweep_override())
        raise ConfigError(f"{swept}: several values make a sweep; add -m (make sweep), or quote a value with a comma")
    if any(override.key_or_group == "tracking.uri" and override.is_sweep_override() for override in overrides):
        raise ConfigError("tracking.uri: a sweep's runs lie in one store; give one address")
    return Command(configs[0], is_sweep, arguments)


def _options(group: str) -> list[str]:
    return GlobalHydra.instance().config_loader().get_group_options(group)


def _unknown_options(override: Override) -> list[str]:
    """A line for each option that the group does not have."""
    options = _options(override.key_or_group)
    lines = []
    chosen = [pick if isinstance(pick, list) else [pick] for pick in _values(override)]
    for value in itertools.chain.from_iterable(chosen):
        if value not in options:
            near = nearest_key(str(value), options)
            hint = f", did you mean '{near}'?" if near else ""
            lines.append(f"{override.key_or_group}={value}: no such file{hint or ';'} there are {', '.join(options)}")
    return lines


def _values(override: Override) -> list[Any]:
    if not override.is_sweep_override():
        return [override.value()]
    is_glob = override.value_type == ValueType.GLOB_CHOICE_SWEEP
    if not override.is_discrete_sweep() or (is_glob and not _options(override.key_or_group)):
        raise ConfigError(
            f"{override.input_line}: this sweep needs a list of values, as in {override.key_or_group}=1,2"
        )
    return [Override._convert_value(value) for value in override.sweep_iterator(transformer=lambda value: value)]


def _combinations(
    groups: list[Override], values: list[Override]
) -> Iterator[tuple[tuple[str, ...], list[tuple[Override, Any]]]]:
    """The jobs of a sweep, or a choice of them in which every value occurs; the only job where nothing is swept."""
    overrides = groups + values
    choices = [_values(override) for override in overrides]
    total = math.prod(len(choice) for choice in choices)
    if total <= MOST_COMBINATIONS:
        picks: Iterator[tuple[Any, ...]] = itertools.product(*choices)
    else:
        longest = max(len(choice) for choice in choices)
        picks = (tuple(choice[i % len(choice)] for choice in choices) for i in range(longest))
    for pick in picks:
        chosen = list(zip(overrides, pick, strict=True))
        yield tuple(_group_override(o, value) for o, value in chosen[: len(groups)]), chosen[len(groups) :]


def _group_override(override: Override, value: Any) -> str:
    if override.type == OverrideType.DEL:
        return str(override.input_line)
    text = f"[{','.join(value)}]" if isinstance(value, list) else value
    return f"{override.get_key_element()}={text}"


def _apply(config: DictConfig, override: Override, value: Any) -> list[str]:
    """Sets one key whether it is known or not: the rules then find what does not belong."""
    key = override.key_or_group
    try:
        if override.type == OverrideType.DEL:
            parent, _, leaf = key.rpartition(".")
            section = OmegaConf.select(config, parent) if parent else config
            if not isinstance(section, DictConfig) or leaf not in section:
                return [f"~{key}: there is no such key to delete"]
            del section[leaf]
        else:
            OmegaConf.update(config, key, value, merge=True, force_add=True)
    except (OmegaConfBaseException, TypeError, ValueError, AssertionError) as error:
        return [f"{key}: cannot be set: {_first_lines(error)}"]
    return []


def _resolved(config: DictConfig) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _config_dir_argument(config_dir: str | os.PathLike[str] | None) -> list[str]:
    return [] if config_dir is None else ["--config-dir", os.fspath(config_dir)]


def _first_lines(error: Exception) -> str:
    """A message without OmegaConf's list of internal types below it."""
    return "\n".join(
        line for line in str(error).splitlines() if not line.lstrip().startswith(("full_key", "object_type"))
    )
