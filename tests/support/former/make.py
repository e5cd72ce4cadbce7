"""Makes `kept.tar.xz` anew, by the code of another version: `python tests/support/former/make.py CHECKOUT`.

CHECKOUT is one of the version before, with its environment in `.venv`: it runs the commands that the package's
`__init__.py` lists. Two sweeps of it are killed half-way. Takes some minutes.
"""

from __future__ import annotations

import csv
import os
import platform
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.former import KEPT, MACHINE, MODEL, PLACE, STUDY, USER, words

STORE = "sqlite:///mlflow.db"
TOWNS = ["Bern", "Chur", "Thun", "Basel"]
LEFT_OUT = (".png", ".html", ".lock")  # pages and pictures, which nothing reads again


class Former:
    """The version before, with its commands run in a folder."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self._python = checkout / ".venv" / "bin" / "python"
        self._environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
        self.folder = folder

    def run(self, command: str, *given: str) -> str:
        """Runs one to its end; gives what it printed."""
        words = self._words(command, *given)
        return subprocess.run(
            words, cwd=self.folder, env=self._environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def kill(self, n_finished: int, command: str, *given: str) -> None:
        """Runs a sweep until so many of its runs are finished and the next is under way, and kills it."""
        name = next(word for word in given if word.startswith("tracking.experiment=")).partition("=")[2]
        process = subprocess.Popen(
            self._words(command, *given), cwd=self.folder, env=self._environment, start_new_session=True
        )
        while self._counts(name) != (n_finished, 2):  # RUNNING are the sweep's own run and one of its children
            if process.poll() is not None:
                sys.exit(f"{name} ended before it was killed")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _words(self, command: str, *given: str) -> list[str]:
        return [str(self._python), "-m", f"pipeline.{command}", *given]

    def _counts(self, experiment: str) -> tuple[int, int]:
        with closing(sqlite3.connect(f"file:{self.folder / 'mlflow.db'}?mode=ro", uri=True)) as database:
            statuses = database.execute(
                "select status from runs join experiments using (experiment_id) where experiments.name = ?",
                [experiment],
            ).fetchall()
        return statuses.count(("FINISHED",)), statuses.count(("RUNNING",))


def write_table(path: Path) -> None:
    """120 houses: text with gaps, dates, and numbers whose gaps are written as -999 or ?."""
    chance = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["town", "area", "rooms", "built", "garden", "price"])
        for n in range(120):
            town, garden = chance.choice(TOWNS), chance.choice(["yes", "no"])
            area = round(chance.uniform(40, 220), 1)
            built = f"{chance.randint(1950, 2020)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            price = 3000 * area + 20000 * TOWNS.index(town) + 15000 * (garden == "yes") + chance.gauss(0, 9000)
            table.writerow([
                "" if n % 17 == 3 else town, -999 if n % 13 == 5 else area, "?" if n % 19 == 7 else int(area // 30),
                "" if n % 23 == 11 else built, garden, round(price),
            ])  # fmt: skip


def make(former: Former) -> None:
    """Runs everything."""
    write_table(former.folder / "houses.csv")
    for experiment in ("houses", "flowers"):
        former.run("train", *words(experiment))
    former.run("train", "-m", *words("grid"))
    former.kill(1, "train", "-m", *words("killed"))
    former.kill(1, "train", "-m", *words("searched"))
    former.run("train", "-m", *words("named"))
    former.run("study", "width", *STUDY.split(), f"tracking.uri={STORE}")
    with closing(sqlite3.connect(former.folder / "mlflow.db")) as database:
        query = "select run_uuid from runs join experiments using (experiment_id) where experiments.name = 'houses'"
        (run,) = database.execute(query).fetchone()
    former.run("register", run, MODEL, "--alias", "champion", "--uri", STORE)
    former.run("predict", run, "houses.csv", "predicted.csv", "--uri", STORE)
    compared = former.run("compare", "--experiment", "grid", "--format", "json", "--uri", STORE)
    (former.folder / "compared.json").write_text(compared, encoding="utf-8")


def without_names(text: str, folder: Path) -> str:
    """The same without the names of this machine and of its folders."""
    text = text.replace(str(folder), PLACE)
    text = re.sub(rf"{re.escape(tempfile.gettempdir())}/[^\s'\"]*/", f"{PLACE}/gone/", text)
    return re.sub(rf"\b{re.escape(platform.node())}/(\d+/\d+\.\d+)", rf"{MACHINE}/\1", text)


def dump(folder: Path) -> None:
    """Writes the store as text, and removes its file."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute("update runs set user_id = ?, source_name = ''", [USER])
        database.execute("update tags set value = ? where key = 'mlflow.user'", [USER])
        database.execute("delete from tags where key like 'mlflow.source.%'")
        text = "\n".join(database.iterdump()) + "\n"
    (folder / "store.sql").write_text(without_names(text, folder), encoding="utf-8")
    for path in folder.glob("mlflow.*"):
        path.unlink()


def pack(folder: Path) -> None:
    """Puts everything that is text, and the models, into one file."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".journal", ".yaml", ".json", ".csv") or path.name == "MLmodel":
            path.write_text(without_names(path.read_text(encoding="utf-8"), folder), encoding="utf-8")
    with tarfile.open(KEPT, "w:xz") as kept:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in LEFT_OUT:
                entry = kept.gettarinfo(path, str(path.relative_to(folder)))
                entry.uid = entry.gid = entry.mtime = 0
                entry.uname = entry.gname = ""
                with path.open("rb") as file:
                    kept.addfile(entry, file)


def main() -> None:
    """The command line."""
    with tempfile.TemporaryDirectory() as folder:
        former = Former(Path(sys.argv[1]).absolute(), Path(folder).resolve())
        make(former)
        dump(former.folder)
        pack(former.folder)
    print(f"{KEPT}: {KEPT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
