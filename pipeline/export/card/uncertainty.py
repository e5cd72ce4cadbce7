"""The card's part on bounds and sets of labels: what they guarantee, and their coverage and size on test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.config import Config
from pipeline.config.rules import Split
from pipeline.data import Dataset, Target
from pipeline.data.identifiers import identifiers
from pipeline.export.calibration_values import Learned
from pipeline.export.card.page import Page, number
from pipeline.export.conformal import Interval, PredictionSet, range_of_coverage

if TYPE_CHECKING:
    from pipeline.evaluate import Evaluation

LEVEL = 0.99  # of the draws, that are in a range
KEPT = "that neither trained nor chose anything."
OUT_OF_FOLD = (
    "out of fold: all that trained and validated, each predicted by a network that was trained on others. Such errors "
    "are like those on new rows, though not exactly: twice as many misses as asked for are the proven bound (CV+)."
)
# Why test rows are not like those of calibration: where they are given, and by kind of split.
GIVEN = "Which rows test was given: what is asked for holds if chance has decided."
NOT_ALIKE = {
    "group": "Test rows are of other groups than those of calibration, and groups differ: what is asked for holds on "
    "average over groups drawn in the same way, and only loosely where there are few of them.",
    "time": "Rows of calibration are earlier than those of test: what is asked for holds while nothing changes.",
    "column": GIVEN,
}
NOT_ALIKE["group_kfold"] = NOT_ALIKE["group"]


def write(page: Page, config: Config, dataset: Dataset, learned: Learned, found: Evaluation) -> None:
    """A section, where there are bounds or sets.

    Args:
        page: Where to write.
        config: The experiment.
        dataset: Its rows.
        learned: Intervals or sets, among what was fitted after training.
        found: Outputs and scores of all parts.
    """
    made, target = learned.interval or learned.prediction_set, found.targets["test"]
    if made is None:
        return
    page.heading("Uncertainty")
    page.paragraph(_of_bounds(made) if isinstance(made, Interval) else _of_sets(made))
    _coverages(page, made, target, found)
    low, high = range_of_coverage(made.n_rows, made.coverage, LEVEL)
    which = KEPT if len(dataset.calibration) else OUT_OF_FOLD
    page.paragraph(
        f"The quantile is from {made.n_rows:,} rows {which} With so many the coverage of new "
        f"rows is between {low:.3f} and {high:.3f} in {LEVEL:.0%} of the draws of such rows (Beta)."
    )
    if differing := _not_alike(config.data.split):
        page.paragraph(differing)
    if dataset.rows.sample_weight is not None:
        page.paragraph("Each row counts alike here, whatever its weight.")


def _of_bounds(made: Interval) -> str:
    by = "equally far apart for all rows" if made.floors is None else "the farther apart, the more members disagree"
    return (
        f"lower and upper are to hold {made.coverage:g} of the true values between them, of each target by itself: "
        f"split conformal prediction, by absolute errors in scaled units. In these units they are {by}."
    )


def _of_sets(made: PredictionSet) -> str:
    return (
        f"prediction_set is to have the true label for {made.coverage:g} of the rows: all labels with a probability of "
        f"{made.level:.4g} or more (split conformal prediction, least ambiguous sets)."
    )


def _coverages(page: Page, made: Interval | PredictionSet, target: Target, found: Evaluation) -> None:
    """How often the test rows' truth was in it, and how wide it is."""
    is_bounds, n_test = isinstance(made, Interval), len(target.values)
    size, mean = ("interval_width", "mean width") if is_bounds else ("set_size", "mean number of labels")
    several = is_bounds and len(target.names) > 1
    endings = [f"_{name}" for name in identifiers(list(target.names))] if several else [""]
    low, high = range_of_coverage(made.n_rows, made.coverage, LEVEL, n_test)
    page.table(
        ["target", "asked for", f"held of {n_test:,} test rows", f"{LEVEL:.0%} range for so many rows", mean],
        [
            (
                name, f"{made.coverage:g}", number(found.scores[f"test_coverage{ending}"]), f"{low:.3f} to {high:.3f}",
                number(found.scores[f"test_{size}{ending}"]),
            )
            for name, ending in zip(target.names, endings, strict=True)
        ],
    )  # fmt: skip
    if isinstance(made, PredictionSet):
        sets = found.outputs["test"]["prediction_set"].sum(axis=1)
        page.paragraph(
            f"{(sets == 0).mean():.1%} of the sets are empty, {(sets == 1).mean():.1%} have one label. Where labels "
            "alone are right more often than asked, the least clear rows have empty sets: then ask for more."
        )


def _not_alike(split: Split) -> str | None:
    if split.path or split.test_path or split.test_fraction is None:
        return GIVEN
    return NOT_ALIKE.get(split.kind)
