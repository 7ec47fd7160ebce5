#!/usr/bin/env python3
"""Records a run of RSR-Net's recursion in PyTorch, for `rsrnet verify` and the tests.

    python3 make_run.py --d 768 --h 128 --latent 64 --batch 8 --steps 3 --batches 2 --seed 42 --out run.safetensors

Needs torch (1.13 or later) and nothing else. The data are random: x is normal, t is half of x and half noise.
"""
import argparse

import torch
from torch import nn
from torch.nn import functional

from rsr_net import RsrNet, write_safetensors


def record(arguments):
    torch.manual_seed(arguments.seed)
    model = RsrNet(arguments.d, arguments.h, arguments.latent)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    tensors = {}

    def keep(name, tensor):
        tensors[name] = tensor.detach().clone()

    for name, tensor in model.state_dict().items():
        keep("init." + name, tensor)
    model.train()
    for b in range(arguments.batches):
        x = torch.randn(arguments.batch, arguments.d)
        t = 0.5 * x + 0.5 * torch.randn(arguments.batch, arguments.d)
        y = torch.zeros(arguments.batch, arguments.d)
        z = torch.zeros(arguments.batch, arguments.latent)
        keep(f"x.{b}", x)
        keep(f"t.{b}", t)
        for s in range(arguments.steps):
            y, z, q = model.deep_recursion(x, y, z)
            loss = functional.mse_loss(y, t) + 0.1 * functional.binary_cross_entropy(q, torch.ones_like(q))
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            y, z = y.detach(), z.detach()
            keep(f"loss.{b}.{s}", loss.reshape(1))
            keep(f"gradnorm.{b}.{s}", norm.reshape(1))
            keep(f"y.{b}.{s}", y)
            keep(f"z.{b}.{s}", z)
            keep(f"q.{b}.{s}", q)
    for name, tensor in model.state_dict().items():
        keep("final." + name, tensor)
    model.eval()
    with torch.no_grad():
        y, z, q = model.deep_recursion(x, torch.zeros_like(y), torch.zeros_like(z))
    keep("eval.y", y)
    keep("eval.z", z)
    keep("eval.q", q)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=768, help="width of an embedding")
    parser.add_argument("--h", type=int, default=128, help="width of the hidden layers")
    parser.add_argument("--latent", type=int, default=64, help="width of the latent")
    parser.add_argument("--batch", type=int, default=8, help="rows of a batch, at least 2")
    parser.add_argument("--steps", type=int, default=3, help="supervision steps per batch")
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", required=True, help="the safetensors file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write_safetensors(arguments.out, record(arguments))


if __name__ == "__main__":
    main()
