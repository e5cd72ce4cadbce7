"""The configuration: every file of conf/ passes, and no mistake does."""

from pathlib import Path

import pytest

from pipeline import ConfigError, load, model
from pipeline.config import CONF, from_yaml, parse, to_yaml
from pipeline.config.problems import keys
from pipeline.config.ranges import values_of
from pipeline.config.rules import schema

OPTIONS = sorted(
    f"{path.parent.relative_to(CONF).as_posix()}={path.stem}"
    for path in CONF.rglob("*.yaml")
    if path.parent != CONF and path.stem != "base"
)

# Names that users' scripts rely on.
PROMISED = """
seed objective data.name data.path data.target data.drop data.task data.sample_weight data.input_scaling
data.output_scaling data.split.kind data.split.path data.split.val_fraction data.split.test_fraction model.name
model.units model.activation model.output_activation model.initializer model.dropout model.batch_norm model.l1 model.l2
fit.loss fit.epochs fit.batch_size fit.optimizer fit.learning_rate fit.momentum fit.schedule fit.clip_norm
fit.class_weight fit.early_stopping.patience fit.early_stopping.monitor fit.strategy fit.devices tracking.uri
tracking.experiment tracking.run_name tracking.tags
""".split()  # noqa: SIM905

MISTAKES = [
    ("fit.pateince=3", "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?"),
    ("+fit.pateince=3", "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?"),
    ("model.learning_rate=1", "model.learning_rate: unknown key, did you mean 'fit.learning_rate'?"),
    ("data.val_fraction=0.1", "data.val_fraction: unknown key, did you mean 'data.split.val_fraction'?"),
    ("~fit.epochs", "fit.epochs: missing; the files in conf/ set every key, so one of your files or overrides removes it"),
    ("~fit.epoch", "~fit.epoch: the key to delete does not exist"),
    ("fit.optimizer=adm", "fit.optimizer: should be 'sgd', 'adam', 'adamw', 'rmsprop' or 'muon', got 'adm', did you mean 'adam'?"),
    ("fit.batch_size=ful", "fit.batch_size: should be a valid integer or 'auto' or 'full', got 'ful', did you mean 'full'?"),
    ("fit.batch_size=0", "fit.batch_size: should be greater than 0 or 'auto' or 'full', got 0"),
    ("fit.epochs=ten", "fit.epochs: should be a valid integer, got 'ten'"),
    ("fit.epochs=1.5", "fit.epochs: should be a valid integer, got 1.5"),
    ("fit.learning_rate=-1", "fit.learning_rate: should be greater than 0, got -1"),
    ("fit.learning_rate=nan", "fit.learning_rate: should be a finite number, got nan"),
    ("model.units=[3,-1]", "model.units[1]: should be greater than 0, got -1"),
    ("model.units=64", "model.units: should be a valid list, got 64"),
    ("model.dropout=1", "model.dropout: should be less than 1 or a valid list, got 1"),
    ("model.activation=[relu]", "model.activation: 1 values for the 2 layers of model.units"),
    ("model.l2=[1,2,3,4]", "model.l2: 4 values for the 2 layers of model.units (or 3 with the output)"),
    ("model.name=dens", "model.name: should be dense, residual or tabm, got 'dens', did you mean 'dense'?"),
    ("data=digts", "data=digts: no such file, did you mean 'digits'?"),
    ("data=base", "data=base: is included by the others and cannot be selected; choose from breast_cancer, california_housing, diabetes, digits, "),
    ("fit=base", "fit=base: is included by the others and cannot be selected; choose from adam, adamw, gradient_descent, sgd, sgd_without_momentum"),
    ("modl=dense", "modl: unknown key, did you mean 'model'?"),
    ("data.input_scaling=standrd", "data.input_scaling: should be 'none', 'standard', 'minmax', 'robust', 'log1p', 'yeo_johnson', 'quantile', 'noisy_quantile' or 'smooth_clip' or a section of keys, got 'standrd', did you mean 'standard'?"),
    ("data.input_scaling={shift:1,scale:0}", "data.input_scaling.scale: should be greater than 0 or a valid list, got 0"),
    ("data.split.kind=indices", "data.split.kind: indices needs path, an .npz with the arrays train, val and test"),
    ("data.split.val_fraction=0.9", "data.split.val_fraction: 0.9 and test_fraction 0.15 leave no rows to train on"),
    ("data=plain_table", "data.path: missing; give the CSV or Parquet file to read, as in data.path=my.csv"),
    ("data.path=my.csv", "data.path: digits is bundled and does not read a file; use data=table for your own file"),
    ("model.members=8", "model.members: needs model=tabm; add that to use it"),
    ("fit.momentum=0.9", "fit.momentum: adam has no momentum; use sgd, rmsprop or muon"),
    ("fit.loss=mse", "fit.loss: mse does not suit a multiclass task; use auto or categorical_crossentropy"),
    ("objective=test_rmse", "objective: test_rmse would select by the test rows; name a val_* score"),
    ("experiment=null", "experiment=None: no such file; choose from adult, ames_housing, auto_mpg, bike_sharing_hour, breast_cancer"),
    ("model.units.a=5", "model.units.a: cannot be set"),
    ("fit.epochs=glob(*)", "fit.epochs=glob(*): this sweep needs a list of values, as in fit.epochs=1,2"),
    ("fit=null", "fit=None: no such file; choose from adam, adamw, gradient_descent, sgd, sgd_without_momentum"),
    ("fit.early_stopping=3", "fit.early_stopping: should be a section of keys, got 3"),
    ("objective=rmse", "objective: should be auto or one of val_rmse, val_mae"),
    ("fit.epochs=1,2", "fit.epochs=1,2: several values make a sweep; add -m (command sweep)"),
    ("hydra.run.dri=/tmp/x", "hydra.run.dri: unknown key, did you mean 'hydra.run.dir'?"),
    ("+hydra.sweeper.parms={}", "hydra.sweeper.parms: unknown key, did you mean 'hydra.sweeper.params'?"),
    ("data.split.fold=1", "data.split.fold: is used only with kind=kfold and group_kfold, but kind is auto"),
    ("tracking.tags={sweep: lr}", "tracking.tags: sweep is set by the pipeline itself; choose another name"),
    *((f"+tracking.tags.{tag}=3", f"tracking.tags: {tag} is set by the pipeline itself; choose another name")
      for tag in ("fold", "origins", "new_data", "new_n_rows", "rerun_of", "study")),
    ("fit.epochs=[1", "fit.epochs=[1: not an override such as key=value"),
]  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_every_file_of_conf_is_a_valid_experiment(option: str) -> None:
    group, _, name = option.partition("=")
    text = (CONF / group / f"{name}.yaml").read_text(encoding="utf-8")
    is_table = option in ("data=table", "data=plain_table") or "override /data: plain_table" in text
    own = ["data.path=my.csv"] if is_table else []
    load(option, *own, *(["data.target=y"] if own and "target:" not in text else []))


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("data=table", ("tabm", "adamw", "noisy_quantile")),
        ("data=table model=dense", ("dense", "adam", "noisy_quantile")),
        ("data=table fit=sgd", ("tabm", "sgd", "noisy_quantile")),
        ("data=table model=linear fit=adamw", ("dense", "adamw", "noisy_quantile")),
        ("data=plain_table", ("dense", "adam", "standard")),
        ("data=plain_table model=tabm", ("tabm", "adamw", "standard")),
        ("data=table data.input_scaling=minmax", ("tabm", "adamw", "minmax")),
        ("experiment=titanic", ("dense", "adam", "standard")),
    ],
)
def test_a_table_chooses_the_model_and_that_its_training_unless_they_are_named(
    words: str, chosen: tuple[str, str, str]
) -> None:
    config = load("data.path=my.csv", "data.target=y", *words.split())
    assert (config.model.name, config.fit.optimizer, config.data.input_scaling.default) == chosen


@pytest.mark.parametrize("base", ["base", "table"])
def test_a_users_own_data_file_builds_on_the_base_or_as_before_on_a_table(base: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text(f"defaults: [{base}]\nname: table\npath: my.csv\ntarget: price\n")
    assert parse(["--config-dir", str(tmp_path), "data=mine"]).config.data.target == "price"


def test_table_is_valid_with_a_file_and_a_target() -> None:
    assert load("data=plain_table", "data.path=my.csv", "data.target=price").data.target == "price"


def test_promised_names_exist() -> None:
    known = set(keys(schema(model.spec("dense"))))
    assert [name for name in PROMISED if name not in known] == []


@pytest.mark.parametrize(("override", "message"), MISTAKES, ids=[override for override, _ in MISTAKES])
def test_mistake_is_named_with_its_key_and_remedy(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(override)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        ("train", "-m search.n_trials=30 seed=0,1", "search.n_trials: applies to searches; add hydra/sweeper=search"),
        ("train", "-m search.timeout=60 seed=0,1", "search.timeout: applies to searches; add hydra/sweeper=search"),
        ("train", "-m search={pruner:median} seed=0,1", "search: applies to searches; add hydra/sweeper=search"),
        (
            "train",
            "search.n_trials=30",
            "search.n_trials: applies to searches; omit it, or use the command sweep with hydra/sweeper=search",
        ),
        (
            "train",
            "hydra/sweeper=search search.depth=2",
            "search.depth: applies to searches; omit it, or use the command sweep with hydra/sweeper=search",
        ),
        ("train", "tune.minutes=5", "tune.minutes: applies to the command tune; omit it, or use tune instead of train"),
        (
            "study",
            "-m tune.minutes=5",
            "tune.minutes: applies to the command tune; omit it, or use tune instead of study",
        ),
        ("tune", "search.n_trials=30", "search.n_trials: applies to searches, which tune is not; omit it"),
        (
            "tune",
            "seed=0,1",
            "seed=0,1: several values make a sweep, which tune does not run; give one value, or quote a value with a comma: "
            "\"seed='0,1'\"",
        ),
        (
            "init",
            "data.target=a,b",
            "data.target=a,b: several values make a sweep, which init does not run; give one value, for a list write "
            '"data.target=[a,b]", or quote a value with a comma: "data.target=\'a,b\'"',
        ),
        (
            "train",
            "data.drop=a,b",
            'data.drop=a,b: several values make a sweep; add -m (command sweep), or for a list write "data.drop=[a,b]"',
        ),
    ],
)
def test_what_a_command_does_not_use_is_reported(command: str, words: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(words.split(), command)
    assert message in str(raised.value).splitlines()


def test_a_command_takes_what_it_uses_and_a_file_may_set_more(tmp_path: Path) -> None:
    parse(["-m", "hydra/sweeper=search", "search.n_trials=30", "seed=0,1"], "train")
    parse(["tune.minutes=5"], "tune")
    parse(["-m", "search.storage=sqlite:///a.db", "seed=0,1"], "train")
    parse(["sweep.keep=all", "sweep.resume=off"], "train")
    (tmp_path / "experiment").mkdir()
    text = "# @package _global_\ntune: {minutes: 5}\nsearch: {n_trials: 30}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    parse(["--config-dir", str(tmp_path), "experiment=mine"], "train")


def test_what_a_table_does_not_take_without_another_model_or_fit() -> None:
    with pytest.raises(ConfigError) as raised:
        load("data=table", "data.path=my.csv", "data.target=y", "model.batch_norm=true", "fit.optimizer=sgd")
    assert str(raised.value).splitlines() == [
        "model.batch_norm: needs model=dense; add that to use it",
        "fit.weight_decay: sgd does not support it; use adamw or muon, model.l2, or fit.weight_decay=null",
    ]


def test_all_mistakes_at_once_where_hydra_would_stop_at_the_first() -> None:
    with pytest.raises(ConfigError) as raised:
        load("fit.pateince=3", "model.unit=[1]", "fit.optimizer=adm", "data=digts", "+sede=1", "objective=test_mae")
    assert len(str(raised.value).splitlines()) == 6


@pytest.mark.parametrize(
    ("values", "others"),
    [("0.1,-1", ["seed=0,1", "model=dense,linear"]), (",".join(["0.1"] * 20 + ["-1"]), [])],
    ids=["combined", "many"],
)
def test_every_value_of_a_sweep_is_checked(values: str, others: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"fit.learning_rate: should be greater than 0, got -1"):
        parse(["-m", f"fit.learning_rate={values}", *others])


def test_options_of_a_swept_group_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"model=liner: no such file, did you mean 'linear'\?"):
        parse(["-m", "model=dense,liner"])


def test_users_own_files_are_found_and_their_mistakes_too(tmp_path: Path) -> None:
    texts = {
        "typo": "fit:\n  epoch: 3",
        "flow": "fit: {epochs: 3",
        "tab": "fit:\n\tepochs: 3",
        "twice": "seed: 1\nseed: 2",
    }
    for group in ("experiment", "model"):
        (tmp_path / group).mkdir()
    (tmp_path / "model" / "tiny.yaml").write_text("defaults: [dense]\nunits: [2]\n")
    for name, text in (texts | {"latin": "seed: caf\xe9"}).items():
        (tmp_path / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n{text}\n", encoding="latin-1")
    assert load("model=tiny", config_dir=tmp_path).model.units == [2]
    with pytest.raises(ConfigError, match=r"fit.epoch: unknown key, did you mean 'fit.epochs'\?"):
        load("experiment=typo", config_dir=tmp_path)
    for name in ("flow", "tab", "twice", "latin"):
        with pytest.raises(ConfigError, match="a config file is not YAML"):
            load(f"experiment={name}", config_dir=tmp_path)


def test_a_sweep_has_one_store() -> None:
    with pytest.raises(ConfigError, match=r"tracking.uri: all runs of a sweep are logged to one store"):
        parse(["-m", "tracking.uri='sqlite:///a.db','sqlite:///b.db'"])


def test_config_survives_the_yaml_that_a_run_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = load("experiment=breast_cancer", "tracking.tags={team: blue}", "data.input_scaling={shift:[1,2],scale:3}")
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(config))
    assert from_yaml(path) == config
    assert from_yaml(path, ["fit.epochs=7"]).fit.epochs == 7
    for override, message in (
        ("nonsense", "not an override"),
        ("seed=1,2", "one value only"),
        ("~seed", "seed: missing"),
        *(
            (word, f"^{word}: a rerun takes single keys, as in fit.epochs=100; use train to choose files$")
            for word in ("model=tabm", "fit=sgd", "data=iris", "experiment=titanic", "hydra/launcher=local")
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            from_yaml(path, [override])
    assert from_yaml(path, ["tune.minutes=5", "search.n_trials=5"]).tune.minutes == 5
    assert caplog.messages == [
        "tune.minutes: applies to the command tune; omit it, or use tune instead of rerun",
        "search.n_trials: applies to searches, which rerun is not; omit it",
    ]


def test_a_glob_stands_for_all_that_can_be_chosen() -> None:
    for more in ([], ["hydra/sweeper=search"]):
        command = parse(["-m", "fit=glob(*)", *more])
        assert values_of(command.space["fit"]) == ("adam", "adamw", "gradient_descent", "sgd", "sgd_without_momentum")
        assert command.for_hydra == {"fit=glob(*)": ("fit=adam,adamw,gradient_descent,sgd,sgd_without_momentum",)}


def test_keys_of_the_users_own_are_spelled_as_hydra_takes_them() -> None:
    """It says of them that they are not in the config, which is right of all others."""
    own = ["data.column_kinds={sex: category}", "data.column_formats.bmi='1.5'", "tracking.tags={team: blue}"]
    plain = [
        "data=diabetes",
        "model.units=[4]",
        "data.input_scaling={shift: 0, scale: 2}",
        "+data.column_kinds.age=numeric",
    ]
    assert parse([*own, *plain]).for_hydra == {word: (f"++{word}",) for word in own}
    swept = "data.column_kinds={bmi: numeric},{bmi: category}"
    assert parse(["-m", "data=diabetes", swept]).for_hydra == {swept: (f"++{swept}",)}


def test_a_long_range_is_checked_by_its_ends_and_many_jobs_are_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"^sweep.max_trials: the sweep has 2,000,000 jobs, over 10,000; add "):
        parse(["-m", "seed=range(0,1000000)", "model.dropout=0,0.1"])
    found = parse(["-m", "seed=range(0,1000000)", "model.dropout=0,0.1", "sweep.max_trials=2000000"])
    assert (found.config.seed, found.is_sweep) == (0, True)
    with pytest.raises(ConfigError, match=r"^seed: .*-1"):
        parse(["-m", "seed=range(-1,1000)"])
    assert parse(["-m", "fit.epochs=range(1,12001)", "hydra/sweeper=search"]).is_search
