"""The examples in the docstrings of what `import pipeline` gives do what they say."""

import doctest
import inspect
from pathlib import Path

import pytest

import pipeline

GIVEN = ("Result", "Tuned", "__version__")  # by functions, whose examples show them
SLOW = ("LoadedModel", "tune")  # those of `run` and `load_model` train too
EXAMPLES = {
    name: example
    for name in sorted(set(pipeline.__all__) - set(GIVEN))
    for example in doctest.DocTestFinder(recurse=False).find(getattr(pipeline, name), name, globs={})
    if example.examples
}


def test_everything_public_has_an_example_or_is_an_error_like_others() -> None:
    without = set(pipeline.__all__) - set(GIVEN) - set(EXAMPLES)
    assert [name for name in sorted(without) if not name.endswith("Error")] == []
    assert "PipelineError" in EXAMPLES


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in EXAMPLES]
)
def test_an_example_prints_what_it_says(name: str, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(EXAMPLES[name])
    assert tried > 0
    assert failed == 0, "the differences are printed above"


@pytest.mark.parametrize("name", sorted(set(pipeline.__all__) - {"__version__"}))
def test_the_reference_shows_everything_public(name: str) -> None:
    assert inspect.getdoc(getattr(pipeline, name))
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert name in reference
