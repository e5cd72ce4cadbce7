"""The Markdown description at the top of a run's page in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config
from pipeline.runtime.console import number
from pipeline.runtime.program import stored_program

if TYPE_CHECKING:
    from pipeline.data import Dataset
    from pipeline.evaluate import Scores
    from pipeline.evaluate.baselines import BaselineComparison

PARTS = ("train", "val", "test")
MAX_SCORES = 12  # rows of the table: with many targets each has scores of its own
MAX_NAME_LENGTH = 60  # characters


def description(
    config: Config,
    dataset: Dataset,
    scores: Scores,
    beaten: BaselineComparison,
    *,
    run_id: str,
    n_parameters: int,
    epochs: tuple[int, int | None],
    advice: str | None,
) -> str:
    """Returns the text: scores of model and baselines, data, model, and the commands that use it.

    Args:
        config: The experiment.
        dataset: The rows.
        scores: Final scores, `train_*`, `val_*` and `test_*`.
        beaten: Comparison of the model with its baselines.
        run_id: Id of the run.
        n_parameters: Number of parameters of the network.
        epochs: Number of trained epochs, and the epoch whose weights are kept, or None.
        advice: What to try next; None for no advice.
    """
    comparisons = [f"Against {name.removeprefix('against ')}: {text}." for name, text in beaten.texts.items()]
    trained, kept = epochs
    kept_one = f", kept {kept}" if kept else ""
    facts = [
        f"**Data** {_data(config, dataset)}",
        f"**Model** {config.model.name}, {n_parameters:,} parameters; {trained} epochs{kept_one}; seed {config.seed}",
        *([f"**To try next** {advice}"] if advice else []),
    ]
    commands = [f"{stored_program()} {words}" for words in (
        f"predict {run_id} new.csv predictions.csv", f"serve {run_id}", f"rerun {run_id}",
    )]  # fmt: skip
    parts = ["\n".join(_table(scores, beaten)), " ".join(comparisons), "\n\n".join(facts), _code(commands)]
    return "\n\n".join(part for part in parts if part)


def _table(scores: Scores, beaten: BaselineComparison) -> list[str]:
    names = list(dict.fromkeys(key.partition("_")[2] for key in scores))[:MAX_SCORES]
    rows = [_row(name, name, scores) for name in names]
    for baseline, others in beaten.scores.items():
        rows += [_row(f"{name} of {baseline}", name, others) for name in beaten.main_scores]
    return [f"| score | {' | '.join(PARTS)} |", "| --- | --: | --: | --: |", *rows]


def _row(label: str, name: str, scores: Mapping[str, float]) -> str:
    values = " | ".join(number(scores.get(f"{part}_{name}")) for part in PARTS)
    return f"| {label.replace('|', '/')} | {values} |"


def _data(config: Config, dataset: Dataset) -> str:
    source = Path(config.data.path).name if config.data.path else config.data.name
    target = dataset.rows.target
    names = ", ".join(target.names)
    shown = names if len(names) <= MAX_NAME_LENGTH else f"{names[:MAX_NAME_LENGTH]}…"
    n_rows = ", ".join(f"{n:,} {part}" for part, n in dataset.n_rows.items())
    return f"`{source}`: {target.task} of `{shown}` from {dataset.rows.n_inputs:,} inputs; rows: {n_rows}"


def _code(lines: list[str]) -> str:
    return "\n".join(["```", *lines, "```"])
