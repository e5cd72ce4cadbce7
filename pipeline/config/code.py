"""Identifies the version of the code, on which results depend as well as on configuration and rows."""

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
    """Returns version, commit and a digest of uncommitted changes if any; without git a digest of all files."""
    return "+".join(filter(None, [version("dense-pipeline"), *(_commit() or [_sources()])]))


def _commit() -> list[str] | None:
    """Returns commit and changes of the checkout; None for an archive or a wheel, perhaps inside another repository."""
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
    """Returns a digest of the package's files: two builds of one version can differ."""
    files = sorted(PACKAGE.rglob("*.py"))
    return digest([[path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")] for path in files])
