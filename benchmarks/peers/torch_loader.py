"""PyTorch's loop over a DataLoader, as its tutorials have it."""

from benchmarks.peers.torch_loop import train_with

NAME = "PyTorch, DataLoader"
NEEDS = "torch"


def lacks(work):
    """Members."""
    return "members" if work.members else None


def train(work, rows, turns):
    """A TensorDataset, shuffled."""
    from torch.utils.data import DataLoader, TensorDataset

    def batches_of(x, y, batch_size):
        loader = DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True)
        return lambda: loader

    return train_with(batches_of, work, rows, turns)
