"""Checkpoints: what training goes on from, when they are written, and what becomes of those that cannot be used."""

import contextlib
import resource
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline import Config, data, fit, load, model
from pipeline.errors import Pruned, TrainingError
from pipeline.fit import epoch_randomness
from pipeline.fit.checkpoint import Checkpoint, folder, pace
from pipeline.fit.checkpoint.folder import folder_of, left_behind
from pipeline.fit.checkpoint.pace import Pace
from pipeline.runtime.atomic_files import lasting_file

Trained = tuple[list[np.ndarray], list[dict[str, float]], int | None]
SHORT = ["data=diabetes", "model.units=[6]", "fit.epochs=8", "fit.learning_rate=0.01", "fit.checkpoint=true"]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Has a checkpoint written after each epoch, in a folder of the test's own."""
    monkeypatch.setattr(pace, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(pace, "MAX_SHARE", np.inf)
    monkeypatch.setattr(folder, "mlruns", lambda: tmp_path)


class Died(BaseException):
    """Stands for what ends a process: nothing catches it."""


def train(config: Config, *, dies_after: int = 0, error: BaseException | None = None) -> Trained:
    """Trains, or goes on with it, until the epoch after which it dies; one more than there are is the export."""
    dataset = data.load(config.data)
    preprocessing = dataset.fit(config.data)
    train, val = dataset.arrays(preprocessing)
    fit.seed(config.seed)
    with fit.scope(config.fit):
        network = model.build(config.model, task="regression", n_inputs=train.x.shape[1], n_outputs=1)
        trainable = fit.compile_network(
            network, config.fit, task="regression", n_rows=len(train.x), output_scale=np.ones(1)
        )

    with fit.keeping(config, dataset, trainable) as kept:

        def report(epoch: int, values: dict[str, float]) -> None:
            if kept._writing is not None:
                kept._writing.result()  # there is one for each epoch
            if epoch == dies_after:
                raise error or Died

        kept.begin("run", lambda epoch, values: None)
        history = fit.fit(trainable, train, val, config.fit, seed=config.seed, report=report, keeping=kept)
        if dies_after > config.fit.epochs:
            raise Died
    # The generators of a network that Keras trains by itself are exported as well.
    return [variable.numpy() for variable in network.variables], history.epochs, history.best_epoch


def without_seconds(epochs: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in epochs]


def assert_equal(found: Trained, expected: Trained) -> None:
    for ours, theirs in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_seconds(found[1]) == without_seconds(expected[1])
    assert found[2] == expected[2]


def dead(config: Config, *after: int) -> None:
    for number in after:
        with contextlib.suppress(Died):
            train(config, dies_after=number)


WAYS = [
    ["model.dropout=0.3", "model.batch_norm=true", "fit.execution=graph"],
    [
        "fit.schedule=reduce_on_plateau",
        "fit.plateau_patience=0",
        "fit.early_stopping.patience=6",
        "fit.learning_rate=0.1",
        "fit.epochs=60",
    ],
]
SLOW_WAYS = [
    ["model.dropout=0.3", "fit.execution=stock", "fit.optimizer=muon", "fit.schedule=cosine", "fit.ema=0.9"],
    [
        "model=tabm",
        "model.members=3",
        "model.numeric_embedding=none",
        "model.dropout=0.2",
        "fit=adamw",
        "fit.epochs=8",
        "fit.max_minutes=9",
    ],
    ["model.dropout=0.3", "model.batch_norm=true", "fit.execution=compiled", "fit.optimizer=muon"],
    ["model.dropout=0.3", "fit.execution=compiled", "fit.mixed_precision=true", "fit.optimizer=adamw", "fit.ema=0.9"],
    ["fit.early_stopping.patience=null", "fit.schedule=exponential", "fit.optimizer=rmsprop"],
    ["model=tabm", "model.members=3", "model.numeric_embedding=none", "model.member_batches=own", "fit.optimizer=muon"],
]


@pytest.mark.parametrize(
    "overrides", [*WAYS, *(pytest.param(way, marks=pytest.mark.slow) for way in SLOW_WAYS)], ids=" ".join
)
def test_training_that_died_comes_to_what_it_would_have_come_to(overrides: list[str], tmp_path: Path) -> None:
    config = load(*SHORT, *overrides)
    expected = train(config)
    dead(config, 3, 6)
    assert list(tmp_path.glob("checkpoints/*/run/*.npz"))
    assert_equal(train(config), expected)
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.parametrize("execution", ["graph", "stock"])
def test_what_is_trained_is_not_trained_again(caplog: pytest.LogCaptureFixture, execution: str) -> None:
    caplog.set_level("INFO")
    config = load(*SHORT, "model.dropout=0.3", f"fit.execution={execution}")
    expected = train(config)
    dead(config, 9)
    assert_equal(train(config, dies_after=1), expected)  # but the first epoch is missing
    assert "resuming run run after epoch 8, training has finished, the later steps follow" in caplog.text


def test_it_says_where_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    dead(load(*SHORT), 5)
    train(load(*SHORT))
    assert "resuming run run after epoch 4, of at most 8" in caplog.text


def files(config: Config) -> list[Path]:
    return sorted(folder_of(config).glob("run/*.npz"))


def test_two_are_kept_and_a_torn_one_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    config = load(*SHORT)
    expected = train(config)
    dead(config, 6)
    before, newest = files(config)
    assert [before.stem, newest.stem] == ["00000004", "00000005"]
    newest.write_bytes(newest.read_bytes()[:-1000])
    caplog.set_level("INFO")
    assert_equal(train(config), expected)
    assert f"checkpoint {newest} cannot be read" in caplog.text
    assert "resuming run run after epoch 4" in caplog.text


def test_one_byte_that_is_another_is_noticed() -> None:
    config = load(*SHORT)
    dead(config, 4)
    newest = files(config)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with pytest.raises(ValueError, match=f"checkpoint {newest} cannot be read: Bad CRC"):
        Checkpoint.read(newest)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive", b"\x80\x04K\x01."])  # the last one is a pickle
def test_a_file_that_is_not_a_checkpoint_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "1.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"checkpoint {path} cannot be read: "):
        Checkpoint.read(path)


def test_half_a_file_that_a_killed_process_has_left_is_deleted() -> None:
    config = load(*SHORT)
    dead(config, 4)
    half = files(config)[0].with_name(".unfinished-abc")
    half.touch()
    with contextlib.ExitStack() as held:
        (found,) = left_behind(folder_of(config))
        held.callback(found.close)
        assert not half.exists()


def differing(config: Config, **origins: str) -> None:
    """Has the newest checkpoint follow from something else."""
    newest = files(config)[-1]
    found = Checkpoint.read(newest)
    replace(found, origins=found.origins | origins).write(newest)


def test_what_differs_is_named_and_all_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    config = load(*SHORT)
    expected = train(config)
    dead(config, 4)
    differing(config, data="other", threads="64", code="1.0+abc")
    assert_equal(train(config), expected)
    assert "run run ended after epoch 3, but its origins have changed: data, code (1.0+abc, now " in caplog.text
    assert "threads (64, now " in caplog.text
    assert "this run starts over (fit.resume=force resumes it)" in caplog.text


def test_force_takes_it_whatever_differs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    config = load(*SHORT)
    expected = train(config)
    dead(config, 4)
    differing(config, code="1.0+abc")
    assert_equal(train(load(*SHORT, "fit.resume=force")), expected)
    assert "resuming run run after epoch 3" in caplog.text


def test_what_is_forced_and_is_of_another_network_is_reported() -> None:
    config = load(*SHORT)
    dead(config, 4)
    newest = files(config)[-1]
    found = Checkpoint.read(newest)
    replace(found, weights=found.weights[:-1]).write(newest)
    with pytest.raises(TrainingError, match=r"the checkpoint belongs to another network; start over with fit\.resume"):
        train(load(*SHORT, "fit.resume=force"))


@pytest.mark.parametrize("off", ["fit.resume=off", "sweep.resume=off"])
def test_off_begins_anew(off: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    dead(load(*SHORT), 4)
    train(load(*SHORT, off))
    assert "resuming run" not in caplog.text
    assert not files(load(*SHORT))  # what it has come to makes the other one needless


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fit.resume=auto", "the same command resumes after epoch 3"),
        ("fit.resume=off", "the same command starts over; without fit.resume=off it resumes after epoch 3"),
        ("sweep.resume=off", "the same command starts over; without sweep.resume=off it resumes after epoch 3"),
    ],
)
def test_an_interrupted_run_says_what_the_same_command_does(
    word: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with pytest.raises(KeyboardInterrupt):
        train(load(*SHORT, word), dies_after=4, error=KeyboardInterrupt())
    assert f"interrupted; {said}\n" in caplog.text


def test_another_configuration_goes_on_with_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    dead(load(*SHORT), 4)
    train(load(*SHORT, "fit.learning_rate=0.02"))
    assert "resuming run" not in caplog.text
    assert files(load(*SHORT))


def test_what_belongs_to_a_living_process_is_left_alone() -> None:
    config = load(*SHORT)
    dead(config, 4)
    (held,) = left_behind(folder_of(config))
    assert not list(left_behind(folder_of(config)))
    held.close()
    (held,) = left_behind(folder_of(config))
    held.close()


def test_a_pruned_run_leaves_nothing() -> None:
    config = load(*SHORT)
    with pytest.raises(Pruned):
        train(config, dies_after=4, error=Pruned("after epoch 4"))
    assert not files(config)


def test_a_full_disk_is_reported_once_and_training_goes_on(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Stood in for by the largest size that a file may have."""
    config = load(*SHORT)
    expected = train(config)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        found = train(config)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_equal(found, expected)
    reported = [message for message in caplog.messages if "no checkpoint can be written" in message]
    (said,) = reported
    assert said.startswith(f"no checkpoint can be written to {folder_of(config)}: File too large; the file system /")
    assert said.endswith(" MB left; training continues without checkpoints")


def test_of_no_run_is_anything_kept_where_it_is_not_wanted(tmp_path: Path) -> None:
    for wanted in ("auto", "false"):  # auto: it trains for less than a minute
        dead(load(*SHORT, f"fit.checkpoint={wanted}"), 5)
    assert not list(tmp_path.rglob("*.npz"))


def test_a_lasting_file_is_whole_or_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), lasting_file(path) as unfinished:
        unfinished.unlink()
    assert path.read_text() == "old"
    with lasting_file(path) as unfinished:
        unfinished.write_text("new")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("cost", [0.0001, 0.01, 0.5])
def test_checkpoints_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch, cost: float) -> None:
    monkeypatch.undo()
    pace_of_run = Pace(load("fit.epochs=10000").fit, 0.0, 100.0)
    now, n_written = 100.0, 0
    for epoch in range(1, 10_001):
        now += 0.1
        if pace_of_run.is_due(epoch, 0.1, now):
            now += cost
            pace_of_run.written(cost, now)
            n_written += 1
    assert n_written * cost <= 0.02 * (now - 100) + 1e-9
    assert n_written >= min(900, 0.015 * 1000 / cost)


@pytest.mark.parametrize(
    ("overrides", "n_epochs", "last", "is_due"),
    [
        (["fit.epochs=100"], 2, 1.0, True),
        (["fit.epochs=100"], 1, 1.0, False),  # it compiles
        (["fit.epochs=100"], 2, 0.1, False),
        (["fit.epochs=100", "fit.max_minutes=0.5"], 2, 1.0, False),
        (["fit.epochs=100", "fit.checkpoint=true"], 1, 0.1, True),
        (["fit.epochs=100", "fit.checkpoint=false"], 2, 1.0, False),
    ],
)
def test_auto_is_where_a_run_would_take_more_than_a_minute(
    monkeypatch: pytest.MonkeyPatch, overrides: list[str], n_epochs: int, last: float, is_due: bool
) -> None:
    monkeypatch.undo()
    assert Pace(load(*overrides).fit, 0.0, 0.0).is_due(n_epochs, last, 2.0) is is_due
    assert Pace(load(*overrides).fit, 0.0, 0.0).is_due(n_epochs, last, 0.9) is False  # a second lies between two


def test_order_and_masks_follow_from_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return epoch_randomness.order_of(seed, epoch).permutation(100).tolist()

    assert order(0, 3) == order(0, 3)
    assert len({tuple(order(seed, epoch)) for seed in range(5) for epoch in range(5)}) == 25


def test_masks_begin_where_the_epoch_does_however_many_were_drawn_before() -> None:
    layer = keras.layers.Dropout(0.5, seed=7)
    network = keras.Sequential([keras.Input((3,)), layer])
    (state,) = epoch_randomness.generators(network)
    found = []
    for n_drawn in (1, 5, 2):
        epoch_randomness.begin_epoch([state])
        found.append(state.numpy().tolist())
        for _ in range(n_drawn):
            network(np.ones((2, 3)), training=True)
    assert found == [[7, 0], [7, 2**32], [7, 2 * 2**32]]
