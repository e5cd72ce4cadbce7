"""The tables at the end of a run and of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pipeline.compare.front import pareto_front
from pipeline.config import direction

if TYPE_CHECKING:
    from pipeline.track.registry import Registered
    from pipeline.track.sweep import Sweep
    from pipeline.train import Result

PARTS = ("train", "val", "test", "gap")


def result(result: Result) -> None:
    """Prints the scores of every split and where everything lies."""
    from pipeline import track

    table = Table("score", *PARTS, caption="gap: how much worse validation is than training")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(key.partition("_")[2] for key in result.scores):
        table.add_row(name, *(_number(result.scores.get(f"{part}_{name}")) for part in PARTS))
    console = _console()
    console.print(table)
    _places(
        console,
        {
            "run": result.run_id,
            "SavedModel": result.model_path,
            "store": result.store,
            "compare runs with": track.ui_command(result.store),
            "seconds": _seconds(result.seconds),
        },
    )


def taken_up(sweep: Sweep) -> None:
    """Says what is known of a sweep that the same command began before."""
    if not sweep.taken_up:
        return
    lost = f", {sweep.n_lost} that a dead process left RUNNING are KILLED now" if sweep.n_lost else ""
    _console().print(
        f"sweep {sweep.name} goes on: {sweep.n_before} trials are finished and will be skipped{lost}; "
        "sweep.resume=off runs all of them anew",
        highlight=False,
        markup=False,
    )


def sweep(sweep: Sweep, objectives: list[str] | None, words: str) -> None:
    """Prints the children of a sweep, best first, and where to compare them."""
    from pipeline import track

    names = {child.data.tags["objective"] for child in sweep.children if "objective" in child.data.tags}
    title = objectives or [", ".join(_with_direction(name) for name in sorted(names)) or "objective"]
    table = Table("run", "status", *title, "id", caption=_counts(sweep))
    for column in table.columns[2:-1]:
        column.justify = "right"
    shown = objectives or ["objective"]
    front = pareto_front([child.data.metrics for child in sweep.with_status("FINISHED")], objectives or [])
    for child, is_best in zip(sweep.children, [*front, *[False] * len(sweep.children)], strict=False):
        values = (_number(child.data.metrics.get(name)) for name in shown)
        name = ("* " if is_best else "") + child.info.run_name
        table.add_row(name, track.outcome(child), *values, child.info.run_id)
    console = _console()
    console.print(table)
    places = {"sweep": f"{sweep.run_id} ({sweep.name})", "compare runs with": track.ui_command(sweep.uri)}
    if sweep.status != "FINISHED" or sweep.with_status("FAILED") or sweep.with_status("KILLED"):
        places["go on with"] = f"python -m pipeline.train {words}"
    _places(console, places)


def _with_direction(name: str) -> str:
    return f"{name} ({'higher' if direction(name) == 'maximize' else 'lower'} is better)"


def _counts(sweep: Sweep) -> str:
    """How the children ended, in words."""
    statuses = ("FINISHED", "PRUNED", "FAILED", "KILLED", "RUNNING")
    counts = [f"{n} {status.lower()}" for status in statuses if (n := len(sweep.with_status(status)))]
    skipped = f"; {sweep.n_before} of them before, and skipped" if sweep.n_before else ""
    return ", ".join(counts) + skipped


def labelled(scores: dict[str, float], n_rows: int, places: dict[str, str]) -> None:
    """Prints the scores on newly labelled rows."""
    table = Table("score", f"{n_rows:,} rows")
    table.columns[1].justify = "right"
    for name, value in scores.items():
        table.add_row(name, _number(value))
    console = _console()
    console.print(table)
    _places(console, places)


def registered(registered: Registered) -> None:
    """Prints a version's scores, beside those of the model it was compared with."""
    comparison, console = registered.comparison, _console()
    newcomer, holder = comparison.newcomer, comparison.holder
    columns = [f"version {registered.version}"] + (
        [f"{comparison.alias} was version {holder.version}"] if holder else []
    )
    table = Table("score", *columns, caption=f"compared by {comparison.score}")
    for column in table.columns[1:]:
        column.justify = "right"
    entries = [newcomer, *([holder] if holder else [])]
    for name in sorted({name for entry in entries for name in entry.scores}, key=lambda name: name != comparison.score):
        table.add_row(name, *(_number(entry.scores.get(name)) for entry in entries))
    table.add_row("run", *(entry.run_id for entry in entries))
    table.add_row("data", *(entry.fingerprint for entry in entries))
    console.print(table)
    for reason in comparison.differs:
        console.print(f"the scores do not compare: {reason}", soft_wrap=True, highlight=False, markup=False)
    if comparison.is_worse and not comparison.differs:
        console.print(f"it is worse than version {holder.version if holder else ''}", highlight=False, markup=False)
    held = f", which holds {', '.join(f'@{alias}' for alias in registered.aliases)}" if registered.aliases else ""
    _places(console, {"registered": f"models:/{registered.name}/{registered.version}{held}"})


def _places(console: Console, places: dict[str, str]) -> None:
    for label, value in places.items():
        console.print(f"{label:18}{value}", soft_wrap=True, highlight=False, markup=False)


def _seconds(seconds: dict[str, float]) -> str:
    """All, and of the parts those that are worth a look, the longest first."""
    total = sum(seconds.values())
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name.removeprefix('seconds_')} {value:.1f}" for name, value in longest if value > total / 20)
    return f"{total:.1f}: {parts}"


def _console() -> Console:
    """Output that is not a terminal has no width: then no line is broken or cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _number(value: float | None) -> str:
    return "" if value is None else f"{0 if abs(value) < 1e-12 else value:.5g}"
