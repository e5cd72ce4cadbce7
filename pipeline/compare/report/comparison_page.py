"""The values of comparison.html: tables, charts, and the number of omitted ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pipeline.compare.baselines import against
from pipeline.compare.candidates import Candidate, with_deviation
from pipeline.compare.findings import Findings
from pipeline.compare.logged_values import short
from pipeline.compare.ranking import Comparison, reason
from pipeline.compare.report import pictures
from pipeline.compare.report.parallel import MAX_AXES, TOP_SHARE, parallel
from pipeline.compare.significance import PairedTest
from pipeline.compare.train_command import rerun
from pipeline.runtime import pages
from pipeline.runtime.console import number
from pipeline.runtime.pages import Column, Table
from pipeline.runtime.pages.axis import has_far_off
from pipeline.runtime.pages.chart import cut
from pipeline.runtime.pages.svg import Svg

MAX_ROWS = 100  # of the leaderboard
MAX_EFFECTS = 12
N_SEED_COLUMNS = 8  # configurations whose seeds are drawn
MAX_ERROR = 400  # characters
MEDIANS = {'<polyline class="line middle"': "lines", '<path class="line middle"': "dashes"}  # SVG of medians


def render(found: Findings) -> str:
    """Renders the whole page."""
    comparison = found.comparison
    return pages.render(
        "compare/report/comparison.html",
        title=f"Comparison: {comparison.title}",
        found=found,
        comparison=comparison,
        facts=_facts(comparison),
        cut=cut,
        best=comparison.best,
        rerun=rerun(comparison.best.run.id) if comparison.best else None,
        **(_of_the_best(found, comparison.candidates[0]) if comparison.candidates else {}),
        **_effects(found),
        **_curves(found),
        fronts=_fronts(comparison),
        sizes=_sizes(comparison),
        others=_others(comparison),
    )


def _facts(comparison: Comparison) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{comparison.counts()}; {len(comparison.candidates)} configurations ranked by {comparison.objective} "
        f"({comparison.better()}); written {when}. Test scores are only shown."
    )


def _of_the_best(found: Findings, best: Candidate) -> dict[str, Any]:
    """Returns the figures of the best configuration, its tests against others, and the leaderboard."""
    comparison, rivals = found.comparison, found.verdict.rivals
    shown = comparison.candidates[:N_SEED_COLUMNS]
    several = bool(rivals) and any(len(candidate.scores) > 1 for candidate in shown)
    is_tested = any(paired_test.effect is not None for _, paired_test in rivals)  # a single seed each allows no test
    return {
        "figures": {
            f"{comparison.objective}, {len(best.runs)} run{'s' if len(best.runs) > 1 else ''}": with_deviation(best),
            f"test_{comparison.measure}": number(best.metric(f"test_{comparison.measure}")),
            "overfitting gap": number(best.metric(f"gap_{comparison.measure}")),
            "parameters": _count(best.metric("n_parameters")),
            "training time in seconds": _seconds(best.seconds),
        },
        "baselines": against(comparison),
        "tests": _tests(found) if is_tested else None,
        "seeds": pictures.seeds(comparison, shown) if several else None,
        "leaderboard": _leaderboard(comparison),
        "n_unlisted": len(comparison.candidates) - MAX_ROWS,
    }


def _tests(found: Findings) -> Table:
    columns = [
        Column("against"), Column("ahead by", title=f"mean difference in {found.comparison.objective}"),
        Column("95 % interval"), Column("pairs", title="seeds or folds in common"),
        Column("paired t", title="p value, two-sided"), Column("Wilcoxon", title="p value, with six or more pairs"),
        Column("effect size", title="mean difference / standard deviation of the differences"),
        Column("seeds to settle", title="of each, for a power of 80 % at the 5 % level"),
    ]  # fmt: skip
    return Table(
        columns,
        [[f"#{place}", *_figures(paired_test)] for place, (_, paired_test) in enumerate(found.verdict.rivals, 2)],
    )


def _figures(paired_test: PairedTest) -> list[str]:
    """Formats a test of two configurations for the columns of the table of rivals."""
    return [
        number(paired_test.difference),
        "" if paired_test.effect is None else f"{number(paired_test.low)} to {number(paired_test.high)}",
        str(paired_test.n),
        "" if paired_test.p_t is None else f"{paired_test.p_t:.2g}",
        "" if paired_test.p_wilcoxon is None else f"{paired_test.p_wilcoxon:.2g}",
        "" if paired_test.effect is None else f"{paired_test.effect:.2f}",
        "" if paired_test.effect is None else str(paired_test.seeds_needed or "impossible"),
    ]


def _leaderboard(comparison: Comparison) -> Table:
    measure = comparison.measure
    columns = [
        Column("#"), Column(comparison.objective, title="validation: mean ± standard deviation over seeds and folds"),
        Column("runs"), Column(f"test_{measure}", title="shown, never used to rank"), Column(f"gap_{measure}"),
        *(Column(name, title="validation, another objective") for name in comparison.other_scores),
        Column("parameters"), Column("seconds", title="of training"),
        *(Column(comparison.labels[key], "value", key) for key in comparison.varying),
        Column("run", "id", "representative of the configuration"),
    ]  # fmt: skip
    rows = [
        [
            place, with_deviation(candidate), len(candidate.runs),
            number(candidate.metric(f"test_{measure}")), number(candidate.metric(f"gap_{measure}")),
            *(number(candidate.metric(name)) for name in comparison.other_scores),
            _count(candidate.metric("n_parameters")), _seconds(candidate.seconds),
            *(short(candidate.params[key]) for key in comparison.varying), candidate.run.id,
        ]
        for place, candidate in zip(comparison.places, comparison.candidates[:MAX_ROWS], strict=False)
    ]  # fmt: skip
    return Table(columns, rows)


def _effects(found: Findings) -> dict[str, Any]:
    """Returns the charts of parameters, most important first if importance is known."""
    comparison, known = found.comparison, found.importance
    keys = list(known.shares) if known is not None and known.is_meaningful else comparison.varying
    n = len(comparison.candidates)
    if not keys or n < 2:
        return {"effects": []}
    drawn = [pictures.effect(comparison, key) for key in keys[:MAX_EFFECTS]]
    return {
        "effects": drawn,
        "medians": " and ".join(word for sign, word in MEDIANS.items() if sign in "".join(drawn)),
        "far_off": has_far_off([candidate.mean for candidate in comparison.candidates]),
        "n_undrawn": len(keys) - MAX_EFFECTS,
        "parallel": parallel(comparison, keys, pictures.descriptions_of(comparison)),
        "has_tenth": n * TOP_SHARE > 1,
        "n_without_axis": len(keys) - MAX_AXES,
    }


def _curves(found: Findings) -> dict[str, Any]:
    names = pictures.descriptions_of(found.comparison)
    kinds = [
        *(["training dashed"] if any(train for train, _ in found.curves) else []),
        *(["validation solid"] if any(val for _, val in found.curves) else []),
    ]
    return {
        "curves": pictures.learning(found.curve_name, found.curves),
        "curve_kinds": ", ".join(kinds),
        "curve_names": {place: names[place] for place, pair in enumerate(found.curves) if any(pair)},
    }


def _fronts(comparison: Comparison) -> list[Svg]:
    others = [name for name in comparison.objectives if name != comparison.objective]
    return _drawn(pictures.front(comparison, name) for name in others)


def _sizes(comparison: Comparison) -> list[Svg]:
    def size(candidate: Candidate) -> float | None:
        return candidate.metric("n_parameters")

    gap = f"gap_{comparison.measure}"
    return _drawn(
        [
            pictures.against(comparison, "parameters", size, gap),
            pictures.against(comparison, "parameters", size, comparison.objective),
            pictures.against(comparison, "seconds of training", lambda found: found.seconds, comparison.objective),
        ]
    )


def _drawn(drawings: Iterable[Svg | None]) -> list[Svg]:
    return [drawing for drawing in drawings if drawing is not None]


def _others(comparison: Comparison) -> Table:
    rows = [
        [state, run.name, reason(run)[:MAX_ERROR], run.id]
        for state, runs in comparison.others.items()
        for run in runs[:MAX_ROWS]
    ]
    return Table([Column("state", "value"), Column("run", "text"), Column("why", "text"), Column("id", "id")], rows)


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
