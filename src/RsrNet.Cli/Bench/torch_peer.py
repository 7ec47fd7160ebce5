"""The other side of `rsrnet bench`: the same work in PyTorch, timed on request.

Reads lines `KIND SIZE REPEATS` and answers each with the seconds of one repeat. KIND is train (one supervision step of a batch of SIZE: deep
recursion, loss, gradient, clip, Adam), refine (one deep recursion of a batch of SIZE outside training) or matmul (SIZE x SIZE x SIZE).
The first line of the output says what answers. fc_aux is left out here, too: nothing reads it.
"""
import inspect
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

D, H, L = 768, 128, 64


class RsrNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2 * D + L, H)
        self.bn1 = nn.BatchNorm1d(H)
        self.fc2 = nn.Linear(H, H)
        self.bn2 = nn.BatchNorm1d(H)
        self.fc_latent = nn.Linear(H, L)
        self.fc_out = nn.Linear(H, D)

    def forward(self, x, y, z):
        u = functional.relu(self.bn1(self.fc1(torch.cat([x, y, z], dim=1))))
        v = functional.relu(self.bn2(self.fc2(u)))
        return self.fc_out(v), functional.relu(self.fc_latent(v))

    def latent_recursion(self, x, y, z):
        for _ in range(4):
            y, z = self(x, y, z)
        return y, z

    def deep_recursion(self, x, y, z):
        with torch.no_grad():
            for _ in range(2):
                y, z = self.latent_recursion(x, y, z)
        y, z = self.latent_recursion(x, y, z)
        return y, z, torch.sigmoid(y.max(dim=1).values)


def options(function):
    """foreach=True where this version of PyTorch has it."""
    return {"foreach": True} if "foreach" in inspect.signature(function).parameters else {}


class Training:
    def __init__(self, batch):
        self.model = RsrNet().train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, **options(torch.optim.Adam))
        self.clip = options(nn.utils.clip_grad_norm_)
        self.x = torch.randn(batch, D)
        self.t = 0.5 * self.x + 0.5 * torch.randn(batch, D)
        self.y = torch.zeros(batch, D)
        self.z = torch.zeros(batch, L)

    def __call__(self):
        y, z, q = self.model.deep_recursion(self.x, self.y, self.z)
        loss = functional.mse_loss(y, self.t) + 0.1 * functional.binary_cross_entropy(q, torch.ones_like(q))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, **self.clip)
        self.optimizer.step()
        self.y, self.z = y.detach(), z.detach()


class Refinement:
    def __init__(self, batch):
        self.model = RsrNet().eval()
        self.x = torch.randn(batch, D)
        self.y = torch.randn(batch, D)
        self.z = torch.rand(batch, L)

    def __call__(self):
        with torch.inference_mode():
            self.y, self.z, _ = self.model.deep_recursion(self.x, self.y, self.z)


class Product:
    def __init__(self, size):
        self.a = torch.randn(size, size)
        self.b = torch.randn(size, size)
        self.c = torch.empty(size, size)

    def __call__(self):
        torch.mm(self.a, self.b, out=self.c)


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    kinds = {"train": Training, "refine": Refinement, "matmul": Product}
    works = {}
    # As on the other side: one thread is timed by the processor time it takes, which other programs change less.
    clock = time.process_time if threads == 1 else time.perf_counter
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        kind, size, repeats = line.split()
        key = (kind, size)
        if key not in works:
            works[key] = kinds[kind](int(size))
            works[key]()
        work = works[key]
        work()
        started = clock()
        for _ in range(int(repeats)):
            work()
        print((clock() - started) / int(repeats), flush=True)


main()
