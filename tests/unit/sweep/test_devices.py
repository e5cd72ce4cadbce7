"""How a machine is divided among trials, and mistakes in a launcher's keys."""

import pytest

from pipeline import ConfigError
from pipeline.config import parse
from pipeline.sweep.launch.devices import Share, divide, visible_gpus


@pytest.mark.parametrize(
    ("n_jobs", "n_cpus", "gpus", "trials_per_gpu", "shares"),
    [
        ("auto", 4, [], 1, [Share(1)] * 4),
        (2, 8, [], 1, [Share(4)] * 2),
        (3, 2, [], 1, [Share(1)] * 3),
        ("auto", 8, ["0", "1"], 1, [Share(4, "0"), Share(4, "1")]),
        ("auto", 8, ["2", "5"], 2, [Share(2, "2"), Share(2, "5"), Share(2, "2"), Share(2, "5")]),
        (1, 8, ["0", "1"], 3, [Share(8, "0")]),
        (3, 6, ["GPU-1a", "GPU-2b"], 2, [Share(2, "GPU-1a"), Share(2, "GPU-2b"), Share(2, "GPU-1a")]),
    ],
)
def test_a_machine_is_divided(
    n_jobs: int | str, n_cpus: int, gpus: list[str], trials_per_gpu: int, shares: list[Share]
) -> None:
    assert divide(n_jobs, n_cpus, gpus, trials_per_gpu) == shares


def test_more_trials_than_gpus_may_hold() -> None:
    with pytest.raises(ConfigError, match=r"5 simultaneous trials .*2 GPUs .*set hydra.launcher.trials_per_gpu=3"):
        divide(5, 8, ["0", "1"], 1)


def test_a_share_of_a_gpu_grows_as_it_needs_memory() -> None:
    environment = Share(2, "3").environment()
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert environment["OMP_NUM_THREADS"] == "2"
    assert "CUDA_VISIBLE_DEVICES" not in Share(2).environment()


def test_keys_of_ray() -> None:
    with pytest.raises(ConfigError) as raised:
        parse(["-m", "hydra/launcher=ray", "hydra.launcher.adress=10.0.0.1:6379", "hydra.launcher.gpus_per_trial=-1"])
    assert "hydra.launcher.adress: unknown key, did you mean 'hydra.launcher.address'?" in str(raised.value)
    assert "hydra.launcher.gpus_per_trial: should be greater than 0 or 0, got -1" in str(raised.value)


@pytest.mark.parametrize(("visible", "gpus"), [("", []), ("-1", []), ("1, 3", ["1", "3"]), ("GPU-8f", ["GPU-8f"])])
def test_gpus_that_the_environment_allows(monkeypatch: pytest.MonkeyPatch, visible: str, gpus: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hydra.launcher.n_job=2"], "hydra.launcher.n_job: unknown key, did you mean 'hydra.launcher.n_jobs'?"),
        (["+hydra.launcher.trial_per_gpu=2"], "did you mean 'hydra.launcher.trials_per_gpu'?"),
        (["hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs: should be greater than 0 or 'auto', got 0"),
        (["hydra.launcher.n_jobs=many"], "hydra.launcher.n_jobs: should be a valid integer or 'auto', got 'many'"),
        (["hydra.launcher.n_jobs=1,2"], "hydra.launcher.n_jobs=1,2: a sweep uses one launcher; give one value"),
        (["hydra/launcher=packed", "hydra.launcher.members=1"], "members: should be greater than or equal to 2, got 1"),
        (["hydra/launcher=locl"], "hydra/launcher=locl: no such file, did you mean 'local'?"),
        (
            ["hydra/launcher=basic", "hydra.launcher.n_jobs=2"],
            "hydra.launcher.n_jobs=2: the launcher basic has no keys; add hydra/launcher=local",
        ),
    ],
)
def test_mistakes_in_a_launchers_keys(arguments: list[str], message: str) -> None:
    chosen = [] if any("/" in word for word in arguments) else ["hydra/launcher=local"]
    with pytest.raises(ConfigError) as raised:
        parse(["-m", *chosen, *arguments, "seed=0,1", "fit.epochs=0"])
    assert message in str(raised.value)
    assert str(raised.value).splitlines()[0].startswith("fit.epochs: ") or "/" in arguments[0]  # all mistakes at once
