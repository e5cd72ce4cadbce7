"""`make bench-ingredients`: what each ingredient of `data=table` adds, by leaving it out; docs/ingredients.md."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy import stats

from benchmarks.quality import kept
from benchmarks.quality.kept import ROOT, Result
from benchmarks.quality.measure import LOSSES, measure_asked, parser_of
from benchmarks.quality.page import ERRORS, measured_on, table_of
from benchmarks.quality.peers import PIPELINE, TABLE, Peer, network
from benchmarks.quality.tables import TABLES

PAGE = ROOT / "docs" / "ingredients.md"
WHOLE = "preset"
SEEDS = 3
INTRODUCTION = """\
# What each ingredient adds

Written by `make bench-ingredients` (`TABLE=titanic PEER=without_members SEEDS=1`: a part). Each row changes one
setting of `data=table`, and shows by how many percent the loss of the *validation* rows (log loss for classes, RMSE
for numbers) is then higher: positive if the preset's choice is better. Test rows are not used. Geometric mean over
seeds, each with its own split except for published ones; bold: beyond two standard errors of the seeds. On penguins the
log loss is near 0, so a few rows change it by large factors. The last two columns are the median over tables, and the
probability of such ranks without an effect (Wilcoxon's signed-rank test over tables, as Demšar 2006 advises): below
0.05 the ingredient has an effect, which takes six tables at least. All of it is from before 2026-12-01, when initial
weights of embeddings and members changed.
"""


def _changed(title: str, *words: str) -> Peer:
    return Peer(title, "pipeline", PIPELINE, SEEDS, network(*TABLE, *words, prefix="val_"))


INGREDIENTS = {
    WHOLE: _changed("as it is"),
    "without_embedding": _changed("`model.numeric_embedding=none`", "model.numeric_embedding=none"),
    "without_members": _changed("`model.members=1`", "model.members=1"),
    "without_average": _changed("`fit.ema=null`", "fit.ema=null"),
    "without_quantile": _changed("`data.input_scaling=standard`", "data.input_scaling=standard"),
    "without_one_hot": _changed("`data.ordered_numbers=number`", "data.ordered_numbers=number"),
    "without_dropout": _changed("`model.dropout=0`", "model.dropout=0"),
    "own_batches": _changed("`model.member_batches=own`", "model.member_batches=own"),
    "target_bins": _changed("`model.numeric_embedding=target_bins`", "model.numeric_embedding=target_bins"),
    "cosine": _changed("`model.numeric_embedding=cosine`", "model.numeric_embedding=cosine"),
    "muon": _changed("`fit.optimizer=muon`", "fit.optimizer=muon", "fit.learning_rate=0.003"),
    "residual": _changed("`model=residual`", "model=residual", "fit=adamw", "model.numeric_embedding=piecewise_linear"),
}


def main() -> None:
    """Runs what is asked for, all by default."""
    description = "Trains `data=table` with one thing changed at a time and writes docs/ingredients.md."
    measure_asked(parser_of("make bench-ingredients", description, INGREDIENTS), INGREDIENTS)
    text = page(kept.results())
    PAGE.write_text(text, encoding="utf-8")
    print(text)


def page(results: Sequence[Result]) -> str:
    """The page; of several results of one table, ingredient and seed the newest counts."""
    newest = {(one.table, one.peer, one.seed): one for one in results if one.peer in INGREDIENTS}
    losses = {place: next(one.scores[name] for name in LOSSES if name in one.scores) for place, one in newest.items()}
    tables = [name for name in TABLES if any(table == name for table, _, _ in losses)]
    rows = [[about.title, *_line(name, tables, losses)] for name, about in INGREDIENTS.items() if name != WHOLE]
    text = table_of(["higher by %", *tables, "median", "chance"], rows)
    return f"{INTRODUCTION}\n{text}\n\n{measured_on(list(newest.values()))}\n"


def _line(name: str, tables: Sequence[str], losses: dict[tuple[str, str, int], float]) -> list[str]:
    """What leaving it out does on each table, their median and the chance of that."""
    cells, means = [], []
    for table in tables:
        seeds = [seed for seed in range(SEEDS) if {(table, name, seed), (table, WHOLE, seed)} <= losses.keys()]
        if not seeds:
            cells.append("missing")
            continue
        higher = [math.log(losses[table, name, seed] / losses[table, WHOLE, seed]) for seed in seeds]
        means.append(statistics.fmean(higher))
        cells.append(_cell(higher))
    if len(means) < 2:
        return [*cells, "missing", "missing"]
    chance = stats.wilcoxon(means).pvalue if any(means) else 1.0  # SciPy has no value for zeros alone
    return [*cells, _percent(statistics.median(means)), f"{chance:.2g}"]


def _cell(higher: Sequence[float]) -> str:
    mean = statistics.fmean(higher)
    if len(higher) < 2:
        return f"{_percent(mean)} (n 1)"
    error = statistics.stdev(higher) / math.sqrt(len(higher))
    return f"**{_percent(mean)}**" if abs(mean) > ERRORS * error else _percent(mean)


def _percent(logarithm: float) -> str:
    return f"{100 * math.expm1(logarithm):+.1f}"


if __name__ == "__main__":
    main()
