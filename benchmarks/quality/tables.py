"""The tables, and the rows of each that train, validate and test: the same for every peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.works import DATA
from pipeline import config as configuration
from pipeline import data
from pipeline.config import Config, load, mlruns
from pipeline.data import InMemory, Splits
from pipeline.runtime.atomic_files import whole_file

ADULT_COLUMNS = (
    "[age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income]"
)


@dataclass(frozen=True)
class Table:
    """A table as a user gives it: a file, a target, and what only a user can know of it."""

    name: str
    path: str  # below DATA, as all files
    target: str
    more: tuple[str, ...] = ()  # how the file is read, and columns that must be left out
    split: tuple[str, ...] = ()  # keys that draw the split; none: 70, 15 and 15 % at random, or by class
    published: str | None = None  # a split that others have used; then all seeds have this one
    test_path: str | None = None

    def missing(self) -> list[str]:
        """Files that are not there."""
        needed = [self.path, *(name for name in (self.published, self.test_path) if name)]
        return [name for name in needed if not (DATA / name).exists()]

    @cached_property
    def words(self) -> list[str]:
        """Where the rows come from and what is predicted, for any peer."""
        test = [f"data.split.test_path={DATA / self.test_path}"] if self.test_path else []
        return [f"data.path={DATA / self.path}", f"data.target={self.target}", *self.more, *test]

    def split_words(self, seed: int) -> list[str]:
        """The split of a seed, from a file of row numbers that every peer reads."""
        path = DATA / self.published if self.published else self._drawn(seed)
        return ["data.split.kind=indices", f"data.split.path={path}"]

    def drawing_words(self, seed: int) -> list[str]:
        """The same split, drawn by the pipeline itself where it was drawn: it can draw folds then."""
        return self.split_words(seed) if self.published else [*self.split, f"data.split.seed={seed}"]

    def dataset(self, seed: int) -> tuple[Config, InMemory]:
        """The rows, divided, for peers that are not the pipeline."""
        config = load("data=plain_table", *self.words, *self.split_words(seed))
        dataset = data.load(config.data)
        assert isinstance(dataset, InMemory), "the tables of the benchmark fit in memory"
        return config, dataset

    def _drawn(self, seed: int) -> Path:
        """A file under mlruns, drawn by the pipeline as for a user."""
        folder = mlruns() / "quality"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{seed}.npz"
        config = configuration.load("data=plain_table", *self.words, *self.split, f"seed={seed}")
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, **_numbers(data.split(data.read_rows(config.data), config.data.split)))
        return path


def _numbers(splits: Splits) -> Mapping[str, np.ndarray]:
    return splits.parts()


TABLES = {
    table.name: table
    for table in (
        Table(
            "adult", "adult/adult.data", "income", published="splits/adult.npz", test_path="adult/adult.test",
            more=("data.header=false", "data.comment='|'", f"data.columns={ADULT_COLUMNS}"),
        ),
        Table("ames_housing", "ames_housing/AmesHousing.csv", "SalePrice"),
        Table("auto_mpg", "auto_mpg/auto-mpg.data", "mpg"),
        Table(
            "bike_sharing_hour", "bike_sharing_hour/hour.csv", "cnt", more=("data.drop=[casual,registered,instant]",),
            split=("data.split.kind=time", "data.split.column=instant", "data.drop=[casual,registered]"),
        ),
        Table(
            "california_housing", "california_housing/california_sklearn.csv", "MedHouseVal",
            published="splits/california.npz",
        ),
        Table("california_housing_text", "california_housing_text/housing.csv", "median_house_value"),
        Table("energy_efficiency", "energy_efficiency/energy.csv", "[Heating Load,Cooling Load]"),
        Table(
            "parkinsons_telemonitoring", "parkinsons_telemonitoring/parkinsons_updrs.tsv", "[motor_UPDRS,total_UPDRS]",
            more=("data.drop=['subject#']",),
            split=("data.split.kind=group", "data.split.column='subject#'", "data.drop=[]"),
        ),
        Table("penguins", "penguins/penguins.csv", "species"),
        Table("titanic", "titanic/train.csv", "Survived"),
    )
}  # fmt: skip
