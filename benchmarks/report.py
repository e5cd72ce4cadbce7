"""Prints what was measured, keeps it in results.json, and writes it as a table into docs/benchmarks.md."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from benchmarks.measure import Measured
from benchmarks.works import WORKS, Work

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
MARKS = "<!-- benchmarks: written by make bench -->", "<!-- end of benchmarks -->"
VERSIONS = ("tensorflow", "keras", "torch", "scikit-learn", "jax")


def work_lines(work: Work, measured: list[Measured], left_out: list[str], peak: float) -> list[str]:
    """A Markdown table of a work, ours first."""
    ours = measured[0].median
    lines = [
        f"**{work.title}**",
        "",
        "| | epoch | ours is faster by | first epoch | rows per second | of peak | final loss | memory |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in measured:
        lines.append(
            f"| {one.peer} | {one.median:.3g} s | {one.median / ours:.2f} x | {one.first:.2f} s "
            f"| {one.rows_per_second:,.0f} | {one.share_of_peak:.1%} | {one.loss:.4f} | {one.memory / 1e6:,.0f} MB |"
        )
    missing = f" Left out: {'; '.join(left_out)}." if left_out else ""
    return [*lines, "", f"Peak: a matrix product in numpy, {peak / 1e9:.0f} GFLOP/s.{missing}", ""]


def start_lines(seconds: dict[str, float]) -> list[str]:
    """A sentence on a whole run."""
    parts = {name: value for name, value in seconds.items() if name not in ("whole", "bare")}
    listed = ", ".join(f"{name} {value:.2f}" for name, value in sorted(parts.items(), key=lambda item: -item[1]))
    return [
        f"**A whole `make train`** takes {seconds['whole']:.1f} s from start to exit; importing TensorFlow and MLflow "
        f"and nothing else {seconds['bare']:.1f} s. Its parts in seconds: {listed}.",
        "",
    ]


def machine() -> str:
    """The machine and the versions, in one line."""
    memory = psutil.virtual_memory().total / 2**30
    found = []
    for name in VERSIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{_processor()}, {psutil.cpu_count()} CPUs, {memory:.0f} GiB, {platform.system()}, Python "
        f"{platform.python_version()}; {', '.join(found)}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def _without_parts(machines: Iterable[str]) -> list[str]:
    """The machines but for those of which another line says all and more, as where fewer peers were installed."""
    facts = {machine: set(re.split("[,;] ", machine)) for machine in machines}
    return [machine for machine, own in facts.items() if not any(own < other for other in facts.values())]


def keep(part: str, lines: list[str]) -> None:
    """Replaces a part of the results, and writes all of them into the page; the other parts stay as they are."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[part] = {"machine": machine(), "lines": lines}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    machines = _without_parts(dict.fromkeys(result["machine"] for result in results.values()))
    body = []
    for name in [*WORKS, "start", "tables", "streaming", "serving"]:
        if name in results:
            body += results[name]["lines"]
    body.append("Measured on: " + "; and on ".join(machines) + ".")
    text = PAGE.read_text(encoding="utf-8")
    block = "\n".join([MARKS[0], *body, MARKS[1]])
    pattern = re.escape(MARKS[0]) + ".*?" + re.escape(MARKS[1])
    PAGE.write_text(re.sub(pattern, lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
