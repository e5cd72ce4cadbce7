"""JAX with Optax: a whole epoch as one `lax.scan`, which is near the limit of what a machine can do."""

NAME = "JAX, lax.scan"
NEEDS = "optax"


def lacks(work):
    """Members."""
    return "members" if work.members else None


def train(work, rows, turns):
    """One compiled call for the full batches, one for the rest, one for validation."""
    import functools
    import itertools

    import jax
    import jax.numpy as jnp
    import optax

    sizes = (work.n_inputs, *work.units, work.n_outputs)
    keys = jax.random.split(jax.random.key(0), len(sizes))
    parameters = [
        (jax.nn.initializers.he_normal()(key, shape), jnp.zeros(shape[1]))
        for key, shape in zip(keys, itertools.pairwise(sizes), strict=False)
    ]
    optimizer = optax.adam(0.001)
    state = optimizer.init(parameters)
    x, x_val = jnp.asarray(rows.x), jnp.asarray(rows.x_val)
    regression = work.task == "regression"
    y, y_val = (jnp.asarray(y if regression else y[:, 0].astype("int32")) for y in (rows.y, rows.y_val))

    def predict(parameters, x, key=None):
        for weights, bias in parameters[:-1]:
            x = jax.nn.relu(x @ weights + bias)
            if work.dropout and key is not None:
                key, drawn = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(drawn, 1 - work.dropout, x.shape), x / (1 - work.dropout), 0)
        return x @ parameters[-1][0] + parameters[-1][1]

    def loss_of(parameters, x, y, key=None):
        found = predict(parameters, x, key)
        if regression:
            return jnp.mean((found - y) ** 2)
        return optax.softmax_cross_entropy_with_integer_labels(found, y).mean()

    def step(carry, chosen):
        parameters, state, key = carry
        key, drawn = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x[chosen], y[chosen], drawn)
        updates, state = optimizer.update(gradients, state, parameters)
        return (optax.apply_updates(parameters, updates), state, key), loss

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(carry):
        parameters, state, key = carry
        key, drawn = jax.random.split(key)
        order = jax.random.permutation(drawn, len(x))
        n_full = len(x) - len(x) % work.batch_size
        carry, losses = jax.lax.scan(
            step,
            (parameters, state, key),
            order[:n_full].reshape(-1, work.batch_size),
            length=n_full // work.batch_size,
        )
        if n_full < len(x):
            carry, _ = step(carry, order[n_full:])
        return carry, losses.mean()

    validate = jax.jit(loss_of)
    carry = (parameters, state, jax.random.key(1))
    for _ in range(turns.total):
        turns.begin()
        carry, loss = epoch(carry)
        float(loss), float(validate(carry[0], x_val, y_val))
        turns.end()
    return jax.device_get(jax.jit(predict)(carry[0], x))
