"""Which code this is: what a result follows from beside its configuration and its rows."""

from __future__ import annotations

import functools
import subprocess
from importlib.metadata import version
from pathlib import Path

from pipeline.config.compose import IN_CHECKOUT
from pipeline.runtime.digest import digest

PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def code() -> str:
    """Version, commit and, where the package has changes on top, a digest of them; without git one of all its files."""
    return "+".join(filter(None, [version("dense-pipeline"), *(_commit() or [_sources()])]))


def _commit() -> list[str] | None:
    """The checkout's commit and its changes; None for an unpacked archive, or a wheel, which may lie in another's."""
    if not IN_CHECKOUT:
        return None
    git = ["git", "-C", str(PACKAGE)]

    def said(*words: str) -> str:
        return subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout

    try:
        commit, changes = said("rev-parse", "HEAD").strip(), said("diff", "HEAD", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return None
    return [commit, changes and digest(changes)[:12]]


def _sources() -> str:
    """Digest of the package's files: two builds of one version need not be the same."""
    files = sorted(PACKAGE.rglob("*.py"))
    return digest([[path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")] for path in files])
