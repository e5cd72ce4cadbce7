"""How well a single column predicts a target: one that does so almost perfectly is often the target in disguise."""

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.rows import Rows
from pipeline.data.target import Target

# Chosen on fifteen public tables and several splits of each. Columns that repeat the target, exactly or nearly, score
# 1.00 (`alive` of the Titanic's passengers) and 0.977 (`registered` of bicycle rentals). The best honest columns
# score 0.96 with classes (petal width of iris) and 0.93 with numbers (which patient, of Parkinson's telemonitoring).
SUSPICIOUS_CLASSES, SUSPICIOUS_NUMBERS = 0.98, 0.955
MAX_ROWS = 10_000
MAX_CELLS = 1_000_000  # rows times columns: wide tables are judged by fewer rows, ...
MIN_SAMPLED = 1_000  # ... but not by fewer than these
MIN_ROWS = 30  # fewer training rows are not judged
N_FOLDS, ROWS_PER_LEAF, N_LEAVES = 3, 5, 32
CHANCE = np.random.RandomState(0)  # scikit-learn draws the order of columns, but there is only one


def scores_alone(rows: Rows) -> dict[str, float]:
    """Scores every column by itself; with several targets, by the one that it predicts best.

    A small decision tree (Breiman et al., 1984) is cross-validated on training rows. For a regression it predicts the
    target's rank, and the score is R²: ranks make skewed targets comparable, and a tree finds the ranks of any
    monotone function of the target. For classes the score is the mean recall over the classes, scaled so that 0 is
    chance and 1 is perfect. A category is represented by the rank of its text, a gap by a value of its own.

    Args:
        rows: Raw training rows.

    Returns:
        Score by column, at most 1; empty for an array without column names or fewer than MIN_ROWS rows.
    """
    names = [name for name, column in rows.inputs.items() if column.ndim == 1]
    if not names or len(rows) < MIN_ROWS:
        return {}
    rng = np.random.default_rng(0)
    n_rows = min(len(rows), MAX_ROWS, max(MIN_SAMPLED, MAX_CELLS // len(names)))
    sample = rng.permutation(len(rows))[:n_rows]
    judges = _judges(rows.target.take(sample))
    with config_context(skip_parameter_validation=True):  # validation takes longer than such a tree
        return {
            name: max(judge.score(_ranks(rows.inputs[name][sample])) for judge in judges) for name in names if judges
        }


def _ranks(column: RawColumn) -> np.ndarray:
    """The rank of each row's value among the distinct values; text is sorted by its letters."""
    if not isinstance(column, TextArray):
        return pd.factorize(column, sort=True)[0]
    used = column.used()
    return np.argsort(np.argsort(used.levels))[used.codes]


def is_suspicious(task: str, score: float) -> bool:
    """Whether a score is too good to be true for a column by itself; the limit depends on the task.

    Args:
        task: `regression`, `binary` or `multiclass`.
        score: Of a column alone, from 0 to 1.
    """
    return score >= (SUSPICIOUS_NUMBERS if task == "regression" else SUSPICIOUS_CLASSES)


class _Ranks:
    """Scores by how well the ranks of a regression's target are predicted."""

    def __init__(self, target: np.ndarray) -> None:
        self._ranks = pd.Series(target).rank().to_numpy()

    def score(self, codes: np.ndarray) -> float:
        tree = DecisionTreeRegressor(min_samples_leaf=ROWS_PER_LEAF, max_leaf_nodes=N_LEAVES, random_state=CHANCE)
        errors = self._ranks - _predicted(tree, codes, self._ranks)
        return float(1 - np.square(errors).sum() / np.square(self._ranks - self._ranks.mean()).sum())


class _Classes:
    """Scores by how well classes are distinguished; classes with too few rows for every fold are left out."""

    def __init__(self, numbers: np.ndarray) -> None:
        counts = np.bincount(numbers)
        self._kept = counts[numbers] >= N_FOLDS * ROWS_PER_LEAF
        _, self._numbers = np.unique(numbers[self._kept], return_inverse=True)
        self.n_classes = int(self._numbers.max(initial=-1)) + 1

    def score(self, codes: np.ndarray) -> float:
        n_leaves = max(N_LEAVES, 2 * self.n_classes)
        tree = DecisionTreeClassifier(min_samples_leaf=ROWS_PER_LEAF, max_leaf_nodes=n_leaves, random_state=CHANCE)
        right = _predicted(tree, codes[self._kept], self._numbers) == self._numbers
        recall = np.bincount(self._numbers, weights=right) / np.bincount(self._numbers)
        return float((recall.mean() - 1 / self.n_classes) / (1 - 1 / self.n_classes))


def _judges(target: Target) -> list[_Ranks] | list[_Classes]:
    if target.task == "regression":
        return [_Ranks(values) for values in target.values.T if values.min() < values.max()]
    classes = _Classes(target.values[:, 0])
    return [classes] if classes.n_classes > 1 else []


def _predicted(
    tree: DecisionTreeRegressor | DecisionTreeClassifier, codes: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Cross-validated predictions of a tree; the rows are in random order already."""
    x, folds = codes.reshape(-1, 1).astype(np.float32), np.arange(len(codes)) % N_FOLDS
    predicted = np.empty(len(codes))
    for fold in range(N_FOLDS):
        tree.fit(x[folds != fold], target[folds != fold, np.newaxis], check_input=False)
        predicted[folds == fold] = tree.predict(x[folds == fold], check_input=False)
    return predicted
