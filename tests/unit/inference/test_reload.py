"""A new model that cannot be loaded at first is loaded later; one that never can be is not loaded again and again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.inference import locate
from pipeline.inference.http.reload import ModelReloader
from pipeline.inference.http.served_model import Served, load
from pipeline.inference.http.service import Service
from pipeline.inference.locate import FoundModel
from support.serving import LIMITS, served


class Following:
    """A server of a folder with versions, whose look for another is called here."""

    def __init__(self, folder: Path, broken_finds: int = 0) -> None:
        self.folder, self.broken_finds, self.n_loads = folder, broken_finds, 0
        self.service = Service(served(folder, "name"), LIMITS, None, False)
        identity = lambda: locate.stands_for(str(folder))  # noqa: E731
        self.reloader = ModelReloader(self.service, identity, self._find, self._load, known=identity(), seconds=1.0)

    def _find(self) -> FoundModel:
        if self.broken_finds:
            self.broken_finds -= 1
            raise ModelError("the store does not answer")
        return locate.resolve(str(self.folder))

    def _load(self, found: FoundModel) -> Served:
        self.n_loads += 1
        return load(found, name="name", trust=False)

    def look(self) -> str:
        """Looks once; gives the version that serves then."""
        asyncio.run(self.reloader.look())
        return self.service.model.version


@pytest.fixture
def versions(untrained: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with version 1."""
    folder = tmp_path / "served"
    untrained(folder / "1", "data=iris")
    return folder


def test_a_fetch_that_fails_is_repeated(versions: Path) -> None:
    following = Following(versions, broken_finds=1)
    shutil.copytree(versions / "1", versions / "2")
    assert [following.look() for _ in range(3)] == ["1", "2", "2"]
    assert following.n_loads == 1


def test_a_version_that_is_half_copied_is_loaded_when_it_is_whole(versions: Path) -> None:
    following = Following(versions)
    shutil.copytree(versions / "1", versions / "2", ignore=shutil.ignore_patterns("variables"))
    assert [following.look() for _ in range(3)] == ["1"] * 3
    assert following.n_loads == 1
    shutil.copytree(versions / "1" / "variables", versions / "2" / "variables")
    assert following.look() == "2"


def test_a_model_that_does_not_replace_the_other_is_loaded_once(versions: Path, untrained: Callable[..., Path]) -> None:
    following = Following(versions)
    untrained(versions / "2", "data=diabetes")
    assert [following.look() for _ in range(3)] == ["1"] * 3
    assert following.n_loads == 1
    shutil.rmtree(versions / "2")
    shutil.copytree(versions / "1", versions / "3")
    assert following.look() == "3"
