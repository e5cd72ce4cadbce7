"""The page of results: docs/quality.md, drawn from what is kept."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.quality.kept import ROOT, Result
from benchmarks.quality.peers import PEERS
from benchmarks.quality.tables import TABLES

PAGE = ROOT / "docs" / "quality.md"
OWN, TUNED = "pipeline", "tune"
ERRORS = 2.0  # standard errors, beyond which a difference counts
INTRODUCTION = """\
# How good it is

Written by `make bench-quality`, which measures what is missing (`TABLE=penguins PEER=lightgbm SEEDS=1`: a part);
`make bench-setup` installs the peers. All peers have the same training, validation and test rows, as they are in the
files, with categories and missing values, and no peer's settings are searched. Each seed draws another split, except
for published splits (adult, california_housing) and ordered rows (bike_sharing_hour); RealMLP_TD and TabM_D have one
seed.

- this pipeline: `data=table` with a path and a target, and `fit.max_minutes=60` instead of 10, so that scores do not
  depend on the load of the machine; its dense network: `data=plain_table model=dense`.
- tune: `python -m pipeline tune data=table` with the same keys, and `tune.minutes=3`; one seed.
- LightGBM at a learning rate of 0.05, CatBoost and XGBoost at their defaults, all with early stopping on the validation
  rows after 100 rounds, one model per target. XGBoost's default does not handle hundreds of categories well.
- pytabkit's RealMLP_TD and TabM_D at their tuned defaults; for classes with cross entropy as validation metric, and
  RealMLP_TD without label smoothing. They do not accept missing numbers: these are replaced by the median, with an
  additional 0/1 column.
"""
OF_SCORES = """\
## Scores of test rows

Log loss for classes, RMSE for numbers (for several targets their mean); lower is better. Mean ± standard deviation over
seeds; n is their number if it is not three. The mean rank is over the tables on which all peers were measured.

"""
OF_PAIRS = """\
## In pairs

By the mean difference of the losses over the seeds of both.

"""
OF_SECONDS = """\
## Seconds of the whole fit

Median over seeds. For this pipeline reading, preprocessing and training; for the others `fit` and the predictions of
the test rows. Imports are excluded. Seconds of several days and machines: a factor of three tells little. RealMLP_TD
and TabM_D were measured in the background of other work: their scores hold, but their seconds are too high. With
nothing else running TabM_D had not ended after 2,101 s on california_housing, where this pipeline took 185 s on that
machine.

"""


@dataclass(frozen=True)
class Cell:
    """What a peer came to on a table, by seed."""

    scores: dict[int, float]
    seconds: float  # median

    @property
    def mean(self) -> float:
        """Of the seeds."""
        return statistics.fmean(self.scores.values())


Cells = dict[tuple[str, str], Cell]  # by table and peer


def write(kept: Sequence[Result]) -> str:
    """Writes the page and gives its text."""
    text = page(kept)
    PAGE.write_text(text, encoding="utf-8")
    return text


def page(kept: Sequence[Result]) -> str:
    """The page; of several results of one table, peer and seed the newest counts."""
    newest = {(one.table, one.peer, one.seed): one for one in kept if one.peer in PEERS}
    results = list(newest.values())
    loss = _cells(results, "log_loss", "rmse")
    accuracy = _cells(results, "accuracy")
    sections = [
        INTRODUCTION,
        OF_SCORES + _scores(loss, lower_is_better=True),
        "## Accuracy\n\n" + _scores(accuracy, lower_is_better=False),
        OF_PAIRS + _against(loss, OWN),
        _against(loss, TUNED),
        OF_SECONDS + _seconds(loss),
        measured_on(results),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _cells(results: Sequence[Result], *names: str) -> Cells:
    """The cells of the tables that have one of the scores."""
    grouped: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        if any(name in one.scores for name in names):
            grouped.setdefault((one.table, one.peer), []).append(one)
    return {place: _cell(own, names) for place, own in grouped.items()}


def _cell(results: Sequence[Result], names: Sequence[str]) -> Cell:
    scores = {one.seed: next(one.scores[name] for name in names if name in one.scores) for one in results}
    return Cell(scores, statistics.median(one.seconds for one in results))


def _scores(cells: Cells, *, lower_is_better: bool) -> str:
    rows = []
    for table in TABLES:
        own = {peer: cells[table, peer] for peer in PEERS if (table, peer) in cells}
        if own or lower_is_better:
            best = (min if lower_is_better else max)((cell.mean for cell in own.values()), default=math.nan)
            rows.append([table, *(_score(own.get(peer), best) for peer in PEERS)])
    if lower_is_better:
        rows.append(["**mean rank**", *_mean_ranks(cells)])
    return table_of(["", *(peer.title for peer in PEERS.values())], rows)


def _score(cell: Cell | None, best: float) -> str:
    if cell is None:
        return "missing"
    shown = f"{cell.mean:.4g}" if abs(cell.mean) < 1000 else f"{cell.mean:,.0f}"
    deviation = f" ± {statistics.stdev(cell.scores.values()):.2g}" if len(cell.scores) > 1 else ""
    n = "" if len(cell.scores) == 3 else f" (n {len(cell.scores)})"
    return f"**{shown}**{deviation}{n}" if cell.mean == best else f"{shown}{deviation}{n}"


def _mean_ranks(cells: Cells) -> list[str]:
    """Over the tables on which all peers with results have one."""
    there = [peer for peer in PEERS if any(other == peer for _, other in cells)]
    ranked = [_ranking(table, there, cells) for table in TABLES if all((table, peer) in cells for peer in there)]
    if not ranked:
        return ["missing"] * len(PEERS)
    means = {peer: statistics.fmean(ranking.index(peer) + 1 for ranking in ranked) for peer in there}
    return [f"{means[peer]:.2g}" if peer in means else "missing" for peer in PEERS]


def _ranking(table: str, peers: Sequence[str], cells: Cells) -> list[str]:
    """The best first."""
    return sorted(peers, key=lambda peer: cells[table, peer].mean)


def _against(cells: Cells, own: str) -> str:
    rows = []
    for peer, about in PEERS.items():
        if peer == own:
            continue
        differences = {
            table: found
            for table in TABLES
            if (found := _differences(cells.get((table, own)), cells.get((table, peer))))
        }
        better = [table for table, found in differences.items() if statistics.fmean(found) < 0]
        worse = [table for table, found in differences.items() if _is_clearly_worse(found)]
        rows.append([about.title, f"{len(better)} of {len(differences)}", ", ".join(better), ", ".join(worse)])
    clearly = "worse by more than two standard errors"
    return table_of(["", f"{PEERS[own].title} is better on", "which", clearly], rows)


def _differences(own: Cell | None, other: Cell | None) -> list[float]:
    """Of the losses, one for each seed that both have."""
    if own is None or other is None:
        return []
    return [own.scores[seed] - other.scores[seed] for seed in own.scores if seed in other.scores]


def _is_clearly_worse(differences: Sequence[float]) -> bool:
    """Whether the mean is above zero by more than two standard errors; one seed has none."""
    if len(differences) < 2:
        return False
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return statistics.fmean(differences) > ERRORS * error


def _seconds(cells: Cells) -> str:
    rows = [
        [table, *(f"{cells[table, peer].seconds:.3g}" if (table, peer) in cells else "missing" for peer in PEERS)]
        for table in TABLES
    ]
    return table_of(["", *(peer.title for peer in PEERS.values())], rows)


def measured_on(results: Sequence[Result]) -> str:
    """The machines, their load, and the versions."""
    machines = dict.fromkeys(one.machine for one in results)
    versions = dict.fromkeys(f"{name} {value}" for one in results for name, value in one.versions.items())
    loads = [one.load for one in results]
    load = f"; load of the machine when fits began {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    return f"Measured on: {'; '.join(machines) or 'nothing yet'}{load}. Versions: {', '.join(versions)}."


def table_of(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, the first column to the left."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
