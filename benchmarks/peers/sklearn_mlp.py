"""scikit-learn's MLP, an epoch at a time."""

import numpy as np

NAME = "scikit-learn MLP"
NEEDS = "sklearn"


def lacks(work):
    """Members and dropout."""
    return "members" if work.members else "dropout" if work.dropout else None


def train(work, rows, turns):
    """`partial_fit` goes through all rows once, in shuffled minibatches."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    regression = work.task == "regression"
    kind = MLPRegressor if regression else MLPClassifier
    network = kind(hidden_layer_sizes=work.units, batch_size=work.batch_size, alpha=0.0, random_state=0)
    options = {} if regression else {"classes": np.arange(work.n_outputs)}
    targets = rows.y[:, 0]
    for _ in range(turns.total):
        turns.begin()
        network.partial_fit(rows.x, targets, **options)
        network.predict(rows.x_val)
        turns.end()
    return network.predict(rows.x) if regression else np.log(np.maximum(network.predict_proba(rows.x), 1e-30))
