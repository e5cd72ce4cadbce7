"""What Hydra composes from files: each file is read once, and each composition made once, while they stay as they are.

Hydra alone takes a sixth of a second for a composition: it parses a dozen files of its own and as many of ours, and
most of the rest goes into its own section, which hardly ever differs from one composition to the next.
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

VERSION_BASE = "1.3"  # of Hydra's behaviour
MAX_KEPT = 64  # compositions of a composer, and composers of a process


@dataclass(frozen=True)
class _Own:
    """What our files make with some words."""

    config: bytes  # pickled, without Hydra's section
    hydra: Any  # what they say of that
    former_keys: list[str]  # a line for each key of an earlier version


class Composer:
    """Hydra's composition of the files in some folders.

    Args:
        name: Of the file to begin with.
        search_path: The folders.
        elsewhere: Words that name more of them, `hydra.searchpath=[...]`; the first file may do so as well.
    """

    def __init__(self, name: str, search_path: ConfigSearchPath, elsewhere: Sequence[str] = ()) -> None:
        version.setbase(VERSION_BASE)
        self.name = name
        self._loader = ConfigLoaderImpl(search_path)
        Hydra("train", self._loader)  # for what that sets up in the process: resolvers, and the job's name
        self._loader.repository = Files(search_path)
        _, found = self._loader._parse_overrides_and_create_caching_repo(name, list(elsewhere))
        assert isinstance(found.delegate, Files)
        self._files = self._loader.repository = found.delegate
        self._searches_elsewhere = len(self._files.sources) > len(search_path.get_path())
        self._own: dict[tuple[str, ...], _Own] = {}
        self._whole: dict[tuple[str, ...], DictConfig] = {}

    def lasts(self) -> bool:
        """Whether composing anew would give the same, as far as can be told."""
        return not self._searches_elsewhere and self._files.unchanged()

    def parse(self, words: Sequence[str]) -> list[Override]:
        """The overrides that these words are."""
        return OverridesParser.create(config_loader=self._loader).parse_overrides(list(words))

    def options_of(self, group: str) -> list[str]:
        """Names of a config group's files; none if it is no group."""
        return self._files.get_group_options(group)

    def own(self, words: Sequence[str]) -> DictConfig:
        """All but Hydra's section, with these words of groups, such as `data=iris`. The caller may change it."""
        config: DictConfig = pickle.loads(self._made_of(words).config)
        return config

    def former_keys(self, words: Sequence[str]) -> list[str]:
        """A line for each key of an earlier version in the files that these words choose; `own` has today's."""
        return self._made_of(words).former_keys

    def settings(self, hydra: Sequence[str], groups: Sequence[str]) -> DictConfig:
        """Hydra's own section, which must not be changed.

        Args:
            hydra: Words that are for it.
            groups: Words of groups, whose files may say something of it as well; they seldom do.
        """
        is_usual = self._made_of(groups).hydra == self._usual_hydra
        key = (*hydra, repr(self._usual_hydra), self._files.of_hydra())  # then it follows from these
        if not is_usual or self._searches_elsewhere:
            return self.whole([*hydra, *groups]).hydra
        if key not in _usual_settings:
            _make_room(_usual_settings)
            _usual_settings[key] = self.whole(hydra).hydra
        return _usual_settings[key]

    @functools.cached_property
    def _usual_hydra(self) -> Any:
        """What the first file says of Hydra's section."""
        first = self._files.load_config(self.name)
        return None if first is None else _values_of(first.config).get("hydra")

    def whole(self, words: Sequence[str]) -> DictConfig:
        """All that Hydra composes with these words, which must not be changed."""
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
        """The files that these words choose, in their order."""
        for one in self._loader.compute_defaults_list(self.name, list(words), RunMode.RUN).defaults:
            values = _values_of(self._loader._load_single_config(one, self._files).config)
            yield Source(self._files.place_of(one.config_path), values)

    def _compose_own(self, words: Sequence[str]) -> DictConfig:
        """As Hydra composes it, but without the files of its own section, which take longer than all others."""
        files = CachingConfigRepository(self._files)
        try:
            found = create_defaults_list(files, self.name, self.parse(words), prepend_hydra=False, skip_missing=False)
        except ConfigCompositionException:  # a file chooses among Hydra's own; or the words are wrong, which this tells
            found = None
        if found is None or found.config_overrides:
            whole = copy.deepcopy(self.whole(words))
            OmegaConf.set_struct(whole, None)
            return whole
        return self._loader._compose_config_from_defaults_list(found.defaults, files)


def _values_of(config: Container) -> dict[str, Any]:
    """As the files give them: what refers to other keys stays so."""
    values = OmegaConf.to_container(config)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= MAX_KEPT:
        kept.clear()


_composers: dict[tuple[str, ...], Composer] = {}
_usual_settings: dict[tuple[Any, ...], DictConfig] = {}


def composer(name: str, folder: Path, own_folder: Path | None = None, elsewhere: Sequence[str] = ()) -> Composer:
    """The composer of these folders, a new one where a file has changed.

    Args:
        name: Of the file to begin with.
        folder: Which has it.
        own_folder: Of the user's own files, looked into before that one.
        elsewhere: Words that name more of them, `hydra.searchpath=[...]`.
    """
    key = (name, str(folder), str(own_folder), *elsewhere)
    if key not in _composers or not _composers[key].lasts():
        search_path = create_config_search_path(str(folder))
        if own_folder is not None:
            search_path.prepend("command-line", f"file://{own_folder}", anchor="schema")
        _make_room(_composers)
        _composers[key] = Composer(name, search_path, elsewhere)
    return _composers[key]
