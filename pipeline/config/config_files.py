"""Caches of Hydra's config files: each file is read once until it changes."""

from __future__ import annotations

import copy
import os
import pickle
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf

from pipeline.config.quoting import NAMES
from pipeline.errors import ConfigError

OTHER_NUMBER = re.compile(
    r"[+-]?(?:0[0-9_]+|[0-9][0-9_]*[_:][0-9_:]+|0[xXbB][0-9a-fA-F_]+)"
)  # octal, base 60 and so on
MAX_COMPOSED = 64
BASE = "base"  # the file of a group that the others include: it cannot be selected

# Files and folders in a folder; for a file also inode, time of writing and size.
Listing = frozenset[tuple[str, int, int, int]]


class Files(ConfigRepository):
    """Hydra's repository of config files, which caches them and detects changes."""

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """Sets the folders to search, and clears the caches."""
        super().initialize_sources(config_search_path)
        self._found: dict[tuple[str, ObjectType | None], ConfigSource | None] = {}
        self._options: dict[tuple[str, ObjectType | None], list[str]] = {}
        self._listings: dict[Path, Listing] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Files:
        """Copies shallowly: Hydra copies it before each composition, in case hydra.searchpath adds folders."""
        return copy.copy(self)

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Returns the content of a file; the caller may change it."""
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        key = (config_path, *(_identity(source, config_path) if source else ()))
        if key not in _contents:
            loaded = super().load_config(config_path)
            if source is not None and source.scheme() == "file":
                _check_numbers(Path(source.path, source._normalize_file_name(config_path)))
            try:
                _contents[key] = pickle.dumps(loaded)
            except pickle.PicklingError:  # of a class that was imported twice, as in a job that submitit started
                return loaded
        found: ConfigResult | None = pickle.loads(_contents[key])
        return found

    def get_group_options(self, group_name: str, results_filter: ObjectType | None = ObjectType.CONFIG) -> list[str]:
        """Returns the names of the files of a group that can be selected.

        Args:
            group_name: Of the group, such as `data`.
            results_filter: Hydra's type of entries.
        """
        asked = (group_name, results_filter)
        if asked not in self._options:
            self._look_at(f"{group_name}/")
            self._options[asked] = choices(super().get_group_options(group_name, results_filter))
        return self._options[asked]

    def place_of(self, config_path: str | None) -> Path | None:
        """Returns the path of a config; None if it is not a file, such as Hydra's own configs."""
        source = None if config_path is None else self._find_object_source(config_path, ObjectType.CONFIG)
        if config_path is None or source is None or source.scheme() != "file":
            return None
        return Path(source.path, source._normalize_file_name(config_path))

    def of_hydra(self) -> tuple[Listing, ...]:
        """Lists the files in our folders for Hydra's own groups."""
        roots = [Path(source.path) / "hydra" for source in self.sources if source.scheme() == "file"]
        return tuple(_listing(Path(folder)) for root in roots for folder, _, _ in os.walk(root))

    def unchanged(self) -> bool:
        """Whether the searched folders have not changed."""
        return all(_listing(folder) == known for folder, known in self._listings.items())

    def _find_object_source(self, config_path: str, object_type: ObjectType | None) -> ConfigSource | None:
        asked = (config_path, object_type)
        if asked not in self._found:
            self._look_at(config_path)
            self._found[asked] = super()._find_object_source(config_path, object_type)
        return self._found[asked]

    def _look_at(self, config_path: str) -> None:
        """Records the contents of the folders where a file is searched, whether it exists or not."""
        for source in self.sources:
            if source.scheme() == "file":
                folder = Path(source.path)
                for part in ("", *config_path.split("/")[:-1]):
                    folder /= part
                    if folder not in self._listings:
                        self._listings[folder] = _listing(folder)


def _check_numbers(path: Path) -> None:
    """Checks for column names and missing values that YAML reads as another number: 010 is 8, and 1:30 is 90.

    Raises:
        ConfigError: A line for each, with its correction.
    """
    content = path.read_text(encoding="utf-8")
    if not any(f"{name}:" in content for name in NAMES):
        return
    lines = []
    for key, text in _plain_scalars(yaml.compose(content, Loader=yaml.SafeLoader)):
        value = OmegaConf.create(f"x: {text}").x if key in NAMES and OTHER_NUMBER.fullmatch(text) else text
        if value != text:
            lines.append(
                f"data.{key}: YAML reads {text} in {path} as {value}; write '{text}', with these quotes, or {value}"
            )
    if lines:
        raise ConfigError("\n".join(lines))


def _plain_scalars(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields the unquoted values of a file, each with its key or the key of its list."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _plain_scalars(value, str(name.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _plain_scalars(value, key)
    elif isinstance(node, yaml.ScalarNode) and node.style is None:
        yield key, node.value


def read_once(loader: ConfigLoader) -> None:
    """Makes a config loader of Hydra read each file, and merge the same files, once until a file changes.

    A sweep composes a config for each job, and most jobs differ only in values.
    """
    assert isinstance(loader, ConfigLoaderImpl)
    loader.repository = files = Files(loader.config_search_path)
    compose, composed = loader._compose_config_from_defaults_list, dict[str, bytes]()

    def compose_once(defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        key = repr((defaults, [source.path for source in repo.get_sources()]))
        if not files.unchanged():
            composed.clear()
        if key not in composed:
            if len(composed) >= MAX_COMPOSED:
                composed.clear()
            whole = compose(defaults, repo)
            try:
                composed[key] = pickle.dumps(whole)
            except pickle.PicklingError:  # as in `load_config`
                return whole
        found: DictConfig = pickle.loads(composed[key])
        return found

    loader._compose_config_from_defaults_list = compose_once  # type: ignore[method-assign]


def choices(names: Sequence[str]) -> list[str]:
    """Returns the files of a group that can be selected."""
    return [name for name in names if name != BASE]


# Contents of files by their identity, pickled: unpickling is five times as fast as a deep copy.
_contents: dict[tuple[str | int, ...], bytes] = {}


def _identity(source: ConfigSource, config_path: str) -> tuple[str | int, ...]:
    """Returns a key of a config that differs between files, and for a file after each change."""
    about = Path(source.path, source._normalize_file_name(config_path)).stat() if source.scheme() == "file" else None
    written = () if about is None else (about.st_ino, about.st_mtime_ns, about.st_size)
    return source.provider, source.scheme(), source.path, *written


def _listing(folder: Path) -> Listing:
    if not folder.is_dir():
        return frozenset()
    with os.scandir(folder) as entries:
        return frozenset(_entry(one) for one in entries if one.is_dir() or one.name.endswith((".yaml", ".yml")))


def _entry(entry: os.DirEntry[str]) -> tuple[str, int, int, int]:
    if entry.is_dir():
        return entry.name, 0, 0, 0
    try:
        about = entry.stat()
    except FileNotFoundError:  # a dangling link, such as some editors make beside a file
        about = entry.stat(follow_symlinks=False)
    return entry.name, about.st_ino, about.st_mtime_ns, about.st_size
