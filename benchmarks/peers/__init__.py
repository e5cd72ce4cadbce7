"""The competitors, each run as its own users would run it.

Each file has `NAME`, `NEEDS` (the package that must be installed), `lacks(work)`, what it cannot do of a work or None,
and `train(work, rows, turns)`: it trains one epoch, with the loss of the validation rows at its end, for each of the
turns it is given, and returns its predictions of the training rows, logits for classes.
"""

PEERS = ("dense_pipeline", "keras_fit", "torch_loader", "torch_tensors", "sklearn_mlp", "jax_scan", "torch_tabm")
