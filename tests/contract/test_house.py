"""The architecture: no circles, where each library is at home, and nothing too long to read.

`make check` enforces which folder may import which, by the contracts in pyproject.toml.
"""

import ast
import importlib.util
import subprocess
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from support.places import ROOT

PACKAGE = ROOT / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))

# What may import a library; a path ending in / stands for a folder.
HOMES = {
    "mlflow": ["track/"],
    "pandas": ["data/", "export/model_columns.py", "track/mlflow_model.py", "track/pyfunc.py"],
    "hydra": ["config/", "sweep/", "commands/"],
    "omegaconf": ["config/", "sweep/", "commands/"],
    "cloudpickle": ["sweep/launch/"],
    "ray": ["sweep/launch/cluster.py"],
    "matplotlib": [
        "evaluate/plots.py",
        "evaluate/run_plots.py",
        "compare/study/pictures/",
        "track/run.py",
        "track/study_results.py",
    ],
    "rich": [
        "runtime/console.py",
        "fit/callbacks.py",
        "inference/batch/predict_file.py",
        "sweep/results_table.py",
        "compare/",
        "commands/",
    ],
    "tf2onnx": ["export/formats/onnx.py"],
    "onnxruntime": ["export/formats/runtimes/"],
    "ai_edge_litert": ["export/formats/runtimes/"],
    "sklearn": ["data/", "model/embeddings/edges.py", "evaluate/", "compare/parameter_importance.py"],
    "tensorflow": ["fit/", "export/", "track/pyfunc.py", "runtime/startup.py"],
    "keras": ["model/", "fit/", "export/", "data/reading/sources.py", "train.py", "evaluate/sparsity.py"],
    "pydantic": ["schema.py", "config/", "model/"],
    "sqlalchemy": ["data/reading/typed_tables.py", "track/", "sweep/search/storage.py"],
    "optuna": ["sweep/search/"],
    "scipy": [
        "compare/",
        "data/checks/drift.py",
        "data/preprocessing/scaling/fitting.py",
        "export/conformal.py",
        "export/calibrate.py",
        "sweep/search/proposals.py",
    ],
    "threadpoolctl": ["evaluate/ensemble_selection.py"],
    "psutil": ["track/environment.py", "fit/batching.py", "data/streaming/budget.py", "runtime/process.py"],
    "fastapi": ["inference/http/"],
    "starlette": ["inference/http/"],  # FastAPI's own foundation
    "uvicorn": ["inference/http/"],
    "h11": ["inference/http/"],  # uvicorn's own foundation
    "prometheus_client": ["inference/http/"],
    "jinja2": ["runtime/pages/"],
    "markupsafe": ["runtime/pages/"],  # Jinja's own foundation
    "pyarrow": ["data/streaming/", "inference/batch/"],  # elsewhere pandas reads Parquet by it
}

# What runs where this package is not: in another process's interpreter, or in whoever's loads an MLflow model.
SELF_CONTAINED = [
    "export/formats/runtimes/", "track/pyfunc.py",
    "data/reading/notation.py", "data/reading/input_column.py", "data/reading/parse_inputs.py",
]  # fmt: skip


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


def test_what_runs_without_this_package_imports_nothing_of_it() -> None:
    files = [path for path in FILES if lies_in(path, SELF_CONTAINED)]
    assert len(files) >= len(SELF_CONTAINED)
    given = {".".join(["pipeline", *path.relative_to(PACKAGE).with_suffix("").parts]) for path in files}  # on the way
    named = {name for path in files for name in imported(path) if name.partition(".")[0] == "pipeline"}
    assert named <= given


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Folders' own `__init__` files count here, and what is imported late or for types only.

    `make check` finds circular imports between folders, and enforces which folder may import which.
    """
    graph = grimp.build_graph("pipeline", cache_dir=None)
    assert len(graph.modules) == len(FILES)
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(edges).prepare()  # raises CycleError, with the circle, where there is one


def test_the_diagram_of_imports_is_up_to_date() -> None:
    found = importlib.util.spec_from_file_location("imports", ROOT / "docs" / "imports.py")
    assert found is not None
    assert found.loader is not None
    imports = importlib.util.module_from_spec(found)
    found.loader.exec_module(imports)
    assert imports.PICTURE.read_text(encoding="utf-8") == imports.picture(), "outdated; run python docs/imports.py"


def test_the_package_has_few_top_entries() -> None:
    assert len({path.relative_to(PACKAGE).parts[0] for path in FILES}) <= 17


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in functions]
    assert [(name, n) for name, n in lengths if n > 60] == []


def test_the_story_fits_on_one_screen_and_asks_no_config_value() -> None:
    module = ast.parse((PACKAGE / "train.py").read_text(encoding="utf-8"))
    for name in ("run", "prepare", "train", "score", "ship"):
        (story,) = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert story.end_lineno is not None
        assert story.end_lineno - story.lineno <= 45
        assert [node for node in ast.walk(story) if isinstance(node, ast.If | ast.IfExp | ast.Match)] == []


def test_no_folder_has_a_name_without_a_subject() -> None:
    vague = {"utils", "common", "helpers", "core", "manager"}
    assert [path for path in FILES if {path.stem, *path.relative_to(PACKAGE).parts} & vague] == []


def test_git_keeps_no_runs_and_nothing_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert [path.name for path in files if path.is_relative_to(ROOT / "mlruns")] == [".gitkeep"]
    assert [path for path in files if path.suffix in (".db", ".sqlite", ".log")] == []
    assert [path for path in files if path.exists() and path.stat().st_size > 1_000_000] == []
