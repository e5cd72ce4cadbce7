"""By what trials are known."""

from pipeline import load


def test_replicas_have_one_key_whatever_their_seed_and_fold() -> None:
    from pipeline import data
    from pipeline.sweep.identity import replica_key, trial_key

    keys = set()
    trials = set()
    for seed in (0, 1):
        for fold in (0, 1):
            config = load("data=iris", "data.split.kind=kfold", f"data.split.fold={fold}", f"seed={seed}")
            dataset = data.load(config.data)
            keys.add(replica_key(config, dataset))
            trials.add(trial_key(config, dataset))
    assert len(keys) == 1
    assert len(trials) == 4
    other = load("data=iris", "model.l2=0.1")
    assert replica_key(other, data.load(other.data)) not in keys
