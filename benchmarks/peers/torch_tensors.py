"""PyTorch's loop over tensors that are indexed by hand, as those do it who found the DataLoader slow."""

from benchmarks.peers.torch_loop import train_with

NAME = "PyTorch, indexed tensors"
NEEDS = "torch"


def lacks(work):
    """Members."""
    return "members" if work.members else None


def train(work, rows, turns):
    """A random permutation per epoch, cut into batches."""
    import torch

    def batches_of(x, y, batch_size):
        return lambda: ((x[chosen], y[chosen]) for chosen in torch.randperm(len(x)).split(batch_size))

    return train_with(batches_of, work, rows, turns)
