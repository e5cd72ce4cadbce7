"""The page of a comparison: whole, and standing whatever the runs are."""

import random
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compare.report import render
from pipeline.compare.report.pictures import effect, of_parameter
from pipeline.runtime.pages.axis import label, of_numbers, of_scores
from pipeline.runtime.pages.chart import BOTTOM, HEIGHT, Chart
from pipeline.track import TrackedRun
from support.ranked_runs import found_in, ranked, replicas, tracked


class Texts(HTMLParser):
    """What a drawing's labels say and where; and that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "path", "circle", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle", "polyline"):
            assert self.open.pop() == tag


def test_the_page_has_every_part_and_needs_nothing_from_elsewhere() -> None:
    rng = random.Random(2)
    runs = [
        tracked(
            abs(rate - 5) + rng.random(), number=10 * rate + seed, seed=seed, size=rate * 100,
            **{"fit.learning_rate": str(rate), "model.activation": rng.choice(["<relu>", "tanh"])},  # type: ignore[arg-type]
        )
        for rate in range(1, 13)
        for seed in range(3)
    ]  # fmt: skip
    failed = tracked(None, number=999, status="FAILED", tags={"error": "ValueError: <script>alert(1)</script>"})
    page = render(found_in(ranked(*runs, failed)))
    for title in (
        "Best configuration", "Significance", "Leaderboard", "Permutation importance",
        "Effects of single parameters", "Parallel coordinates", "Learning curves", "Size, time and overfitting",
        "Unfinished runs",
    ):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    parser = Texts()
    parser.feed(page)
    assert parser.open == []
    assert parser.sources == []
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;relu&gt;" in page
    assert not re.search(r"https?:|@import|url\(|nan|inf\b", page)


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [tracked(1.0)],
        [tracked(None, status="FAILED")],
        [tracked(2.0, number=1, a="1"), tracked(2.0, number=2, a="2")],
        [tracked(2.0, number=1, a="1", size=0), tracked(1e30, number=2, a="x" * 300)],
        [tracked(score, number=n, a=str(n)) for n, score in enumerate([-1e9, 0, 1e-12, 5, 1e300])],
    ],
    ids=["none", "one", "failed", "tie", "far apart", "wide"],
)
def test_the_page_stands_whatever_the_runs_are(runs: list[TrackedRun]) -> None:
    page = render(found_in(ranked(*runs)))
    assert page.endswith("</body></html>\n")
    assert not re.search(r'"[^"]*\bnan\b', page)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    scores=st.lists(st.floats(), max_size=7),
    values=st.lists(st.one_of(st.floats().map(str), st.text(max_size=5), st.just("[1]")), min_size=7, max_size=7),
    sizes=st.lists(st.floats(0), min_size=7, max_size=7),
)
def test_the_page_stands_whatever_the_numbers_are(scores: list[float], values: list[str], sizes: list[float]) -> None:
    runs = [
        tracked(score, number=number, seed=number % 2, size=size, a=value)
        for number, (score, value, size) in enumerate(zip(scores, values, sizes, strict=False))
    ]
    assert render(found_in(ranked(*runs))).endswith("</html>\n")


def test_with_one_seed_no_test_is_shown() -> None:
    runs = {"0.1": [3.0], "0.01": [5.0], "0.001": [6.0]}
    page = render(found_in(ranked(*replicas(runs))))
    assert "Too few seeds to tell" in page
    for words in ("paired t", "Wilcoxon", "p value", "Each point is a run"):
        assert words not in page
    page = render(found_in(ranked(*replicas({rate: [*scores, scores[0] * 1.3] for rate, scores in runs.items()}))))
    assert "Wilcoxon" not in page.split("<table>")[0]  # the headline tells of it from six pairs on
    for words in ("paired t", "P values are not corrected", "Each point is a run"):
        assert words in page


def test_only_what_is_drawn_has_a_legend() -> None:
    found = found_in(ranked(*replicas({"0.1": [3.0], "0.01": [5.0], "0.001": [6.0]})))
    page = render(found)
    assert "the best tenth green" not in page
    assert "medians" not in page  # three values that hardly repeat have no middle
    assert "Outlying" not in page
    assert 'class="key c2"' in page
    assert "training dashed, validation solid" in page
    without = replace(found, curves=[*found.curves[:1], ([], [(1, 2.0), (2, 1.0)]), ([], [])])
    page = render(without)
    assert 'class="key c1"' in page
    assert 'class="key c2"' not in page
    page = render(replace(found, curves=[([], [(1, 2.0), (2, 1.0)])] * 3))
    assert "validation solid" in page
    assert "dashed" not in page.partition("<body>")[2]
    many = {str(rate): [float(rate)] for rate in range(1, 12)} | {"99": [1e6]}
    page = render(found_in(ranked(*replicas(many))))
    assert "the best tenth green" in page
    assert "lines are medians" in page
    assert "Outlying scores are drawn at the edge" in page


def test_ids_stand_whole_at_the_right_edge() -> None:
    """Where a table is wider than the page they stay in sight, and break rather than be cut."""
    page = render(found_in(ranked(*replicas({"0.1": [3.0], "0.01": [5.0]}))))
    assert '<th class="id"' in page
    rules = page.partition("<style>")[2]
    assert "position: sticky; right: 0" in rules
    assert "word-break: break-all" in rules
    assert f'<td class="id">{0:032x}</td>' in page


def test_axes_have_round_ticks_and_hold_their_values() -> None:
    axis = of_numbers([-3, 97])
    assert [reported for _, reported in axis.ticks] == ["0", "25", "50", "75", "100"]
    assert 0 < axis.place(-3) < axis.place(97) < 1
    wide = of_numbers([1e-4, 0.3])
    assert wide.log
    assert [reported for _, reported in wide.ticks] == ["0.0001", "0.001", "0.01", "0.1"]
    assert wide.place(0.001) - wide.place(0.0001) == pytest.approx(wide.place(0.1) - wide.place(0.01))
    assert of_parameter(["[64]", "[8]", "[64]"]).categories == ("[8]", "[64]")


def test_a_diverged_run_does_not_hide_the_others() -> None:
    axis = of_scores([1.0, 1.1, 1.2, 1.3, 1.4, 1e9])
    assert axis.high < 2
    assert axis.place(1e9) == 1


def test_the_best_lies_within_its_axis_however_far_ahead_it_is() -> None:
    scores = [57.125, 58.701, 60.531, 60.651, 61.596, 63.372, 71.858]
    assert of_scores(scores, kept=scores[:1]).low < 57.125
    runs = [tracked(score, number=n, **{"model.units": f"[{n}]"}) for n, score in enumerate(scores)]  # type: ignore[arg-type]
    best = re.findall(r'class="mark best" cx="[\d.]+" cy="([\d.]+)"', effect(ranked(*runs), "model.units"))
    assert [float(at) < HEIGHT - BOTTOM - 1 for at in best] == [True]


@pytest.mark.parametrize(
    ("value", "reported"),
    [(0, "0"), (0.1, "0.1"), (12345, "12,345"), (1e-7, "1e-7"), (2.5e9, "2.5e9"), (0.30000001, "0.3")],
)
def test_labels_of_numbers_are_short(value: float, reported: str) -> None:
    assert label(value) == reported


def test_a_line_is_drawn_where_there_is_a_middle_to_draw() -> None:
    def lines(n_values: int, n_each: int) -> int:
        rates = [value for value in range(n_values) for _ in range(n_each)]
        runs = [tracked(float(n), number=n, a=str(rate), b=str(n)) for n, rate in enumerate(rates)]
        return effect(ranked(*runs), "a").count("<polyline")

    assert lines(n_values=4, n_each=2) == 1  # a median of each value
    assert lines(n_values=5, n_each=1) == 0  # it would only join the points
    assert lines(n_values=20, n_each=1) == 1  # of bins


@pytest.mark.parametrize(("n", "slanted"), [(4, False), (12, True)])
def test_labels_that_would_touch_are_slanted(n: int, slanted: bool) -> None:
    x = of_parameter([f"optimizer{place}" for place in range(n)])
    assert ("rotate" in Chart(x, of_numbers([0, 1]), x_title="x", y_title="y").svg()) == slanted


# The store.
