# SPDX-License-Identifier: MIT
# gcn.py: the PyTorch side of graphs_peer.py: the same GCN on the same graph, in plain PyTorch with a
# sparse matrix in compressed rows. gcn.py FOLDER LAYERS WIDTH EPOCHS THREADS prints a JSON object with
# the seconds of each pair of epochs with an evaluation behind them, accuracy and peak memory. FOLDER
# holds edges.npy, features.npy, labels.npy and parts.npy, as the program reads them too.
import json
import pathlib
import sys
import time

import numpy
import peer_torch  # noqa: F401
import torch
from torch.nn import functional as F

from worker import peak_bytes

DROPOUT, RATE, EVERY = 0.3, 1e-3, 2


class Product(torch.autograd.Function):
    """A h for a symmetric A, whose gradient is A dy: autograd's own would transpose A each time."""

    @staticmethod
    def forward(ctx, matrix, h):
        ctx.matrix = matrix
        return matrix @ h

    @staticmethod
    def backward(ctx, dy):
        return None, ctx.matrix @ dy


class Network(torch.nn.Module):
    def __init__(self, features, width, layers, classes):
        super().__init__()
        widths = [features] + [width] * layers
        self.linear = torch.nn.ModuleList(
            torch.nn.Linear(i, o, bias=False) for i, o in zip(widths, widths[1:]))
        self.norm = torch.nn.ModuleList(
            torch.nn.BatchNorm1d(width, track_running_stats=False) for _ in range(layers))
        self.last = torch.nn.Linear(width, classes)

    def forward(self, matrix, h):
        for linear, norm in zip(self.linear, self.norm):
            h = F.relu_(norm(Product.apply(matrix, linear(h))))
            h = F.dropout(h, DROPOUT, self.training)
        return self.last(h)


def normalised(edges, nodes):
    """D^-1/2 (A + I) D^-1/2 with every edge both ways and once."""
    both = numpy.concatenate([edges, edges[:, ::-1], numpy.arange(nodes)[:, None].repeat(2, 1)])
    row, column = numpy.divmod(numpy.unique(both[:, 0].astype(numpy.int64) * nodes + both[:, 1]), nodes)
    degree = numpy.bincount(row, minlength=nodes).astype(numpy.float64)
    value = (1 / numpy.sqrt(degree[row] * degree[column])).astype(numpy.float32)
    start = numpy.concatenate([[0], numpy.cumsum(degree)]).astype(numpy.int32)
    return torch.sparse_csr_tensor(torch.from_numpy(start), torch.from_numpy(column.astype(numpy.int32)),
                                   torch.from_numpy(value), (nodes, nodes))


def load(folder, name):
    return numpy.load(pathlib.Path(folder) / (name + ".npy"))


def main():
    folder, layers, width, epochs, threads = sys.argv[1], *map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x = torch.from_numpy(load(folder, "features"))
    labels = torch.from_numpy(load(folder, "labels").astype(numpy.int64))
    parts = torch.from_numpy(load(folder, "parts"))
    matrix = normalised(load(folder, "edges"), len(x))
    training, validation, test = (parts == p for p in (1, 2, 3))
    net = Network(x.shape[1], width, layers, int(labels.max()) + 1)
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    seconds, right = [], None
    begin = time.perf_counter()
    for epoch in range(1, epochs + 1):
        net.train()
        optimiser.zero_grad()
        F.cross_entropy(net(matrix, x)[training], labels[training]).backward()
        optimiser.step()
        if epoch % EVERY:
            continue
        net.eval()
        with torch.inference_mode():
            right = net(matrix, x).argmax(1) == labels
            accuracies = [float(right[p].float().mean()) for p in (validation, test)]
        seconds.append(time.perf_counter() - begin)
        begin = time.perf_counter()
    print(json.dumps({"seconds": seconds, "validation": accuracies[0], "test": accuracies[1],
                      "peak_bytes": peak_bytes(), "torch": torch.__version__}))


main()
