#!/usr/bin/env python3
"""One training step of RSR-Net's residual mode for one article, in PyTorch, on the vectors themselves.

    python3 residual_step.py given.safetensors found.safetensors

Given: the reader's parameters, unit sentence vectors, features, weightings, x, anchor, t, mean.t, pool weights, options [anchor weight, scale, calls, the mean's share in y].
Found: loss, y, z and the gradient of each parameter. Needs torch (1.13 or later) and nothing else.
"""
import sys

import torch
from torch.nn import functional

from rsr_net import read_safetensors, write_safetensors


def main():
    given = read_safetensors(sys.argv[1])
    names = ["fc1.weight", "fc1.bias", "fc_weight.weight", "fc_weight.bias", "fc_latent.weight", "fc_latent.bias"]
    p = {name: given[name].clone().requires_grad_() for name in names}
    sentences, features = given["sentences"], given["features"]
    anchor_weight, scale, calls, share = (float(value) for value in given["options"])
    unit = lambda v: v / v.norm()

    pooled = given["weightings"].T @ sentences
    start = unit(given["pool"][:-1] @ pooled + given["pool"][-1] * given["x"])
    mixed = start + anchor_weight * given["anchor"]
    u, z = start, torch.zeros(p["fc_latent.bias"].shape[0])
    for _ in range(int(calls)):
        cosines = functional.cosine_similarity(sentences, u.unsqueeze(0), dim=1)
        inputs = torch.cat([features, cosines.unsqueeze(1), z.expand(len(sentences), -1)], dim=1)
        hidden = torch.relu(functional.linear(inputs, p["fc1.weight"], p["fc1.bias"]))
        weights = functional.linear(hidden, p["fc_weight.weight"], p["fc_weight.bias"]).squeeze(1)
        u = start + weights @ sentences
        z = torch.tanh(functional.linear(hidden.mean(0), p["fc_latent.weight"], p["fc_latent.bias"]))
    loss = 1 - functional.cosine_similarity(u, given["t"] - given["mean.t"], dim=0)
    loss.backward()
    y = share * given["mean.t"] + scale / mixed.norm() * (u + anchor_weight * given["anchor"])
    found = {"loss": loss.detach().reshape(1), "y": y.detach(), "z": z.detach()}
    # z of the last call stands behind nothing: PyTorch leaves its layer without a gradient where there is one call alone.
    found.update({"grad." + name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in p.items()})
    write_safetensors(sys.argv[2], found)


if __name__ == "__main__":
    main()
