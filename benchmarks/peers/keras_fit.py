"""Keras as its guides have it: a Sequential model, `compile` and `fit`."""

NAME = "Keras fit"
NEEDS = "tensorflow"


def lacks(work):
    """Members."""
    return "members" if work.members else None


def train(work, rows, turns):
    """One `fit` with a callback that takes turns."""
    import keras

    hidden = []
    for units in work.units:
        hidden.append(keras.layers.Dense(units, "relu", kernel_initializer="he_normal"))
        if work.dropout:
            hidden.append(keras.layers.Dropout(work.dropout))
    network = keras.Sequential([keras.Input((work.n_inputs,)), *hidden, keras.layers.Dense(work.n_outputs)])
    regression = work.task == "regression"
    network.compile(
        optimizer="adam",
        loss="mse" if regression else keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["mae" if regression else "accuracy"],
    )

    class Turns(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            turns.begin()

        def on_epoch_end(self, epoch, logs=None):
            turns.end()

    network.fit(
        rows.x,
        rows.y,
        batch_size=work.batch_size,
        epochs=turns.total,
        validation_data=(rows.x_val, rows.y_val),
        validation_batch_size=4096,
        verbose=0,
        callbacks=[Turns()],
    )
    return network.predict(rows.x, batch_size=4096, verbose=0)
