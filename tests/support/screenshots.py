"""Takes the pictures of the guides: of a model of the titanic and of a sweep, which it trains in some minutes.

`PYTHONPATH=.:tests .venv/bin/python -m support.screenshots docs/pictures`
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient
from PIL import Image

from pipeline.track import page_of_experiment, page_of_run
from pipeline.track.store import connected_to
from support import browser
from support.mlflow_ui import ui
from support.places import DATA, ROOT

WIDTH = 1300
COLORS = 128  # enough for text and plots, and a third of the size
TITANIC = (
    "data=table", "data.path=titanic.csv", "data.target=Survived", "tracking.experiment=titanic",
    "decision.threshold=cost", "decision.false_negative_cost=3.0",
)  # fmt: skip
DIGITS = ("model.units=[32],[64,64]", "fit.learning_rate=0.001,0.01", "seed=0,1")
HIDE_PANELS = """
document.querySelector('button[aria-label=Close]')?.click()  // the assistant
document.querySelector('button[aria-label="Toggle sidebar"]')?.click()
"""
CLOSE_OTHERS = """
[...document.querySelectorAll('[role=button][aria-expanded=true][class*=collapse-header]')]
  .filter(header => !header.innerText.startsWith(arguments[0])).forEach(header => header.click())
"""
BEGIN_AT = """
const heading = [...document.querySelectorAll('h2')].find(one => one.textContent === arguments[0])
scrollTo(0, heading.getBoundingClientRect().top + scrollY - 20)
"""


def main(folder: Path) -> None:
    """Trains in a folder of its own, whose name no picture shows, and writes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        shutil.copy(DATA / "titanic" / "train.csv", work / "titanic.csv")
        uri = f"sqlite:///{work / 'mlflow.db'}"
        _run(work, uri, "train", *TITANIC)
        _run(work, uri, "sweep", *DIGITS)
        client = MlflowClient(uri)
        (model,) = _runs(client, "titanic", "")
        (sweep,) = _runs(client, "digits", "tags.sweep LIKE '%'")
        trial = _runs(client, "digits", "metrics.objective > 0")[0]
        model_pages, sweep_pages = (Path(client.get_run(run).info.artifact_uri.removeprefix("file://"))
                                    for run in (model, sweep))  # fmt: skip
        _page(folder / "data_report.png", model_pages / "data" / "report.html", 1000)
        _page(folder / "model_card.png", model_pages / "card.html", 1000, "Baselines")
        _page(folder / "comparison.png", sweep_pages / "comparison" / "report.html", 1000)
        with ui(uri) as (address, _), connected_to(uri), _window(1050) as page:
            page.open(f"{address}{page_of_experiment('digits')}")
            page.says("matching runs")
            page.run(HIDE_PANELS)
            page.click(f'.ag-row[row-id="{sweep}"] [col-id*="Run Name"] button')
            page.says("objective", "test_accuracy", "model.units", "[64, 64]")
            _write(page, folder / "training_view.png")
            page.open(f"{address}{page_of_run(trial).replace('?', '/model-metrics?')}")
            page.says("epoch", "network", "seconds")
            page.run(HIDE_PANELS)
            page.run(CLOSE_OTHERS, "epoch")
            _write(page, folder / "grouped_metrics.png")
        with _serving(work, uri, model) as address, _window(1000) as page:
            page.open(f"{address}/docs")
            page.click("button")
            page.says('"predictions"')
            _write(page, folder / "server_docs.png")


def _run(work: Path, uri: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "pipeline", *words], cwd=work, env=_environment(work, uri), check=True)


def _environment(work: Path, uri: str) -> dict[str, str]:
    own = {"MLFLOW_TRACKING_URI": uri, "PIPELINE_SPOOL": str(work / "spool"), "PYTHONPATH": str(ROOT)}
    return os.environ | own


def _runs(client: MlflowClient, experiment: str, query: str) -> list[str]:
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return [run.info.run_id for run in client.search_runs([found.experiment_id], query)]


@contextlib.contextmanager
def _window(height: int) -> Iterator[browser.Page]:
    with tempfile.TemporaryDirectory() as profile, browser.page(Path(profile), WIDTH, height) as page:
        yield page


def _page(picture: Path, file: Path, height: int, heading: str | None = None) -> None:
    with _window(height) as page:
        page.open(file.as_uri())
        if heading is not None:
            page.run(BEGIN_AT, heading)
        _write(page, picture)


def _write(page: browser.Page, picture: Path) -> None:
    time.sleep(3)  # panels slide, charts are drawn
    page.screenshot(picture)
    content = io.BytesIO()
    Image.open(picture).convert("RGB").quantize(COLORS).save(content, "png", optimize=True)
    picture.write_bytes(content.getvalue())


@contextlib.contextmanager
def _serving(work: Path, uri: str, run_id: str) -> Iterator[str]:
    words = [sys.executable, "-m", "pipeline", "serve", run_id, "--port", "0"]
    with subprocess.Popen(words, cwd=work, env=_environment(work, uri), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield next(line.split("try ")[1].split("/docs")[0] for line in server.stdout if "/docs" in line)
        finally:
            server.terminate()
            server.communicate()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
