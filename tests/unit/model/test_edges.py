"""Edges of the bins of piecewise-linear embeddings."""

import numpy as np
import pytest

from pipeline.model.embeddings.edges import NARROWEST, quantile_edges, target_edges

RNG = np.random.default_rng(0)


def bins_of(column: np.ndarray, edges: list[float]) -> np.ndarray:
    """Rows in each bin."""
    return np.histogram(column, edges)[0]


def test_bins_hold_equally_many_rows() -> None:
    column = RNG.normal(size=9600)
    edges = quantile_edges(column, None)
    assert edges is not None
    assert len(edges) == 49
    assert (edges[0], edges[-1]) == (column.min(), column.max())
    np.testing.assert_allclose(bins_of(column, edges), 200, atol=2)


@pytest.mark.parametrize(("n_rows", "n_bins"), [(100, 8), (400, 20), (5000, 48)])
def test_few_rows_have_few_bins(n_rows: int, n_bins: int) -> None:
    edges = quantile_edges(RNG.normal(size=n_rows), None)
    assert edges is not None
    assert len(edges) == n_bins + 1


def test_a_column_that_is_mostly_zero_has_bins_for_the_rest() -> None:
    """Plain quantiles of it are one value nearly all."""
    column = np.where(RNG.random(5000) < 0.95, 0.0, RNG.uniform(1, 2, 5000))
    edges = quantile_edges(column, 16)
    assert edges is not None
    rest = bins_of(column[column > 0], [edge for edge in edges if edge >= 1])
    assert len(rest) >= 13
    assert rest.max() < 2.5 * np.median(rest)


@pytest.mark.parametrize("values", [[0.5], [0.0, 1.0]])
def test_one_or_two_values_have_no_bins(values: list[float]) -> None:
    column = RNG.choice(values, 300)
    assert quantile_edges(column, None) is None
    assert target_edges(column, column[:, None], "regression", None) is None


def test_edges_are_never_nearer_than_float32_tells_apart() -> None:
    column = np.concatenate([RNG.normal(0, 1e-7, 500), RNG.normal(size=500)]).astype(np.float32)
    edges = quantile_edges(column, 48)
    assert edges is not None
    assert np.diff(edges).min() >= NARROWEST


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_tree_puts_its_edge_where_the_targets_change(task: str) -> None:
    column = RNG.uniform(-1, 1, 2000)
    edges = target_edges(column, (column[:, None] > 0.3).astype(np.float32), task, None)
    assert edges is not None
    assert len(edges) == 3
    assert edges[1] == pytest.approx(0.3, abs=0.01)


def test_edges_of_a_tree_do_not_depend_on_the_targets_unit() -> None:
    """Targets of 0 to 0.01, unscaled, had a variance below the tree's least gain: no split, so a single bin."""
    column = RNG.uniform(-1, 1, 2000)
    y = np.column_stack([np.sin(3 * column), np.ones(2000)])
    edges = target_edges(column, y, "regression", None)
    assert edges is not None
    assert len(edges) > 5
    assert target_edges(column, y * [0.001, 1], "regression", None) == edges
