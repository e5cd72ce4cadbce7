"""What the card says, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config import Config
from pipeline.config.rules import LOSSES
from pipeline.data import Dataset, Rows, Target
from pipeline.evaluate.confusion import binary_decisions
from pipeline.export.card import decisions, uncertainty, worst_rows
from pipeline.export.card.drawing import losses, reliability_curve, scatter
from pipeline.export.card.intervals import Interval, intervals
from pipeline.export.card.page import Page, number
from pipeline.export.card.permutation_importance import MAX_PREDICTED, importance
from pipeline.export.card.reliability import reliability
from pipeline.fit.steps import batch_size
from pipeline.runtime.program import stored_program

if TYPE_CHECKING:
    from pipeline.evaluate import Columns, Evaluation
    from pipeline.evaluate.baselines import BaselineComparison
    from pipeline.evaluate.leaderboard import LeaderboardRow
    from pipeline.export import Assembled
    from pipeline.fit import History

MAX_COLUMNS = 60  # that a table lists
MAX_DOTS, MAX_DRAWN = 400, 4  # test rows in a picture, and targets with one
MAX_CONFUSED = 12  # classes in a confusion matrix
CODE = """\
import tensorflow as tf

model = tf.saved_model.load("saved_model")  # keep `model` as long as you call it: it owns the weights
outputs = model.serve({example})
print(outputs)"""


def write(
    config: Config,
    dataset: Dataset,
    assembled: Assembled,
    history: History,
    found: Evaluation,
    beaten: BaselineComparison,
    run_id: str,
    networks: Sequence[LeaderboardRow] = (),
) -> dict[str, str]:
    """The card as `card.md` and `card.html`.

    Args:
        config: The experiment.
        dataset: The rows.
        assembled: The model.
        history: Of training.
        found: What the model made of each split.
        beaten: How it stands to its baselines.
        run_id: Of the run.
        networks: Those that an ensemble was selected from, best first.
    """
    page = Page(f"Model card: {config.tracking.experiment}, {datetime.now(UTC):%Y-%m-%d}")
    page.paragraph(f"Run {run_id}.")
    page.heading("Intended use")
    page.paragraph("To be written by the author: what this model is for, for whom, and what it must not be used for.")
    _data(page, config, dataset)
    _architecture(page, config, dataset, assembled, history, networks)
    target, outputs = found.targets["test"], found.outputs["test"]
    _scores(page, found, intervals(target, outputs, found.weights["test"], config.seed))
    uncertainty.write(page, config, dataset, assembled.learned, found)
    _baselines(page, beaten)
    _predictions(page, config, assembled, found)
    _learning_curve(page, history)
    columns = _importance(page, assembled, dataset.part("val"), config.seed)
    worst_rows.write(page, assembled, dataset.part("test"), outputs, columns)
    if target.task != "regression":
        _calibration(page, assembled, target, outputs)
    _use(page, assembled, run_id)
    return {"card.md": page.markdown(), "card.html": page.html()}


def _data(page: Page, config: Config, dataset: Dataset) -> None:
    page.heading("Data")
    rows, target = dataset.rows, dataset.rows.target
    facts = [
        ("source", config.data.path or config.data.name),
        ("fingerprint", dataset.fingerprint),
        ("rows", ", ".join(f"{n:,} {part}" for part, n in dataset.n_rows.items())),
        ("split", f"{config.data.split.kind}, seed {config.data.split.seed}"),
        ("task", target.task),
        ("target", ", ".join(target.names)),
        ("raw inputs", f"{rows.n_inputs:,}"),
    ]
    if len(target.classes):
        facts.append(("classes", _shortened([str(label) for label in target.classes.tolist()])))
    page.table(["", ""], facts)
    page.paragraph(f"Columns: {_shortened(list(rows.inputs))}")


def _architecture(
    page: Page,
    config: Config,
    dataset: Dataset,
    assembled: Assembled,
    history: History,
    networks: Sequence[LeaderboardRow],
) -> None:
    """The layers, and how they were trained; values that were left to the pipeline as it chose them."""
    page.heading("Architecture and training")
    network, fit, task = assembled.network, config.fit, dataset.rows.target.task
    if networks:
        _networks(page, networks, config.tune.distill)
    if not networks or config.tune.distill:
        page.table(
            ["layer", "kind", "outputs", "parameters"],
            [(one.name, type(one).__name__, _width(one), f"{one.count_params():,}") for one in _layers(network)],
        )
    facts = [
        ("parameters", f"{network.count_params():,}"),
        ("loss, optimizer", f"{fit.loss if fit.loss != 'auto' else LOSSES[task][0]}, {fit.optimizer}"),
        ("learning rate, batch size", f"{fit.learning_rate:g}, {batch_size(fit, dataset.n_rows['train'])}"),
        ("epochs", f"{len(history.epochs)}" + (f", kept {history.best_epoch}" if history.best_epoch else "")),
        ("seed", str(config.seed)),
    ]
    page.table(["", ""], facts)


def _networks(page: Page, networks: Sequence[LeaderboardRow], is_distilled: bool) -> None:
    """What an ensemble is made of, which is the model, or which the model was trained to follow."""
    selected = [line for line in networks if line.share]
    n_folds = len(networks[0].run_ids)
    made_of = (
        f"the weighted mean of {len(selected)} of {len(networks)} configurations that were trained, which validation "
        "rows selected"
    )
    if is_distilled:
        page.paragraph(
            f"One network, trained on what an ensemble gives for the training rows (tune.distill): {made_of}. The "
            "ensemble has seen the validation rows, so that scores of these are somewhat too good."
        )
    else:
        page.paragraph(
            f"An ensemble, {made_of}. What stands below the table is of the configuration that others were drawn "
            "around, and the learning curve that of the network that counts most."
        )
    if n_folds > 1:
        page.paragraph(
            f"Each configuration is {n_folds} networks, one for each fold of the training and validation rows. What is "
            "said of validation rows is of the networks that were not trained on them; training rows were each seen by "
            f"{n_folds - 1} of {n_folds}."
        )
    page.table(
        ["configuration", "share", "validation loss", "± to the ensemble's", "epochs", "overrides"],
        [
            (line.number, f"{line.share:.0%}", number(line.loss), number(line.error), line.epochs, line.words or "-")
            for line in selected
        ],
    )


def _layers(network: Any) -> Iterator[Any]:
    """The layers, and those of networks inside."""
    for layer in network.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else [layer]


def _width(layer: Any) -> str:
    """How many outputs; a layer that is used in several places has no one answer."""
    try:
        return str(layer.output.shape[-1])
    except (AttributeError, ValueError):
        return ""


def _scores(page: Page, found: Evaluation, test_intervals: dict[str, Interval]) -> None:
    page.heading("Scores")
    names = dict.fromkeys(key.partition("_")[2] for key in found.scores if not key.startswith("gap_"))
    page.table(
        ["score", "train", "val", "test", "test, 95 % interval"],
        [
            (name, *(number(found.scores.get(f"{part}_{name}")) for part in ("train", "val", "test")),
             _interval(test_intervals.get(name)))
            for name in names
        ],
    )  # fmt: skip
    page.paragraph("In the target's own units. Intervals: up to 1,000 bootstrap draws of the test rows, percentiles.")


def _baselines(page: Page, beaten: BaselineComparison) -> None:
    if not beaten.scores:
        return
    page.heading("Baselines")
    rows = [
        (name, score, *(number(scores.get(f"{part}_{score}")) for part in ("train", "val", "test")))
        for name, scores in beaten.scores.items()
        for score in beaten.main_scores
    ]
    page.table(["baseline", "score", "train", "val", "test"], rows)
    page.paragraph("On the same rows. " + "; ".join(f"{name}: {text}" for name, text in beaten.texts.items()) + ".")
    if beaten.advice:
        page.paragraph(f"To try next: {beaten.advice}.")


def _predictions(page: Page, config: Config, assembled: Assembled, found: Evaluation) -> None:
    """What was said of rows beside what is true."""
    target, outputs = found.targets["test"], found.outputs["test"]
    if target.task == "regression":
        page.heading("Predictions and targets")
        _scatters(page, target, outputs)
    elif made := binary_decisions(config.decision, found, assembled.learned.threshold):
        decisions.of_two_classes(page, made)
    elif len(target.classes) <= MAX_CONFUSED:
        decisions.of_many_classes(page, target, outputs)


def _scatters(page: Page, target: Target, outputs: Columns) -> None:
    """A dot for a test row, evenly drawn from all of them, for each of the first targets."""
    rows = np.linspace(0, len(target.values) - 1, min(MAX_DOTS, len(target.values))).astype(int)
    for place, name in enumerate(target.names[:MAX_DRAWN]):
        truth, predicted = target.values[rows, place], outputs["prediction"][rows, place]
        page.picture(f"Test rows: prediction of {name} by its target", scatter(name, truth, predicted))


def _learning_curve(page: Page, history: History) -> None:
    page.heading("Learning curve")
    page.picture("Learning curve", losses(history.epochs))


def _importance(page: Page, assembled: Assembled, val: Rows, seed: int) -> list[str]:
    """Gives the columns, the most important first."""
    page.heading("Permutation importance")
    found = importance(assembled.predict, val, seed)
    if not found:
        page.paragraph("There are too many columns to shuffle each of them.")
        return list(val.inputs)
    loss = "R² is lost" if val.target.task == "regression" else "log loss rises"
    page.table(
        ["column", f"{loss} by", "95 % interval"],
        [(entry.column, number(entry.mean), _interval((entry.low, entry.high))) for entry in found[:MAX_COLUMNS]],
    )
    page.paragraph(
        f"How much worse the model is when this column is shuffled among validation rows, at "
        f"most {MAX_PREDICTED:,} predictions in all. Columns that say the same share their importance."
    )
    return [entry.column for entry in found]


def _calibration(page: Page, assembled: Assembled, target: Target, outputs: Columns) -> None:
    page.heading("Calibration")
    bins, error = reliability(target, outputs["probabilities"])
    page.paragraph(
        f"Expected calibration error on test rows: {error:.4f}, the mean distance between how sure the model is of its "
        "most probable class and how often that is right."
    )
    page.picture("Reliability curve", reliability_curve(bins))
    page.table(
        ["confidence", "rows", "mean confidence", "accuracy"],
        [
            (f"{bin_.low:.1f} to {bin_.high:.1f}", f"{bin_.n_rows:,}", f"{bin_.confidence:.3f}", f"{bin_.accuracy:.3f}")
            for bin_ in bins
        ],
    )  # fmt: skip


def _use(page: Page, assembled: Assembled, run_id: str) -> None:
    page.heading("How to load it")
    dtypes = {column.name: column.dtype for column in assembled.columns}
    columns = [
        f"    {name!r}: tf.constant({_literal(values)}, tf.{dtypes[name]}),"
        for name, values in assembled.example.items()
    ]
    if len(columns) > MAX_COLUMNS or sum(map(len, columns)) > 100 * MAX_COLUMNS:
        columns = ["    ...  # every raw column by its name, see assets.extra/schema.json"]
    page.code("python", CODE.format(example="{\n" + "\n".join(columns) + "\n}").replace("```", "'''"))
    page.paragraph("Or for all rows of a file, with this package:")
    page.code("bash", f"{stored_program()} predict {run_id} new.csv predictions.csv")


def _literal(values: list[object]) -> str:
    written = ("float('nan')" if value is None else repr(value) for value in values)
    return f"[{', '.join(written)}]"


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - MAX_COLUMNS:,} more" if len(names) > MAX_COLUMNS else ""
    return ", ".join(names[:MAX_COLUMNS]) + more


def _interval(found: Interval | None) -> str:
    return "" if found is None else f"{number(found[0])} to {number(found[1])}"
