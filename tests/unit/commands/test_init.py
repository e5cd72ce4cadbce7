"""`init`: the file that it writes says what is in a table, and trains."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

from pipeline.config import Command, parse
from pipeline.config.json_schema import json_schema
from support.typed import Typed

ODD = 'a "b" ${c}: #, é\n'


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Houses, with an identifier, a date, gaps and a name that is none of YAML's."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 160
    frame = pd.DataFrame(
        {
            "id": np.arange(n) + 1000,
            "sold": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "district": rng.choice(["north", "south", "yes"], n),
            "area": rng.normal(100, 20, n).round(2),
            "SalePrice": rng.normal(300, 50, n).round(1),
            ODD: rng.normal(size=n).round(3),
            "comment": np.where(rng.random(n) < 0.3, "", rng.choice(["good", "bad"], n)),
        }
    )
    frame.to_csv("my.csv", index=False)
    return Path("my.csv")


def written(out: str) -> tuple[str, Command]:
    """The file's text, and what the last line's command composes from it."""
    command = shlex.split(out.splitlines()[-1])
    assert command[:4] == ["python", "-m", "pipeline", "train"]
    words = command[4:]
    folder, name = Path(words[words.index("--config-dir") + 1]), words[-1].removeprefix("experiment=")
    text = (folder / "experiment" / f"{name}.yaml").read_text(encoding="utf-8")
    values = OmegaConf.to_container(OmegaConf.create(text))
    assert list(Draft202012Validator(json_schema()).iter_errors(values)) == []
    return text, parse(words)


def test_it_says_what_was_found_and_the_last_line_trains_with_it(typed: Typed, table: Path) -> None:
    code, out, err = typed("init", "my.csv")
    assert (code, err) == (0, "")
    text, command = written(out)
    config = command.config
    assert out.splitlines()[-1] == "python -m pipeline train --config-dir my_conf experiment=my"
    assert (config.data.name, config.data.path, config.data.target) == ("table", str(table.absolute()), "SalePrice")
    assert (config.model.name, config.fit.optimizer, config.tracking.experiment) == ("tabm", "adamw", "my")
    assert "target            SalePrice (regression)\n" in out
    assert "  target: SalePrice         # regression\n" in text
    assert "  #   district" in text
    assert "  #   sold " in text
    assert "    kind: auto              # random: 112 rows train, 24 validate, 24 test\n" in text
    assert "    # kind: time  # with column: sold, if the model is to predict later rows\n" in text
    assert "# warning: 'id' is identifier-like" in text
    assert "  # drop: [id]\n" in text
    (others,) = [line for line in out.splitlines() if line.startswith("other candidates")]
    assert "area" in others
    assert "sold" not in others
    assert "id," not in others


def test_what_is_asked_for_is_found_and_written(typed: Typed, table: Path) -> None:
    words = ["data.split.kind=time", "data.split.column=sold", "data.drop=[id]", "data.impute=mean"]
    words.append("data.input_scaling.by_column.area=quantile")
    code, out, err = typed("init", "my.csv", "data.target=comment", *words, "--config-dir", "b/c d", "--name", "mine")
    assert (code, err) == (0, "")
    text, command = written(out)
    config = command.config.data
    assert (config.split.kind, config.split.column, config.drop) == ("time", "sold", ["id"])
    assert (config.impute.default, config.impute.by_column) == ("mean", {})
    assert "  input_scaling: {default: noisy_quantile, by_column: {area: quantile}}\n" in text
    assert config.input_scaling.by_column == {"area": "quantile"}
    assert "other candidates" not in out
    assert "could as well be" not in text
    gaps = pd.read_csv(table)["comment"].isna().sum()
    assert f"  missing_target: drop      # {gaps} rows without a target are left out\n" in text
    assert (config.target, config.missing_target) == ("comment", "drop")


def test_names_that_mean_something_to_yaml_and_hydra(typed: Typed, table: Path) -> None:
    pd.read_csv(table).rename(columns={"area": "yes", "district": "1e3"}).to_csv("on.csv.gz", index=False)
    typed("init", "on.csv.gz", "data.target=yes", "data.drop=['1e3']")
    config = parse(["--config-dir", "my_conf", "experiment=on"]).config
    assert (config.data.target, config.data.drop) == ("yes", ["1e3"])
    frame = pd.read_csv(table).rename(columns={"area": "a: ${b} #"})
    frame[["district", "a: ${b} #"]].to_parquet("2024.parquet")
    code, out, _ = typed("init", "2024.parquet")
    assert code == 0
    config = written(out)[1].config
    assert (config.data.target, config.tracking.experiment) == ("a: ${b} #", "table_2024")


def test_a_file_called_as_an_experiment_of_the_package_is(typed: Typed, table: Path) -> None:
    """Hydra would take the package's, which it looks at first."""
    table.rename("titanic.csv")
    code, out, _ = typed("init", "titanic.csv")
    assert code == 0
    assert out.endswith(" experiment=titanic_table\n")
    assert written(out)[1].config.data.path == str(Path("titanic.csv").absolute())
    said = "--name: titanic is an experiment of the package; choose another, as in --name titanic_table\n"
    assert typed("init", "titanic.csv", "--name", "titanic") == (2, "", said)


def test_of_columns_with_telling_names_the_last_is_taken(typed: Typed, table: Path) -> None:
    frame = pd.read_csv(table)
    frame.insert(0, "income", frame["area"] * 2)
    frame.to_csv("two.csv", index=False)
    code, out, _ = typed("init", "two.csv")
    assert code == 0
    assert "target            SalePrice (regression)\nother candidates  income, district, " in out


def test_the_target_of_a_table_that_is_read_in_blocks_is_named(typed: Typed, table: Path) -> None:
    code, out, err = typed("init", "my.csv", "data.streaming=on")
    assert (code, out) == (1, "")
    assert err == "data.target: name the column to predict, as in data.target=price; the table is read in blocks"
    code, out, err = typed("init", "my.csv", "data.streaming=on", "data.target=area")
    assert (code, err) == (0, "")
    assert written(out)[1].config.data.streaming == "on"


def test_a_file_that_is_there_stays_unless_forced(typed: Typed, table: Path) -> None:
    typed("init", "my.csv")
    file = Path("my_conf/experiment/my.yaml")
    file.write_text("mine")
    said = f"{file} already exists; add --force to replace it, or choose another --name\n"
    assert typed("init", "my.csv") == (2, "", said)
    assert file.read_text() == "mine"
    assert typed("init", "my.csv", "--force")[0] == 0
    assert file.read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.csv"], 1, "data.path: file /"),
        (
            ["my.csv", "data.target=area2"],
            1,
            "data.target: unknown column 'area2', did you mean 'area'? the columns are",
        ),
        (["my.csv", "data.tarqet=area"], 1, "data.tarqet: unknown key, did you mean 'data.target'?"),
        (["my.csv", "fit.epochs=3"], 2, "fit.epochs=3: init takes keys of data only, as in data.target=price;"),
        (["my.csv", "data.path=other.csv"], 2, "data.path=other.csv: init takes keys of data"),
        (
            ["my.csv", "--name", "a b"],
            2,
            "--name: must consist of letters, digits and _, as in --name houses, got 'a b'",
        ),
        (
            ["my.csv", "--name", "base"],
            2,
            "--name: must consist of letters, digits and _, as in --name houses, got 'base'",
        ),
        (["my.csv", "--config-dir", "my.csv"], 2, "--config-dir: my.csv/experiment cannot be created: "),
        (["same.csv"], 1, "data.target: no column has values that can be predicted; name one, as in"),
        (["empty.csv"], 1, "data.path: "),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_mistakes_are_a_message(typed: Typed, table: Path, words: list[str], code: int, message: str) -> None:
    Path("same.csv").write_text("a,b\n" + "1,2\n" * 30)
    Path("empty.csv").write_text("")
    found, out, err = typed("init", *words)
    assert (found, out) == (code, "")
    assert err.startswith(message)
    assert "Traceback" not in err
    assert not Path("my_conf").exists()
