"""This pipeline's fit stage, with all that it does in an epoch: early stopping, metrics, reporting."""

import numpy as np

NAME = "this pipeline"
NEEDS = "tensorflow"


def lacks(work):
    """Nothing."""
    return


def train(work, rows, turns):
    """Epoch after epoch within one `fit`; the report at the end of each waits for the next turn."""
    from pipeline import load
    from pipeline.runtime.startup import import_tensorflow

    import_tensorflow()
    from pipeline import fit, model

    config = load(
        *(["model=tabm", "fit=adam", f"model.members={work.members}"] if work.members else []),
        f"model.units={list(work.units)}",
        f"model.dropout={work.dropout}",
        f"fit.batch_size={work.batch_size}",
        f"fit.epochs={turns.total}",
        "fit.execution=compiled",
        "fit.early_stopping.patience=100",
    )
    fit.seed(0)
    numbers = model.TrainingRows(rows.x, rows.y, range(work.n_inputs))
    sizes = {"n_inputs": work.n_inputs, "n_outputs": work.n_outputs}
    network = model.build(config.model, task=work.task, **sizes, rows=numbers)
    trainable = fit.compile_network(
        network, config.fit, task=work.task, n_rows=len(rows.x), output_scale=np.ones(work.n_outputs)
    )

    def report(epoch, values):
        turns.end()
        if epoch < turns.total:
            turns.begin()

    turns.begin()
    fit.fit(trainable, (rows.x, rows.y, None), (rows.x_val, rows.y_val, None), config.fit, seed=0, report=report)
    return network.predict(rows.x, batch_size=4096, verbose=0)
