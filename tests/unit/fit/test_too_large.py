"""Networks and penalties that are too large for any computer: each is reported with the key that helps."""

import pytest

from pipeline import TrainingError, load, run


# TensorFlow waits 10 s for memory before it gives up.
@pytest.mark.parametrize("units", ["[10000000000]", pytest.param("[1000000,1000000]", marks=pytest.mark.slow)])
def test_out_of_memory_while_the_network_is_built(store: str, units: str) -> None:
    with pytest.raises(TrainingError, match=r"out of memory while the network is built; try a smaller one"):
        run(load("data=iris", f"model.units={units}", f"tracking.uri={store}"))


@pytest.mark.parametrize("penalty", [pytest.param("l1", marks=pytest.mark.slow), "l2"])
def test_a_penalty_does_not_blame_the_learning_rate(store: str, penalty: str) -> None:
    with pytest.raises(TrainingError, match=r"before the first step; try smaller penalties: model.l2") as raised:
        run(load("data=iris", "fit.epochs=2", f"model.{penalty}=1e37", f"tracking.uri={store}"))
    assert "learning_rate" not in str(raised.value)
