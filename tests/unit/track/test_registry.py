"""The registry: what is worse or does not compare is refused, and what is promoted is shown beside the old one."""

import pytest
from mlflow import MlflowClient

from pipeline import ModelError, RegistryError, load
from pipeline.commands.register import main, show
from pipeline.inference.locate import resolve
from pipeline.track.registry import promote, register
from pipeline.train import Result, run


@pytest.fixture(scope="module")
def runs(store: str) -> dict[str, Result]:
    different = {
        "good": ["fit.learning_rate=0.01"],
        "bad": ["fit.learning_rate=1e-6"],
        "other rows": ["data.split.seed=7", "fit.learning_rate=0.01"],
    }
    common = ["data=iris", "model.units=[8]", "fit.epochs=4", f"tracking.uri={store}"]
    return {name: run(load(*common, *keys)) for name, keys in different.items()}


@pytest.mark.slow
def test_a_worse_model_is_refused_unless_forced(
    runs: dict[str, Result], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, other = (runs[name].run_id for name in ("good", "bad", "other rows"))
    first = register(good, "irises", "champion", False, store)
    assert (first.version, first.aliases, first.comparison.holder) == ("1", ("champion",), None)
    assert register(good, "irises", None, False, store).version == "1"  # not a second time

    worse = rf"run {bad} is worse than irises@champion \(version 1, run {good}\): val_log_loss .*lower is better"
    with pytest.raises(RegistryError, match=worse):
        register(bad, "irises", "champion", False, store)
    with pytest.raises(RegistryError, match=r"is not comparable with .*its validation rows differ"):
        register(other, "irises", None, False, store)
    assert resolve("models:/irises@champion", store).run_id == good
    with pytest.raises(ModelError, match="has no version '2'"):
        resolve("models:/irises/2", store)

    forced = register(bad, "irises", None, True, store)
    assert (forced.version, forced.aliases) == ("2", ())
    show(promote("irises", "2", "champion", store))
    shown = capsys.readouterr().out
    assert "champion was version 1" in shown
    assert "it is worse than version 1" in shown
    assert "models:/irises/2, which holds @champion" in shown
    assert resolve("models:/irises@champion", store).run_id == bad
    back = register(good, "irises", "champion", False, store)
    assert (back.version, back.comparison.is_worse) == ("1", False)
    assert (resolve("models:/irises@champion", store).path / "saved_model.pb").is_file()


@pytest.mark.slow
def test_what_cannot_be_registered_or_promoted(runs: dict[str, Result], store: str) -> None:
    with pytest.raises(SystemExit, match="no such folder or run; the nearest runs"):
        main(["nothing", "irises", "--uri", store])
    with pytest.raises(SystemExit, match="this model has no run; name the run whose model to register"):
        main([runs["good"].model_path, "irises", "--uri", store])
    with pytest.raises(ModelError, match="unknown registered model 'iris'"):
        promote("iris", "1", "champion", store)
    for alias in ("v1", "latest", "best of all"):
        with pytest.raises(RegistryError, match=f"alias '{alias}': use letters, digits"):
            register(runs["good"].run_id, "plants", alias, False, store)
        with pytest.raises(RegistryError, match=f"alias '{alias}': use letters, digits"):
            promote("plants", "1", alias, store)
    with pytest.raises(RegistryError, match="the registry refuses it"):
        register(runs["good"].run_id, "plants/green", "champion", False, store)
    assert [model.name for model in MlflowClient(store).search_registered_models("name LIKE 'plants%'")] == []
