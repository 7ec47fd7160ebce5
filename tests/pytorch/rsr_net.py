"""RSR-Net's network in PyTorch, and safetensors files without the safetensors package. Needs torch (1.13 or later) and nothing else."""
import ctypes
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


DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64"}


def write_safetensors(path, tensors):
    """8 bytes length of the header, the header as JSON, the tensors one after the other, all little-endian."""
    header, place = {}, 0
    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        length = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [place, place + length]}
        place += length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for tensor in tensors.values():
            # The tensor's memory as it is: no numpy needed, and large models take no time.
            file.write(ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size()))


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
