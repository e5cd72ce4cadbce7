"""The architecture: which way the arrows point, and where each library is at home."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))

# What may import a library; a path ending in / stands for a folder.
HOMES = {
    "mlflow": ["track/"],
    "pandas": ["data/", "export/columns.py", "track/model.py", "track/pyfunc.py"],
    "hydra": ["config/", "plugins.py", "train.py", "sweep/", "launch/"],
    "omegaconf": ["config/", "train.py", "sweep/", "launch/"],
    "cloudpickle": ["launch/"],
    "ray": ["launch/cluster.py"],
    "matplotlib": ["pictures.py", "study/pictures/", "track/run.py", "track/study.py"],
    "rich": ["show.py", "fit/callbacks.py", "predict/run.py", "export/__main__.py", "compare/screen.py", "study/"],
    "tf2onnx": ["export/onnx.py"],
    "onnxruntime": ["export/runtimes/"],
    "ai_edge_litert": ["export/runtimes/"],
    "sklearn": ["data/", "evaluate/__init__.py", "pictures.py", "compare/importance.py"],
    "tensorflow": ["fit/", "export/", "track/pyfunc.py", "startup.py"],
    "keras": ["model/", "fit/", "export/", "data/sources.py", "train.py", "weights.py"],
    "pydantic": ["config/", "model/"],
    "sqlalchemy": ["data/tables/stored.py", "track/", "sweep/search/storage.py"],
    "optuna": ["sweep/search/"],
    "scipy": ["sweep/search/draws.py", "compare/seeds.py", "study/claims.py"],
    "psutil": ["track/run.py", "fit/feed.py", "data/streaming/budget.py", "process.py"],
    "fastapi": ["serve/"],
    "starlette": ["serve/"],  # FastAPI's own foundation
    "uvicorn": ["serve/"],
    "prometheus_client": ["serve/"],
    "pyarrow": ["data/streaming/", "predict/"],  # elsewhere pandas reads Parquet by it
}

# What of this package each part may import. Stages know the rules and the errors, never each other.
ARROWS = {
    "errors.py": set(),
    "clock.py": set(),
    "plugins.py": set(),
    "startup.py": {"stderr"},
    "signals.py": set(),
    "stderr.py": set(),
    "commands.py": {"errors", "find", "signals"},
    "process.py": set(),
    "config/": {"config", "errors", "model"},
    "data/": {"data", "config", "errors"},
    "model/": {"model", "config", "errors"},
    "fit/": {"fit", "config", "errors"},
    "evaluate/__init__.py": {"data", "config", "errors"},
    "evaluate/": {"evaluate", "predict", "export", "find", "track", "data", "config", "errors", "show", "commands"}
    | {"startup"},
    **{
        f"export/{name}.py": {"export", "data", "errors", "stderr"}
        for name in (
            "assemble",
            "columns",
            "contract",
            "fresh",
            "litert",
            "loaded",
            "manifest",
            "onnx",
            "ops",
            "packed",
            "portable",
            "saved_model",
            "serving",
        )
    },  # what of the folder is the command starts from a finished run
    "export/": {"export", "data", "errors", "config", "evaluate", "find", "commands", "startup", "stderr", "track"},
    "export/decision.py": {"export", "data", "config"},
    "export/runtimes/": set(),
    "pictures.py": {"data"},
    "weights.py": set(),
    "study/": {"study", "track", "train", "weights", "config", "errors", "commands"},
    "track/": {"track", "config", "data", "errors", "process", "signals"},
    "compare/": {"compare", "track", "config", "errors", "commands"},
    "card/": {"card", "data", "config", "evaluate", "export", "fit"},  # of the last three only the types
    "find.py": {"track", "errors"},
    "register.py": {"track", "errors", "show", "commands"},
    "promote.py": {"track", "errors", "show", "commands"},
    "serve/": {"serve", "export", "find", "errors", "commands", "startup"},
    "predict/": {"predict", "export", "find", "data", "errors", "commands", "startup"},
    "sweep/": {"sweep", "compare", "config", "data", "errors", "plugins", "process", "show", "track"} | {"train"},
    # It leads processes in which the whole story runs: server.py imports all of it before it forks them.
    "launch/": {"launch", "config", "errors", "plugins", "signals", "startup", "track"}
    | {"evaluate", "export", "fit", "pictures", "show", "sweep", "train", "weights", "card"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"pipeline.{alias.name}" for alias in node.names]
            yield from names if node.module == "pipeline" else [node.module or ""]


def lies_in(path: Path, places: list[str]) -> bool:
    name = path.relative_to(PACKAGE).as_posix()
    return any(name.startswith(place) if place.endswith("/") else name == place for place in places)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_third_party_library_has_one_home(path: Path) -> None:
    for name in imported(path):
        library = name.partition(".")[0]
        assert library not in HOMES or lies_in(path, HOMES[library]), f"{path.name} imports {library}"


@pytest.mark.parametrize("part", ARROWS)
def test_arrows_point_one_way(part: str) -> None:
    for path in FILES:
        if lies_in(path, [part]):
            own = {name.split(".")[1] for name in imported(path) if name.startswith("pipeline.")}
            assert own <= ARROWS[part], f"{path.relative_to(PACKAGE)} imports {own - ARROWS[part]}"


def test_files_stay_small_enough_to_read_in_one_go() -> None:
    long = {path.name: n for path in FILES if (n := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert long == {}


def test_the_story_fits_on_one_screen_and_asks_no_config_value() -> None:
    module = ast.parse((PACKAGE / "train.py").read_text(encoding="utf-8"))
    (story,) = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
    assert story.end_lineno is not None
    assert story.end_lineno - story.lineno <= 60
    assert [node for node in ast.walk(story) if isinstance(node, ast.If | ast.IfExp | ast.Match)] == []


def test_no_rooms_without_a_subject() -> None:
    vague = {"utils", "common", "helpers", "core", "manager"}
    assert [path for path in FILES if {path.stem, *path.relative_to(PACKAGE).parts} & vague] == []


def test_git_keeps_no_runs_and_nothing_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert [path.name for path in files if path.is_relative_to(ROOT / "mlruns")] == [".gitkeep"]
    assert [path for path in files if path.exists() and path.stat().st_size > 1_000_000] == []
