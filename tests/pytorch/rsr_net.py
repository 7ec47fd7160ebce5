"""RSR-Net's network in PyTorch, and safetensors files without the safetensors package. Needs torch (1.13 or later) and nothing else."""
import json
import struct

import torch
from torch import nn
from torch.nn import functional


class RsrNet(nn.Module):
    """The notebook's network: one call takes [x, y, z] to the next y and z."""

    def __init__(self, d, hidden, latent):
        super().__init__()
        self.fc1 = nn.Linear(2 * d + latent, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.fc_latent = nn.Linear(hidden, latent)
        self.fc_out = nn.Linear(hidden, d)
        self.fc_aux = nn.Linear(hidden, d)

    def forward(self, x, y, z):
        u = functional.relu(self.bn1(self.fc1(torch.cat([x, y, z], dim=1))))
        v = functional.relu(self.bn2(self.fc2(u)))
        return self.fc_out(v), functional.relu(self.fc_latent(v)), self.fc_aux(v)

    def latent_recursion(self, x, y, z, calls):
        for _ in range(calls):
            y, z, _ = self(x, y, z)
        return y, z

    def deep_recursion(self, x, y, z, calls=4, recursions=3):
        with torch.no_grad():
            for _ in range(recursions - 1):
                y, z = self.latent_recursion(x, y, z, calls)
        y, z = self.latent_recursion(x, y, z, calls)
        return y, z, torch.sigmoid(y.max(dim=1).values)


def write_safetensors(path, tensors):
    """8 bytes length of the header, the header as JSON, the tensors one after the other, all little-endian."""
    header, blocks, place = {}, [], 0
    for name, tensor in tensors.items():
        dtype, letter = ("I64", "q") if tensor.dtype == torch.int64 else ("F32", "f")
        values = tensor.contiguous().reshape(-1).tolist()
        block = struct.pack(f"<{len(values)}{letter}", *values)
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [place, place + len(block)]}
        blocks.append(block)
        place += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for block in blocks:
            file.write(block)


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        dtype, letter, width = {"F32": (torch.float32, "f", 4), "I64": (torch.int64, "q", 8)}[entry["dtype"]]
        begin, end = entry["data_offsets"]
        values = struct.unpack(f"<{(end - begin) // width}{letter}", data[begin:end])
        tensors[name] = torch.tensor(values, dtype=dtype).reshape(entry["shape"])
    return tensors
