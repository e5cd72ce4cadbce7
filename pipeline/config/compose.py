"""From conf/ and overrides to a checked Config; every mistake is found before Hydra stops at the first."""

import contextlib
import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline import model
from pipeline.config.command_line import options
from pipeline.config.composed import composed, options_of
from pipeline.config.hydra_keys import launcher_problems, unknown_to_hydra
from pipeline.config.launchers import is_launcher_key
from pipeline.config.overrides import (
    apply,
    combinations,
    first_lines,
    is_refused_by_hydra,
    unknown_options,
)
from pipeline.config.problems import check, inspect
from pipeline.config.ranges import DEPTH, WIDTH, Range, layer_overrides, search_space, unsuitable
from pipeline.config.rules import Config
from pipeline.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it in an installed wheel.
CONF = next(folder for folder in (PACKAGE / "conf", PACKAGE.parent / "conf") if folder.is_dir())
IN_CHECKOUT = CONF.parent == PACKAGE.parent


@dataclass(frozen=True)
class Command:
    """A command line that was found to be right."""

    config: Config  # of the only job, or of a sweep's first
    is_sweep: bool
    overrides: list[str]
    space: dict[str, Range]  # of a search; of a grid, the values that are combined
    is_search: bool
    for_hydra: dict[str, str]  # words that Hydra would refuse though they are right, as it takes them


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


def parse(arguments: Sequence[str]) -> Command:
    """Checks a whole command line, each value of a sweep included.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    args = options(arguments)
    search_path = create_config_search_path(str(Path(args.config_path).resolve() if args.config_path else CONF))
    if args.config_dir:
        if not Path(args.config_dir).is_dir():
            raise ConfigError(f"--config-dir: there is no folder {args.config_dir}")
        search_path.prepend("command-line", f"file://{Path(args.config_dir).resolve()}", anchor="schema")
    with _told_as_config_errors(), initialize_config_dir(str(CONF), version_base="1.3"):
        # The with statement brings back what was set up before; it has no way to add a folder.
        GlobalHydra.instance().clear()
        Hydra.create_main_hydra2("train", search_path)
        return _checked(args.config_name or "config", args.overrides, args.multirun)


def from_hydra(config: DictConfig) -> Config:
    """The checked Config of one composed by Hydra."""
    return check(_resolved(config))


def from_yaml(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """The checked Config of a whole composed configuration in a file, as a run logs it, with `key=value` overrides."""
    with _told_as_config_errors():
        config = OmegaConf.load(Path(path))
        assert isinstance(config, DictConfig)
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        problems = [f"{o.input_line}: one value only; a sweep cannot be rerun" for o in parsed if o.is_sweep_override()]
        problems = problems or [line for override in parsed for line in apply(config, override, override.value())]
    if problems:
        raise ConfigError("\n".join(problems))
    return from_hydra(config)


def to_yaml(config: Config) -> str:
    """A configuration as YAML, which `from_yaml` reads."""
    return OmegaConf.to_yaml(OmegaConf.create(config.model_dump()))


@contextlib.contextmanager
def _told_as_config_errors() -> Iterator[None]:
    """Hydra's and OmegaConf's own errors in our words."""
    try:
        yield
    except OverrideParseException as error:
        raise ConfigError(
            f"{error.override}: not an override such as key=value: {first_lines(error)}\n"
            "A value that holds a blank needs quotes around all of it, as in 'data.target=Heating Load'"
        ) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(first_lines(error)) from None
    except (YAMLError, UnicodeDecodeError) as error:  # which name the file, or what is near the fault
        raise ConfigError(f"a config file is not YAML: {error}") from None


def _checked(name: str, arguments: list[str], multirun: bool) -> Command:
    """Composes every job that the overrides stand for and gathers what is wrong with any of them."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    overrides = parser.parse_overrides(arguments)
    own = [override for override in overrides if not override.key_or_group.startswith("hydra")]
    launcher = [override for override in overrides if is_launcher_key(override)]
    hydra = [str(o.input_line) for o in overrides if o not in own + launcher and not o.is_sweep_override()]
    plugins = [o for o in overrides if o.key_or_group.startswith("hydra/") and options_of(o.key_or_group)]
    if wrong_plugins := [line for override in plugins for line in unknown_options(override)]:
        raise ConfigError("\n".join(wrong_plugins))
    if wrong_keys := unknown_to_hydra(name, [o for o in overrides if o not in own + launcher]):
        raise ConfigError("\n".join(wrong_keys))
    groups = [override for override in own if options_of(override.key_or_group)]
    unknown = {override.input_line: unknown_options(override) for override in groups}
    problems = [line for lines in unknown.values() for line in lines]
    groups = [override for override in groups if not unknown[override.input_line]]
    settings = composed(name, [*hydra, *(str(o.input_line) for o in groups if not o.is_sweep_override())]).hydra
    is_search = settings.runtime.choices["hydra/sweeper"] == "search"
    is_sweep = multirun or settings.mode == RunMode.MULTIRUN
    own += parser.parse_overrides(_of_file(settings, {override.key_or_group for override in own}) if is_sweep else [])
    values = [override for override in own if not options_of(override.key_or_group)]
    configs: list[Config] = []
    refused: set[str] = set()
    for chosen_groups, chosen_values in combinations(groups, values, is_search):
        config = copy.deepcopy(composed(name, [*hydra, *chosen_groups]))
        del config["hydra"]
        for override, value in chosen_values:
            refused |= {str(override.input_line)} if is_refused_by_hydra(config, override, value) else set()
            problems += apply(config, override, value)
        if is_search:
            problems += _with_layers(config, parser)
        checked, wrong = inspect(_resolved(config))
        problems += wrong
        configs += [] if checked is None else [checked]
    problems += _misplaced_sweep(own, is_sweep, is_search) + launcher_problems(settings.launcher, launcher, name, hydra)
    if is_sweep and not is_search and configs and configs[0].sweep.study is not None:
        problems.append("sweep.study: a grid is gone on with by its command; leave it out, or use hydra/sweeper=search")
    space = search_space(own, options_of)[0] if is_sweep else {}
    architectures = list(dict.fromkeys(config.model.name for config in configs))
    problems += unsuitable(space, configs[0].sweep, architectures, is_search) if is_sweep and configs else []
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return Command(configs[0], is_sweep, arguments, space, is_search, {word: f"++{word}" for word in refused})


def _with_layers(config: DictConfig, parser: OverridesParser) -> list[str]:
    """Sets what follows from the depth and width of a search's trial, as the trial would have it."""
    name, depth, width = (OmegaConf.select(config, key) for key in ("model.name", DEPTH, WIDTH))
    if name not in model.names() or type(depth) is not int or type(width) is not int:
        return []  # not searched, or an error that the rules tell of
    try:
        made = parser.parse_overrides(layer_overrides(name, depth, width))
    except ConfigError as error:
        return [str(error)]
    return [line for override in made for line in apply(config, override, override.value())]


def _of_file(settings: DictConfig, given: set[str]) -> list[str]:
    """The overrides of a sweep that a config file gives and the command line does not."""
    return [f"{key}={value}" for key, value in (settings.sweeper.get("params") or {}).items() if key not in given]


def _misplaced_sweep(overrides: list[Override], is_sweep: bool, is_search: bool) -> list[str]:
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not is_sweep:
        line = swept[0].input_line
        return [f"{line}: several values make a sweep; add -m (make sweep), or quote a value with a comma"]
    if any(override.key_or_group == "tracking.uri" for override in swept):
        return ["tracking.uri: a sweep's runs lie in one store; give one address"]
    if is_search and any(override.key_or_group == "objective" for override in swept):
        return ["objective: decides which trial of a search is best; give one score, or several by sweep.objectives"]
    several = [o.key_or_group for o in swept if o.key_or_group.startswith("sweep.")]
    return [f"{key}: belongs to the whole sweep; give one value" for key in several if key not in (DEPTH, WIDTH)]


def _resolved(config: DictConfig) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _config_dir_argument(config_dir: str | os.PathLike[str] | None) -> list[str]:
    return [] if config_dir is None else ["--config-dir", os.fspath(config_dir)]
