"""What the version before left behind: `kept.tar.xz`, made by `make.py` with a checkout of that version.

In it, below one folder: a store as an SQL dump with its artifacts, a study's journal, a table, and what that version
predicted for it. No machine's or user's name and no path is in it; `unpack` puts the folder's own in their place.
"""

from __future__ import annotations

import shlex
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

KEPT = Path(__file__).with_name("kept.tar.xz")
PLACE = "/former-version"  # stands for the folder in every text
MACHINE, USER = "former-machine", "former-user"

TABLE = "data=table data.path=houses.csv data.target=price data.missing_values=[-999]"
NETWORK = "model.units=[8] fit.epochs=5 fit.learning_rate=0.03"
# What was typed, by the name of the MLflow experiment that it went to.
TYPED = {
    "houses": f"{TABLE} {NETWORK}",
    "flowers": f"data=iris {NETWORK}",
    "grid": f"{TABLE} {NETWORK} model.units=[4],[8] seed=0,1",
    "killed": f"{TABLE} {NETWORK} model.l2=0,0.01,0.1",
    "searched": f"{TABLE} {NETWORK} hydra/sweeper=search sweep.n_trials=3 sweep.sampler=random "
    "sweep.storage=search.journal model.dropout=interval(0,0.5)",
    "named": f"{TABLE} {NETWORK} hydra/sweeper=search sweep.n_trials=3 sweep.sampler=random sweep.study=by_name "
    "sweep.storage=named.journal model.dropout=interval(0,0.5)",
}
STUDY = "model.units=[2],[4] seed=0,1 fit.epochs=2"  # of the study `width`, in the experiment `study_width`
MODEL = "houses"  # under which the run of that experiment is registered, with the alias champion


def words(experiment: str) -> list[str]:
    """What was typed for an experiment, as a command line takes it in the unpacked folder."""
    return [*shlex.split(TYPED[experiment]), f"tracking.experiment={experiment}", "tracking.uri=sqlite:///mlflow.db"]


def unpack(folder: Path) -> str:
    """Lays everything into an empty folder; gives the address of the store there."""
    with tarfile.open(KEPT) as kept:
        kept.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # from 3.11.4 on
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".sql", ".yaml", "") and PLACE.encode() in (content := path.read_bytes()):
            path.write_bytes(content.replace(PLACE.encode(), str(folder).encode()))
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.executescript((folder / "store.sql").read_text(encoding="utf-8"))
    return f"sqlite:///{folder / 'mlflow.db'}"
