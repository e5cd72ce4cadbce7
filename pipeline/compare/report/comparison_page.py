"""A comparison as one HTML page without scripts, and without pictures or style sheets of elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from pipeline.compare.baselines import against
from pipeline.compare.candidates import Candidate, with_deviation
from pipeline.compare.findings import Findings
from pipeline.compare.logged_values import short
from pipeline.compare.ranking import Comparison, reason
from pipeline.compare.report import pictures
from pipeline.compare.report.axis import has_far_off
from pipeline.compare.report.html import Column, charts, note, section, table
from pipeline.compare.report.parallel import MAX_AXES, TOP_SHARE, parallel
from pipeline.compare.report.style import STYLE
from pipeline.compare.significance import PairedTest
from pipeline.runtime.console import number

MAX_ROWS = 100  # of the leaderboard
MAX_EFFECTS = 12
N_SEED_COLUMNS = 8  # configurations whose seeds are drawn
MAX_ERROR = 400  # letters
MEDIANS = {'<polyline class="line middle"': "lines", '<path class="line middle"': "dashes"}  # how they are drawn


def render(found: Findings) -> str:
    """The whole page."""
    comparison = found.comparison
    title = escape(f"Comparison: {comparison.title}")
    parts = [
        _head(comparison),
        section("Best configuration", _best(found)) if comparison.candidates else "",
        section("Is it really the best?", _verdict(found)) if comparison.candidates else "",
        section("Leaderboard", _leaderboard(comparison)) if comparison.candidates else "",
        section("Pareto front", _front(comparison)),
        section("Which parameters matter", _importance(found)),
        section("One parameter at a time", _effects(found)),
        section("All parameters at once", _parallel(found)),
        section("Learning curves", _curves(found)),
        section("Size, time and overfitting", _sizes(comparison)),
        section("Runs that did not finish", _others(comparison)),
    ]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
{"".join(parts)}</body></html>
"""


def _head(comparison: Comparison) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = (
        f"{comparison.counts()}; {len(comparison.candidates)} configurations ranked by {comparison.objective} "
        f"({comparison.better()}); written {when}. Test scores are shown and choose nothing."
    )
    return note(facts) + "".join(f'<p class="warning">{escape(text)}</p>' for text in comparison.notes)


def _best(found: Findings) -> str:
    comparison, best = found.comparison, found.comparison.candidates[0]
    figures = {
        f"{comparison.objective}, {len(best.runs)} run{'s' if len(best.runs) > 1 else ''}": with_deviation(best),
        f"test_{comparison.measure}": number(best.metric(f"test_{comparison.measure}")),
        "overfitting gap": number(best.metric(f"gap_{comparison.measure}")),
        "parameters": _count(best.metric("n_parameters")),
        "seconds of training": _seconds(best.seconds),
    }
    boxes = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures.items())
    again = f"Repeat its run exactly ({best.choice}) with make rerun RUN={best.run.id}"
    baselines = "".join(note(f"Against {escape(found.name)}: {found.text}.") for found in against(comparison))
    return f'<div class="figures">{boxes}</div><pre>{escape(found.command or "")}</pre>{note(again)}{baselines}'


def _verdict(found: Findings) -> str:
    comparison, verdict = found.comparison, found.verdict
    settled = bool(verdict.rivals) and verdict.rivals[0][1].is_settled
    box = (
        f'<div class="verdict{" settled" if settled else ""}"><h3>{escape(verdict.headline)}</h3>'
        f"<p>{escape(verdict.text)}</p></div>"
    )
    if not verdict.rivals:
        return box
    is_tested = any(paired_test.effect is not None for _, paired_test in verdict.rivals)  # one seed each tests nothing
    columns = [
        Column("against"), Column("ahead by", title=f"mean difference in {comparison.objective}"),
        Column("95 % interval"), Column("pairs", title="seeds or folds that both have"),
        Column("paired t", title="p value, two-sided"), Column("Wilcoxon", title="p value, from six pairs on"),
        Column("effect size", title="difference in deviations of the differences"),
        Column("seeds to settle", title="of each, for a power of 80 % at the 5 % level"),
    ]  # fmt: skip
    rows = [[f"#{place}", *_figures(paired_test)] for place, (_, paired_test) in enumerate(verdict.rivals, 2)]
    shown = comparison.candidates[:N_SEED_COLUMNS]
    several = any(len(candidate.scores) > 1 for candidate in shown)
    drawing = charts([pictures.seeds(comparison, shown)]) if several else ""
    caption = note("Each point is a run, each dash a mean over seeds and folds.") if several else ""
    corrected = note("No p value is corrected for the number of tests.") if is_tested else ""
    return box + (table(columns, rows) if is_tested else "") + corrected + drawing + caption


def _figures(paired_test: PairedTest) -> list[str]:
    """What a test of two configurations gave, for the columns of the table of rivals."""
    return [
        number(paired_test.difference),
        "" if paired_test.effect is None else f"{number(paired_test.low)} to {number(paired_test.high)}",
        str(paired_test.n),
        "" if paired_test.p_t is None else f"{paired_test.p_t:.2g}",
        "" if paired_test.p_wilcoxon is None else f"{paired_test.p_wilcoxon:.2g}",
        "" if paired_test.effect is None else f"{paired_test.effect:.2f}",
        "" if paired_test.effect is None else str(paired_test.seeds_needed or "none would"),
    ]


def _leaderboard(comparison: Comparison) -> str:
    measure = comparison.measure
    columns = [
        Column("#"), Column(comparison.objective, title="of validation: mean ± deviation over seeds and folds"),
        Column("runs"), Column(f"test_{measure}", title="shown, never used to choose"), Column(f"gap_{measure}"),
        *(Column(name, title="of validation, another objective") for name in comparison.other_scores),
        Column("parameters"), Column("seconds", title="of training"),
        *(Column(comparison.labels[key], "value", key) for key in comparison.varying),
        Column("run", "id", "that stands for the configuration"),
    ]  # fmt: skip
    shown = comparison.candidates[:MAX_ROWS]
    rows = [
        [
            place, with_deviation(candidate), str(len(candidate.runs)),
            number(candidate.metric(f"test_{measure}")), number(candidate.metric(f"gap_{measure}")),
            *(number(candidate.metric(name)) for name in comparison.other_scores),
            _count(candidate.metric("n_parameters")), _seconds(candidate.seconds),
            *(short(candidate.params[key]) for key in comparison.varying), candidate.run.id,
        ]
        for place, candidate in zip(comparison.places, shown, strict=False)
    ]  # fmt: skip
    left = len(comparison.candidates) - len(shown)
    more = note(f"{left} more are not listed; --format csv gives all.") if left else ""
    return table(columns, rows, mark_first=True) + more


def _front(comparison: Comparison) -> str:
    drawn = charts(pictures.front(comparison, name) for name in comparison.objectives if name != comparison.objective)
    caption = "Orange: no other configuration is as good in all objectives and better in one."
    return note(caption) + drawn if drawn else ""


def _importance(found: Findings) -> str:
    if found.importance is None:
        return ""
    caption = (
        f"A random forest predicts {max(0, found.importance.explained):.0%} of the spread of the ranking for "
        "configurations it has not seen; a bar is a parameter's part of what is lost when it is shuffled."
    )
    if not found.importance.is_meaningful:
        return note(f"{caption} That is too little for bars to mean anything: more configurations are needed.")
    return note(caption) + pictures.bars(found.importance, found.comparison)


def _effects(found: Findings) -> str:
    comparison, keys = found.comparison, _keys(found)
    if not keys or len(comparison.candidates) < 2:
        return ""
    drawn = charts(pictures.effect(comparison, key) for key in keys[:MAX_EFFECTS])
    medians = " and ".join(word for sign, word in MEDIANS.items() if sign in drawn)
    caption = "All other parameters as they come" + (f"; {medians} are medians." if medians else ".")
    if has_far_off([candidate.mean for candidate in comparison.candidates]):
        caption += " Scores far off lie on the edge."
    left = len(keys) - MAX_EFFECTS
    return note(caption) + drawn + (note(f"{left} less important parameters are not drawn.") if left > 0 else "")


def _parallel(found: Findings) -> str:
    keys = _keys(found)
    if not keys or len(found.comparison.candidates) < 2:
        return ""
    left = len(keys) - MAX_AXES
    good = ", the best tenth green" if len(found.comparison.candidates) * TOP_SHARE > 1 else ""
    caption = f"A line per configuration: the best thick{good}. Rest the pointer on a line to read it."
    more = f" The {left} least important parameters are left out." if left > 0 else ""
    return note(caption + more) + parallel(found.comparison, keys, pictures.descriptions_of(found.comparison))


def _curves(found: Findings) -> str:
    drawn = pictures.learning(found.curve_name, found.curves)
    if drawn is None:
        return ""
    names = pictures.descriptions_of(found.comparison)
    legend = "".join(
        f'<li><span class="key c{place}"></span>{escape(names[place])}</li>'
        for place, pair in enumerate(found.curves)
        if any(pair)
    )
    kinds = [
        *(["training dashed"] if any(train for train, _ in found.curves) else []),
        *(["validation solid"] if any(val for _, val in found.curves) else []),
    ]
    caption = f"The run that stands for each of the best: {', '.join(kinds)}."
    return f'{note(caption)}<div class="charts"><div>{drawn}</div><div><ul class="legend">{legend}</ul></div></div>'


def _sizes(comparison: Comparison) -> str:
    def size(candidate: Candidate) -> float | None:
        return candidate.metric("n_parameters")

    gap = f"gap_{comparison.measure}"
    return charts(
        [
            pictures.against(comparison, "parameters", size, gap),
            pictures.against(comparison, "parameters", size, comparison.objective),
            pictures.against(comparison, "seconds of training", lambda found: found.seconds, comparison.objective),
        ]
    )


def _others(comparison: Comparison) -> str:
    rows = [
        [state, run.name, reason(run)[:MAX_ERROR], run.id]
        for state, runs in comparison.others.items()
        for run in runs[:MAX_ROWS]
    ]
    columns = [Column("state", "value"), Column("run", "text"), Column("why", "text"), Column("id", "id")]
    return table(columns, rows) if rows else ""


def _keys(found: Findings) -> list[str]:
    """The varying keys, the most important first where that is known."""
    known = found.importance
    return list(known.shares) if known is not None and known.is_meaningful else found.comparison.varying


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
