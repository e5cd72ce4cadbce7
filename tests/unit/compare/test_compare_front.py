"""Several objectives: the Pareto front, in every form that a comparison has."""

import csv
import io
import json

import pytest

from pipeline.compare import leaderboard_text, text_output
from pipeline.compare.pareto import pareto_front
from pipeline.compare.ranking import Comparison
from pipeline.compare.report import render
from support.ranked_runs import found_in, ranked, tracked

TWO = {"objectives": "val_rmse, n_parameters"}


def test_pareto_front() -> None:
    runs = [
        {"val_r2": 0.9, "n_parameters": 100},
        {"val_r2": 0.8, "n_parameters": 10},
        {"val_r2": 0.7, "n_parameters": 20},
    ]
    assert pareto_front(runs, ["val_r2", "n_parameters"]) == [True, True, False]
    assert pareto_front(runs, []) == [False, False, False]


@pytest.mark.parametrize(("name", "on_front"), [("val_rmse", [True, False]), ("val_r2", [True, False])])
def test_what_lacks_an_objective_is_beaten(name: str, on_front: list[bool]) -> None:
    assert pareto_front([{name: 0.5, "n_parameters": 10}, {"n_parameters": 10}], [name, "n_parameters"]) == on_front


def test_equals_are_both_on_the_front() -> None:
    assert pareto_front([{"val_rmse": 1.0, "val_mae": 1.0}] * 2, ["val_rmse", "val_mae"]) == [True, True]


@pytest.fixture
def compared() -> Comparison:
    """Three widths, of which the middle one is neither the best nor the smallest."""
    return ranked(
        tracked(1.0, number=1, size=500, tags=TWO, **{"model.units": "[50]"}),  # type: ignore[arg-type]
        tracked(3.0, number=2, size=400, tags=TWO, **{"model.units": "[40]"}),  # type: ignore[arg-type]
        tracked(2.0, number=3, size=100, tags=TWO, **{"model.units": "[10]"}),  # type: ignore[arg-type]
    )


def test_a_comparison_marks_the_front_and_says_so(compared: Comparison) -> None:
    assert compared.places == ["* 1", "* 2", "3"]
    (note,) = compared.notes
    assert note.startswith("ranked by val_rmse; * no other is as good in val_rmse and n_parameters")


def test_formats_tell_the_front(compared: Comparison) -> None:
    assert [line.split(" | ")[0] for line in text_output.as_markdown(compared, None).splitlines()[2:]] == [
        "| * 1", "| * 2", "| 3"
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(text_output.as_csv(compared, None))))
    assert [row["on_front"] for row in rows] == ["True", "True", "False"]
    reported = json.loads(text_output.as_json(compared, None))
    assert reported["objectives"] == ["val_rmse", "n_parameters"]
    assert [entry["on_front"] for entry in reported["configurations"]] == [True, True, False]


def test_the_page_draws_the_front(compared: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    page = render(found_in(compared))
    drawn = page[page.index("<h2>Pareto front</h2>") : page.index("<h2>Effects of single parameters</h2>")]
    assert 'aria-label="val_rmse by n_parameters"' in drawn
    assert drawn.count('class="mark best"') == 2
    leaderboard_text.show(found_in(compared), None, {})
    assert "* 2" in capsys.readouterr().out


def test_another_score_has_a_column_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [tracked(score, number=n, tags={"objectives": "val_rmse, val_r2"}) for n, score in enumerate([1.0, 2.0])]
    for run, r2 in zip(runs, [0.25, 0.75], strict=True):
        run.metrics["val_r2"] = r2
        run.params["model.units"] = str(r2)
    found = ranked(*runs)
    assert found.places == ["* 1", "* 2"]
    assert "| 0.75 |" in text_output.as_markdown(found, None)
    assert csv.DictReader(io.StringIO(text_output.as_csv(found, None))).__next__()["val_r2"] == "0.25"
    assert '<th class="number" title="validation, another objective">val_r2</th>' in render(found_in(found))
    leaderboard_text.show(found_in(found), None, {})
    assert "val_r2" in capsys.readouterr().out


def test_runs_of_other_searches_have_no_front() -> None:
    found = ranked(tracked(1.0, number=1, tags=TWO, a="1"), tracked(2.0, number=2, a="2"))
    assert (found.places, found.notes) == (["1", "2"], [])
    assert "on_front" not in text_output.as_csv(found, None)
    assert "Pareto" not in render(found_in(found))
