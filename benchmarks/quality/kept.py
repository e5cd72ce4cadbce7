"""Results as they are kept: one per table, peer, seed and versions, in quality.json."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.quality.peers import Peer
from pipeline.config import mlruns
from pipeline.runtime.atomic_files import whole_file
from pipeline.runtime.locks import locked

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "quality.json"
CODE = ("pipeline", "conf")  # folders that decide what the pipeline's own networks are


@dataclass(frozen=True)
class Result:
    """What a peer came to on a table."""

    table: str
    peer: str
    seed: int
    versions: dict[str, str]
    machine: str
    load: float  # processes that wanted a CPU when it began, mean of a minute
    scores: dict[str, float]  # of the test rows
    seconds: float  # of the whole fit

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What there is one of."""
        return self.table, self.peer, self.seed, json.dumps(self.versions, sort_keys=True)


def results() -> list[Result]:
    """All, in the order in which they were measured."""
    if not RESULTS.exists():
        return []
    return [Result(**entry) for entry in json.loads(RESULTS.read_text(encoding="utf-8"))]


def keep(result: Result) -> None:
    """Adds a result, or replaces it."""
    folder = mlruns() / "quality"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "results.lock"):
        all_of_them = [other for other in results() if other.key != result.key] + [result]
        lines = ",\n".join(json.dumps(asdict(one), ensure_ascii=False) for one in all_of_them)
        with whole_file(RESULTS) as path:
            path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def versions(peer: Peer) -> dict[str, str]:
    """Of the packages that decide a peer's scores; of the pipeline itself, of its code too."""
    found = {}
    for package in peer.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | ({"code": _code()} if "dense-pipeline" in peer.packages else {})


def _code() -> str:
    """The trees of the folders as git has them, `+` where files differ from them; nothing outside of a checkout."""
    git = ["git", "-C", str(ROOT)]
    try:
        trees = [_said([*git, "rev-parse", f"HEAD:{folder}"])[:8] for folder in CODE]
        changed = _said([*git, "status", "--porcelain", "--", *CODE])
    except (OSError, subprocess.CalledProcessError):
        return ""
    return "-".join(trees) + ("+" if changed else "")


def _said(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
