"""Hydra's composition of config files, with caches: files are read, and configs composed, once until a file changes.

Hydra needs a sixth of a second for a composition: it parses a dozen of its own files and as many of ours, and spends
most of the remaining time on its own section, which rarely changes between compositions.
"""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import Container, DictConfig, OmegaConf

from pipeline.config.config_files import Files
from pipeline.config.former import Source, in_files, with_new_keys

VERSION_BASE = "1.3"  # version of Hydra's behaviour
MAX_KEPT = 64  # maximum number of cached compositions, and of cached composers


@dataclass(frozen=True)
class _Own:
    """A composition of our files."""

    config: bytes  # pickled, without the section `hydra`
    hydra: Any  # the section `hydra` of our files
    former_keys: list[str]  # a line for each key of an earlier version


class Composer:
    """Hydra's composition of the files in some folders.

    Args:
        name: Of the primary config file.
        search_path: The folders, by descending priority.
        elsewhere: Overrides `hydra.searchpath=[...]`, which add folders; the primary file can add some too.
    """

    def __init__(self, name: str, search_path: ConfigSearchPath, elsewhere: Sequence[str] = ()) -> None:
        version.setbase(VERSION_BASE)
        self.name = name
        self._loader = ConfigLoaderImpl(search_path)
        Hydra("train", self._loader)  # for its side effects: resolvers, and the job's name
        self._loader.repository = Files(search_path)
        _, found = self._loader._parse_overrides_and_create_caching_repo(name, list(elsewhere))
        assert isinstance(found.delegate, Files)
        self._files = self._loader.repository = found.delegate
        self._searches_elsewhere = len(self._files.sources) > len(search_path.get_path())
        self._own: dict[tuple[str, ...], _Own] = {}
        self._whole: dict[tuple[str, ...], DictConfig] = {}

    def lasts(self) -> bool:
        """Whether the cached compositions are still valid; False if that is unknown."""
        return not self._searches_elsewhere and self._files.unchanged()

    def parse(self, words: Sequence[str]) -> list[Override]:
        """Parses words into overrides of these files."""
        return OverridesParser.create(config_loader=self._loader).parse_overrides(list(words))

    def options_of(self, group: str) -> list[str]:
        """Returns the names of a config group's files; an empty list if the group does not exist."""
        return self._files.get_group_options(group)

    def own(self, words: Sequence[str]) -> DictConfig:
        """Composes all but the section `hydra`, with overrides of groups (`data=iris`); the caller may change it."""
        config: DictConfig = pickle.loads(self._made_of(words).config)
        return config

    def former_keys(self, words: Sequence[str]) -> list[str]:
        """Returns a line for each key of an earlier version in the selected files; `own` has the current keys."""
        return self._made_of(words).former_keys

    def have_settings(self, groups: Sequence[str]) -> bool:
        """Whether the files may set Hydra's mode, sweeper or launcher; False is certain.

        Args:
            groups: Overrides of groups other than Hydra's.
        """
        is_usual = self._made_of(groups).hydra == self._usual_hydra and not self._searches_elsewhere
        return not is_usual or not {"mode", "sweeper", "launcher"}.isdisjoint(self._usual_hydra or {})

    def settings(self, hydra: Sequence[str], groups: Sequence[str]) -> DictConfig:
        """Returns the section `hydra`; the caller must not change it.

        Args:
            hydra: Overrides of Hydra's keys and groups.
            groups: Overrides of other groups, whose files can set keys of `hydra` too, but rarely do.
        """
        is_usual = self._made_of(groups).hydra == self._usual_hydra
        key = (*hydra, repr(self._usual_hydra), self._files.of_hydra())  # determines the section in the usual case
        if not is_usual or self._searches_elsewhere:
            return self.whole([*hydra, *groups]).hydra
        if key not in _usual_settings:
            _make_room(_usual_settings)
            _usual_settings[key] = self.whole(hydra).hydra
        return _usual_settings[key]

    @functools.cached_property
    def _usual_hydra(self) -> Any:
        """The section `hydra` of the primary file."""
        first = self._files.load_config(self.name)
        return None if first is None else _values_of(first.config).get("hydra")

    def whole(self, words: Sequence[str]) -> DictConfig:
        """Composes the whole config with these overrides; the caller must not change it."""
        key = tuple(words)
        if key not in self._whole:
            _make_room(self._whole)
            self._whole[key] = self._loader.load_configuration(self.name, list(words), RunMode.RUN, from_shell=False)
        return self._whole[key]

    def _made_of(self, words: Sequence[str]) -> _Own:
        key = tuple(words)
        if key not in self._own:
            _make_room(self._own)
            config = self._compose_own(words)
            values = _values_of(config)
            if lines := in_files(values, lambda: self._sources(words)):
                config = OmegaConf.create(with_new_keys(values))
            config.pop("hydra", None)
            self._own[key] = _Own(pickle.dumps(config), values.get("hydra"), lines)
        return self._own[key]

    def _sources(self, words: Sequence[str]) -> Iterator[Source]:
        """Yields the files that these overrides select, in order of composition."""
        for one in self._loader.compute_defaults_list(self.name, list(words), RunMode.RUN).defaults:
            values = _values_of(self._loader._load_single_config(one, self._files).config)
            yield Source(self._files.place_of(one.config_path), values)

    def _compose_own(self, words: Sequence[str]) -> DictConfig:
        """Composes like Hydra, but without the files of its own section, which take longer than all others."""
        files = CachingConfigRepository(self._files)
        try:
            found = create_defaults_list(files, self.name, self.parse(words), prepend_hydra=False, skip_missing=False)
        except ConfigCompositionException:  # a file selects from Hydra's groups, or `whole` raises too
            found = None
        if found is None or found.config_overrides:
            whole = copy.deepcopy(self.whole(words))
            OmegaConf.set_struct(whole, None)
            return whole
        return self._loader._compose_config_from_defaults_list(found.defaults, files)


def _values_of(config: Container) -> dict[str, Any]:
    """Returns the values as in the files: interpolations are not resolved."""
    values = OmegaConf.to_container(config)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= MAX_KEPT:
        kept.clear()


_composers: dict[tuple[str, ...], Composer] = {}
_usual_settings: dict[tuple[Any, ...], DictConfig] = {}


def composer(name: str, folder: Path, own_folder: Path | None = None, elsewhere: Sequence[str] = ()) -> Composer:
    """Returns the composer of these folders, a new one if a file has changed.

    Args:
        name: Of the primary config file.
        folder: Folder of that file.
        own_folder: The user's folder (`--config-dir`). Hydra searches it after `folder`: a file of the same name there
            is not used.
        elsewhere: Overrides `hydra.searchpath=[...]`, which add folders.
    """
    key = (name, str(folder), str(own_folder), *elsewhere)
    if key not in _composers or not _composers[key].lasts():
        search_path = create_config_search_path(str(folder))
        if own_folder is not None:
            search_path.prepend("command-line", f"file://{own_folder}", anchor="schema")
        _make_room(_composers)
        _composers[key] = Composer(name, search_path, elsewhere)
    return _composers[key]
