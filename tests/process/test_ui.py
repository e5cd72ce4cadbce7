"""MLflow's UI and our report, as a real browser shows them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.compare.report import render
from pipeline.track import page_of_sweep
from pipeline.track.store import connected_to
from support import browser
from support.mlflow_ui import ui
from support.places import ROOT
from support.ranked_runs import found_in, ranked, tracked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser.CHROMIUM and browser.DRIVER),
        reason="no chromium with its driver (apt-get install chromium chromium-driver)",
    ),
]
# Pairs of level labels of a drawing that lie on each other.
OVERLAPS = """
const found = [];
for (const drawing of document.querySelectorAll('svg')) {
  const texts = [...drawing.querySelectorAll('text:not([transform])')].map(t => [t, t.getBoundingClientRect()]);
  texts.forEach(([one, a], place) => texts.slice(place + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 3) found.push([drawing.getAttribute('aria-label'), one.textContent, other.textContent]);
  }));
}
return found;
"""


def test_the_ui_lists_a_sweep_nested_and_a_child_with_all_it_has(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    overrides = ["model.units=[32],[64,64]", "seed=0,1", "fit.epochs=4", "sweep.keep=all"]
    subprocess.run(
        [sys.executable, "-m", "pipeline", "train", "-m", *overrides, f"hydra.sweep.dir={tmp_path / 'hydra'}"],
        cwd=ROOT, env=os.environ | {"MLFLOW_TRACKING_URI": store}, check=True, capture_output=True,
    )  # fmt: skip
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("digits")
    assert experiment
    where = experiment.experiment_id
    runs = client.search_runs([where])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    child = next(run for run in runs if run is not parent)

    with ui(store) as (address, printed), browser.page(tmp_path / "profile", 1500, 660) as page:
        root = f"{address}/#/experiments/{where}/runs"
        page.open(printed)
        page.says(parent.info.run_name, "matching runs")
        assert child.info.run_name not in page.text()  # it is below its parent, which is closed
        page.run("document.querySelector('button[aria-label=Close]')?.click()")  # the assistant's panel
        page.run("document.querySelector('button[aria-label=\"Toggle sidebar\"]')?.click()")
        page.says("objective", "test_accuracy", "test_log_loss", "model.units", "seed")  # columns of our own
        page.click(f'.ag-row[row-id="{parent.info.run_id}"] [col-id*="Run Name"] button')
        children = "return document.querySelectorAll('.ag-row[row-id] [col-id*=\"Run Name\"]').length"
        page.wait(lambda: page.run(children) == 5)
        page.says("[64, 64]", child.info.run_name)
        time.sleep(1)  # the panels slide

        own = f"{root}/{child.info.run_id}"
        page.open(own)
        page.says(
            "val_accuracy", f"{child.data.metrics['val_accuracy']}"[:8], "fit.learning_rate", parent.info.run_name,
            f"pipeline predict {child.info.run_id}",
        )  # fmt: skip
        model = "return [...document.querySelectorAll('a')].some(a => a.href.includes('/models/m-'))"
        page.wait(lambda: page.run(model))
        page.open(f"{own}/model-metrics")
        page.says("epoch", "network", "seconds", "Step")  # sections; charts are drawn when they are scrolled to
        page.open(f"{own}/artifacts/pictures/learning_curves.png")
        page.says("confusion_matrix.png", "saved_model")
        shown = "return [...document.querySelectorAll('img')].some(picture => picture.naturalWidth > 500)"
        page.wait(lambda: page.run(shown))
        with connected_to(store):
            page.open(f"{address}{page_of_sweep(parent.info.run_id)}")
        page.says("4 matching runs", "Sort: objective", child.info.run_name)
        page.open(f"{root}/{parent.info.run_id}/artifacts/comparison/report.html")
        page.says("comparison", "leaderboard.csv")
        page.wait(lambda: page.run("return document.querySelector('iframe')?.src.startsWith('blob:')"))


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_the_report_is_easy_to_read(tmp_path: Path, dark: bool) -> None:
    report = tmp_path / "report.html"
    report.write_text(page_of_many(), encoding="utf-8")
    with browser.page(tmp_path / "profile", 1280, 900, dark=dark) as page:
        page.open(report.as_uri())
        assert page.run("return matchMedia('(prefers-color-scheme: dark)').matches") == dark
        ink, paper = page.run("const of = getComputedStyle(document.body); return [of.color, of.backgroundColor]")
        assert (ink, paper) == (
            ("rgb(227, 231, 238)", "rgb(20, 24, 31)") if dark else ("rgb(29, 36, 48)", "rgb(255, 255, 255)")
        )
        assert page.run("return document.querySelectorAll('svg').length") >= 8
        assert page.run(OVERLAPS) == []
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        cut = "return [...document.querySelectorAll('td.id')].filter(e => e.getBoundingClientRect().right > innerWidth)"
        assert page.run(f"{cut}.length") == 0


def page_of_many() -> str:
    """A report of parameters of all kinds, several of them with long values."""
    units = ["[]", "[16]", "[64]", "[64, 64]", "[128, 64, 32]", "[256, 256, 256, 256, 256]"]
    runs = [
        tracked(
            60 + abs(number % 6 - 2) + 3 * seed + number / 40 + (1e6 if number == 17 else 0), number=10 * number + seed,
            seed=seed, size=100 * 4 ** (number % 6),
            **{
                "model.units": units[number % 6], "fit.learning_rate": str(0.0001 * 3 ** (number % 7)),
                "fit.batch_size": str(2 ** (number % 11)), "fit.optimizer": ["adam", "sgd", "adamw"][number % 3],
                "model.dropout": str(number % 5 / 10), "data.clip": "null" if number % 2 else "3.5",
                "model.l2": str(10.0 ** -(number % 9)), "fit.schedule": ["reduce_on_plateau", "cosine"][number % 2],
            },
        )
        for number in range(60)
        for seed in range(2)
    ]  # fmt: skip
    return render(found_in(ranked(*runs)))
