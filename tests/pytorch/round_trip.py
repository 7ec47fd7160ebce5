#!/usr/bin/env python3
"""Loads a state_dict file into PyTorch's network, strictly, and writes what the network then has.

    python3 round_trip.py IN.safetensors OUT.safetensors
"""
import sys

from rsr_net import RsrNet, read_safetensors, write_safetensors


def main(source, target):
    state = read_safetensors(source)
    d, hidden = state["fc_out.weight"].shape
    model = RsrNet(d, hidden, state["fc_latent.weight"].shape[0])
    model.load_state_dict(state, strict=True)
    write_safetensors(target, model.state_dict())


if __name__ == "__main__":
    main(*sys.argv[1:])
