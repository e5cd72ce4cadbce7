"""What Hydra composes from files, kept from one call to the next for as long as the files stay as they are."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

MOST_KEPT = 64
FILE = "file://"

# Path, inode, time of change and size of every file that could have had a part.
State = tuple[tuple[str, int, int, int], ...]

_kept: dict[tuple[str, ...], tuple[DictConfig, State]] = {}


def composed(name: str, words: Sequence[str]) -> DictConfig:
    """The configuration of that name with these overrides, of which no file is read twice.

    Composing takes Hydra a sixth of a second. What comes back is shared: copy it before you change it.
    """
    key = (*(f"{source.provider} {source.path}" for source in _loader().get_search_path().get_path()), name, *words)
    if key in _kept and _kept[key][1] == _state_of(_kept[key][0]):
        return _kept[key][0]
    found = compose(name, list(words), return_hydra_config=True)
    OmegaConf.set_struct(found, False)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = found, _state_of(found)
    return found


def options_of(group: str) -> list[str]:
    """Names of a config group's files; none if it is no group."""
    return _loader().repository.get_group_options(group)


def _loader() -> ConfigLoaderImpl:
    loader = GlobalHydra.instance().config_loader()
    assert isinstance(loader, ConfigLoaderImpl)
    return loader


def _state_of(config: DictConfig) -> State:
    """Of the folders that the configuration was composed from, those of hydra.searchpath among them."""
    sources = [source for source in config.hydra.runtime.config_sources if source.schema == "file"]
    folders = [Path(source.path).absolute() for source in sources]
    files = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
    return tuple((str(path), (about := path.stat()).st_ino, about.st_mtime_ns, about.st_size) for path in files)
