"""Ways to draw rows: single rows, whole groups, or the latest."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from pipeline.data.splits.column import shown
from pipeline.data.splits.uneven import UnevenClassesError
from pipeline.data.target import Target
from pipeline.errors import DataError

SIDES = {1: "train and val", 2: "train, val and test"}  # by how many parts are left after a draw


class Draw(Protocol):
    """Draws about `n` of the rows, so that the rest and the drawn rows both meet the split's conditions."""

    def __call__(self, numbers: np.ndarray, n: int, *, sides_left: int) -> tuple[np.ndarray, np.ndarray]:
        """The rest, enough for `sides_left` parts, and the drawn rows, as row numbers in ascending order."""

    def check_given(self, rest: np.ndarray, test: np.ndarray) -> None:
        """Raises DataError if given test rows break the conditions.

        Args:
            rest: Row numbers of all other rows.
            test: Row numbers of the test rows.
        """


@dataclass(frozen=True)
class ByRow:
    """Draws exactly `n` rows at random; if `target` is given, its classes are balanced on both sides."""

    target: Target | None
    seed: int

    def __call__(self, numbers: np.ndarray, n: int, *, sides_left: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        labels = None if self.target is None else self.target.values[numbers, 0]
        draw = ShuffleSplit if labels is None else StratifiedShuffleSplit
        try:
            _, drawn = next(draw(1, test_size=n, random_state=self.seed).split(numbers, labels))
        except ValueError as error:
            reason = str(error) if self.target is None else _imbalance(self.target, numbers, n) or str(error)
            said = f"data.split.kind: stratified cannot put every class in every part ({reason})"
            raise UnevenClassesError(said) from None
        is_drawn = np.zeros(len(numbers), bool)  # much faster than to sort the drawn rows and the rest
        is_drawn[drawn] = True
        return numbers[~is_drawn], numbers[is_drawn]

    def check_given(self, rest: np.ndarray, test: np.ndarray) -> None:
        """Accepts any test rows.

        Args:
            rest: Numbers of the rows that are not test rows.
            test: Numbers of the test rows.
        """


def _imbalance(target: Target, numbers: np.ndarray, n: int) -> str | None:
    """Why the classes of these rows cannot be on both sides."""
    counts = np.bincount(target.values[numbers, 0], minlength=len(target.classes))
    rare, n_classes = np.flatnonzero(counts == 1), int((counts > 0).sum())
    if len(rare):
        labels = ", ".join(repr(label) for label in target.classes[rare[:5]].tolist())
        return f"of {len(numbers)} rows only one has the class {labels}{', ...' if len(rare) > 5 else ''}"
    if min(n, len(numbers) - n) < n_classes:
        return f"{len(numbers)} rows of {n_classes} classes are divided into {len(numbers) - n} and {n}"
    return None


@dataclass(frozen=True)
class ByGroup:
    """Draws whole groups at random.

    `n` counts rows, like every fraction in the config. scikit-learn's GroupShuffleSplit counts groups, which differs if
    groups have different sizes.
    """

    groups: np.ndarray  # (n_rows,) int64 that count into labels
    labels: np.ndarray  # (n_groups,)
    column: str
    seed: int

    def __call__(self, numbers: np.ndarray, n: int, *, sides_left: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        found, members, sizes = np.unique(self.groups[numbers], return_inverse=True, return_counts=True)
        if len(found) <= sides_left:
            named = ", ".join(shown(label) for label in self.labels[found])
            raise DataError(
                f"data.split.column: column {self.column!r} has {len(found)} "
                f"{'group' if len(found) == 1 else 'groups'} ({named}) in {len(numbers)} rows, but "
                f"{SIDES[sides_left]} need one each; name another column, or use another data.split.kind"
            )
        order = np.random.default_rng(self.seed).permutation(len(found))
        taken = np.zeros(len(found), bool)
        taken[order[_near(sizes[order], n, len(found) - sides_left)]] = True
        return numbers[~taken[members]], numbers[taken[members]]

    def check_given(self, rest: np.ndarray, test: np.ndarray) -> None:  # noqa: D102
        common = np.intersect1d(self.groups[rest], self.groups[test])
        if len(common):
            raise DataError(
                f"data.split.test_path: {len(common)} groups of column {self.column!r} are in both files, first "
                f"{shown(self.labels[common[0]])}; remove their rows from one, or leave data.split.kind and column out"
            )


def _near(sizes: np.ndarray, n: int, most: int) -> list[int]:
    """Positions of sizes, at least one and at most `most`, whose sum is about `n`.

    Takes each in turn that fits; then the smallest of the others, if that brings the sum nearer.
    """
    taken: list[int] = []
    lacking = n
    for position, size in enumerate(sizes.tolist()):
        if lacking <= 0 or len(taken) == most:
            break
        if size <= lacking:
            taken.append(position)
            lacking -= size
    others = sizes.astype(np.float64)
    others[taken] = np.inf
    smallest = int(others.argmin())
    if not taken or (len(taken) < most and others[smallest] < 2 * lacking):
        taken.append(smallest)
    return taken


@dataclass(frozen=True)
class InTime:
    """Draws the latest rows; rows of one time stay together."""

    times: np.ndarray  # (n_rows,) int64, ascending with time
    values: np.ndarray  # (n_rows,), as in the file
    column: str

    def __call__(self, numbers: np.ndarray, n: int, *, sides_left: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        order = np.argsort(self.times[numbers], kind="stable")
        begins = np.flatnonzero(np.diff(self.times[numbers][order])) + 1  # positions where a later time begins
        if len(begins) < sides_left:
            raise DataError(
                f"data.split.column: column {self.column!r} has {len(begins) + 1} distinct times in {len(numbers)} "
                f"rows, but {SIDES[sides_left]} need one each; name another column, or use another data.split.kind"
            )
        cuts = begins[sides_left - 1 :]
        cut = cuts[np.abs(cuts - (len(numbers) - n)).argmin()]
        return np.sort(numbers[order[:cut]]), np.sort(numbers[order[cut:]])

    def check_given(self, rest: np.ndarray, test: np.ndarray) -> None:  # noqa: D102
        last = rest[self.times[rest].argmax()]
        early = test[self.times[test] <= self.times[last]]
        if len(early):
            raise DataError(
                f"data.split.test_path: {len(early)} of its rows are not later than the last time of the first file "
                f"({shown(self.values[last])} in column {self.column!r}), first row {early[0] - test[0]}: "
                f"{shown(self.values[early[0]])}; remove them, or leave data.split.kind and column out"
            )
