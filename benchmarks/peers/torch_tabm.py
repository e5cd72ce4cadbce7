"""TabM by its authors' package, in PyTorch's loop over tensors that are indexed by hand."""

NAME = "PyTorch, tabm"
NEEDS = "tabm"


def lacks(work):
    """A network by itself."""
    return None if work.members else "network without members"


def train(work, rows, turns):
    """Shared batches, the mean of the members' losses, and validation by the members' mean."""
    import torch
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
    from tabm import TabM
    from torch.nn.functional import mse_loss

    from benchmarks.works import BINS, VECTOR

    x, y, x_val, y_val = (torch.from_numpy(part) for part in rows)
    bins = compute_bins(x, n_bins=BINS)
    embeddings = PiecewiseLinearEmbeddings(bins, VECTOR, activation=False, version="B")
    network = TabM.make(
        n_num_features=work.n_inputs,
        d_out=work.n_outputs,
        num_embeddings=embeddings,
        arch_type="tabm-mini",
        k=work.members,
        n_blocks=len(work.units),
        d_block=work.units[0],
        dropout=work.dropout,
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    for _ in range(turns.total):
        turns.begin()
        network.train()
        total = 0.0
        for chosen in torch.randperm(len(x)).split(work.batch_size):
            optimizer.zero_grad()
            predictions = network(x[chosen])
            loss = mse_loss(predictions, y[chosen].unsqueeze(1).expand_as(predictions))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        network.eval()
        with torch.no_grad():
            mse_loss(network(x_val).mean(dim=1), y_val).item()
        turns.end()
    with torch.no_grad():
        return torch.cat([network(part).mean(dim=1) for part in x.split(4096)]).numpy()
