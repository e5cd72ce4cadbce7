"""Does the search find as much as random trials in half of their epochs? `python -m benchmarks.search --help`.

Random search gets so many trials, none of them pruned; TPE with pruning gets as many, and is asked after how many of
its epochs it was as good as the best of the random ones. Both search the same space on the same rows, once per seed.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from benchmarks.works import DATA

SPACE = [
    "fit.learning_rate=tag(log,interval(1e-4,3e-2))",
    "fit.batch_size=64,128,256,512",
    "search.depth=range(1,5)",
    "search.width=tag(log,int(interval(16,256)))",
    "model.dropout=interval(0,0.4)",
    "model.l2=tag(log,interval(1e-7,1e-2))",
    "model.activation=relu,tanh,gelu",
]
KINDS = {
    "random": ["search.sampler=random"],
    "tpe": ["search.sampler=tpe", "search.pruner=hyperband", "search.prune_from=3"],
}


def main() -> None:
    """Runs both searches for each seed and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--trials", type=int, default=60, help="of each search (default: 60)")
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--first", type=int, default=0, help="seed to begin with (default: 0)")
    parser.add_argument("--epochs", type=int, default=27, help="of a trial at most (default: 27)")
    parser.add_argument("--pruner", default="hyperband", help="of TPE (default: hyperband)")
    parser.add_argument("--data", type=Path, default=DATA / "california_housing" / "california_sklearn.csv")
    args = parser.parse_args()
    KINDS["tpe"][1] = f"search.pruner={args.pruner}"
    print("| seed | random: best | its epochs | TPE: best | its epochs | as good after | share |")
    print("|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    shares = []
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            random, tpe = (searched(kind, seed, args, Path(folder)) for kind in KINDS)
        target, n_random = min(value for _, value in random), sum(epochs for epochs, _ in random)
        best, n_tpe = min(value for _, value in tpe), sum(epochs for epochs, _ in tpe)
        after = reached(tpe, target)
        shares.append(float("inf") if after is None else after / n_random)
        reported = "never" if after is None else f"{after} epochs"
        print(
            f"| {seed} | {target:.4f} | {n_random} | {best:.4f} | {n_tpe} | {reported} | {shares[-1]:.2f} |", flush=True
        )
    print(f"\nMedian share of the random search's epochs: {statistics.median(shares):.2f}")


def searched(kind: str, seed: int, args: argparse.Namespace, folder: Path) -> list[tuple[int, float]]:
    """Epochs and objective of each trial, in their order; of a pruned one the objective is infinite."""
    uri = f"sqlite:///{folder}/{kind}.db"
    command = [
        sys.executable, "-m", "pipeline", "train", "-m", "hydra/sweeper=search", "data=california_housing",
        f"data.path={args.data}", f"fit.epochs={args.epochs}", "fit.early_stopping.patience=null",
        *KINDS[kind], f"search.seed={seed}", f"search.n_trials={args.trials}", *SPACE,
        f"tracking.uri={uri}", f"hydra.sweep.dir={folder}/hydra", f"search.storage={folder}/{kind}.journal",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(ended.stdout[-3000:] + ended.stderr[-3000:])
    client = MlflowClient(uri)
    runs = [run for run in client.search_runs(["1"], max_results=5000) if "mlflow.parentRunId" in run.data.tags]
    runs.sort(key=lambda run: run.info.start_time)
    return [(epochs_of(client, run), run.data.metrics.get("objective", float("inf"))) for run in runs]


def epochs_of(client: MlflowClient, run: Run) -> int:
    """How many a run had, also one that was pruned."""
    return len(client.get_metric_history(run.info.run_id, "val_loss"))


def reached(trials: list[tuple[int, float]], target: float) -> int | None:
    """After how many epochs a search was as good as the target."""
    so_far = itertools.accumulate(epochs for epochs, _ in trials)
    return next((n for n, (_, value) in zip(so_far, trials, strict=True) if value <= target), None)


if __name__ == "__main__":
    main()
