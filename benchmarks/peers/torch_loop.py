"""What both PyTorch loops share: the network and the loop of PyTorch's tutorials."""

import itertools


def train_with(batches_of, work, rows, turns):
    """The loop over `batches_of(x, y, batch_size)`, a function that gives an epoch's batches each time it is called."""
    import torch
    from torch import nn

    sizes = (work.n_inputs, *work.units)
    hidden = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        hidden += [nn.Linear(fan_in, fan_out), nn.ReLU(), *([nn.Dropout(work.dropout)] if work.dropout else [])]
    network = nn.Sequential(*hidden, nn.Linear(sizes[-1], work.n_outputs))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    regression = work.task == "regression"
    criterion = nn.MSELoss() if regression else nn.CrossEntropyLoss()
    x, x_val = torch.from_numpy(rows.x), torch.from_numpy(rows.x_val)
    y, y_val = (torch.from_numpy(y if regression else y[:, 0].astype("int64")) for y in (rows.y, rows.y_val))
    batches = batches_of(x, y, work.batch_size)
    for _ in range(turns.total):
        turns.begin()
        network.train()
        total = 0.0
        for inputs, targets in batches():
            optimizer.zero_grad()
            loss = criterion(network(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        network.eval()
        with torch.no_grad():
            criterion(network(x_val), y_val).item()
        turns.end()
    with torch.no_grad():
        return network(x).numpy()
