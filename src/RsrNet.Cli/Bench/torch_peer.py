"""The other side of `rsrnet bench`: the same work in PyTorch, timed on request.

Reads lines `KIND SIZE REPEATS` and answers each with the seconds of one repeat. KIND is train (one supervision step of a batch of SIZE: deep
recursion, loss, gradient, clip, Adam), refine (one deep recursion of a batch of SIZE outside training), matmul (SIZE x SIZE x SIZE), bart
(embeddings of SIZE texts), or a training step of a recurrent model with a batch of SIZE: numbers (stage 4 of the human-numbers notebook), char
(the character model), lstm (the text classifier). Of the ways PyTorch can do the latter (a loop or a fused layer, dense or sparse tables, padded
or packed sequences) the fastest is found first and then measured. A line `bart-model SIZE HEADS LENGTHS PATH` says which weights and how many
tokens those texts have. The first line of the output says what answers. fc_aux is left out here, too: nothing reads it.
"""
import inspect
import json
import math
import struct
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


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    return {name: torch.frombuffer(data, dtype=torch.float32, offset=entry["data_offsets"][0],
                                   count=math.prod(entry["shape"])).reshape(entry["shape"]) for name, entry in header.items()}


class Bart:
    """BART's encoder out of PyTorch's own layers, which have a fused path of their own for inference; shorter texts
    are padded and masked, and the padding is skipped (nested tensors) where this version of PyTorch can."""

    models = {}

    @classmethod
    def introduce(cls, size, heads, lengths, path):
        cls.models[size] = (int(heads), [int(length) for length in lengths.split(",")], path)

    def __init__(self, size):
        heads, lengths, path = self.models[str(size)]
        state = {name.replace("model.encoder.", ""): tensor for name, tensor in read_safetensors(path).items()}
        self.tokens, self.positions = state["model.shared.weight"], state["embed_positions.weight"]
        self.norm = nn.LayerNorm(self.tokens.shape[1])
        self.norm.load_state_dict({"weight": state["layernorm_embedding.weight"], "bias": state["layernorm_embedding.bias"]})
        layer = nn.TransformerEncoderLayer(self.tokens.shape[1], heads, state["layers.0.fc1.bias"].shape[0], 0.0, "gelu", batch_first=True)
        count = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
        self.encoder = nn.TransformerEncoder(layer, count, enable_nested_tensor=True).eval()
        parts = {"self_attn.out_proj": "self_attn.out_proj", "linear1": "fc1", "linear2": "fc2", "norm1": "self_attn_layer_norm", "norm2": "final_layer_norm"}
        with torch.no_grad():
            for index, layer in enumerate(self.encoder.layers):
                for ending in ("weight", "bias"):
                    for theirs, name in parts.items():
                        layer.get_parameter(f"{theirs}.{ending}").copy_(state[f"layers.{index}.{name}.{ending}"])
                    joined = torch.cat([state[f"layers.{index}.self_attn.{part}_proj.{ending}"] for part in "qkv"])
                    layer.get_parameter(f"self_attn.in_proj_{ending}").copy_(joined)
        self.ids = torch.full((len(lengths), max(lengths)), 1)
        for row, length in enumerate(lengths):
            self.ids[row, :length] = torch.randint(4, self.tokens.shape[0], (length,))
        self.padding = self.ids == 1 if min(lengths) < max(lengths) else None
        self.lengths = torch.tensor(lengths).unsqueeze(1)

    def __call__(self):
        with torch.inference_mode():
            x = self.norm(self.tokens[self.ids] + self.positions[2:2 + self.ids.shape[1]])
            x = self.encoder(x, src_key_padding_mask=self.padding)
            if self.padding is not None:
                x = x.masked_fill(self.padding.unsqueeze(2), 0)
            return x.sum(dim=1) / self.lengths


def tokens_of(count, vocabulary):
    """As on the other side: the frequent ones are small."""
    return (vocabulary * torch.rand(count) ** 3).long()


class Optimizer:
    """Adam with clipping; tables with sparse gradients get SparseAdam."""

    def __init__(self, model, sparse):
        tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)] if sparse else []
        self.rest = [p for p in model.parameters() if all(p is not table for table in tables)]
        self.steppers = [torch.optim.Adam(self.rest, lr=1e-3, **options(torch.optim.Adam))]
        if sparse:
            self.steppers.append(torch.optim.SparseAdam(tables, lr=1e-3))
        self.clip = options(nn.utils.clip_grad_norm_)

    def __call__(self, loss):
        for stepper in self.steppers:
            stepper.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.rest, 1.0, **self.clip)
        for stepper in self.steppers:
            stepper.step()


class LanguageModel(nn.Module):
    """The notebook's stage 4, its products over all steps done at once where they can be; compiled or not."""

    def __init__(self, batch):
        super().__init__()
        self.i_h, self.h_h, self.h_o = nn.Embedding(30, 64), nn.Linear(64, 64), nn.Linear(64, 30)

    def forward(self, tokens, h):
        embedded = functional.linear(self.i_h(tokens), self.h_h.weight, self.h_h.bias)
        weight = self.h_h.weight.t()
        states = []
        for x in embedded.unbind(0):
            h = torch.relu(torch.addmm(x, h, weight))
            states.append(h)
        return self.h_o(torch.stack(states)), h


class NotebookModel(LanguageModel):
    """The same as the notebook writes it."""

    def forward(self, tokens, h):
        outs = []
        for i in range(tokens.shape[0]):
            h = h + self.i_h(tokens[i])
            h = functional.relu(self.h_h(h))
            outs.append(self.h_o(h))
        return torch.stack(outs), h


class Numbers:
    variants = [(kind, compiled) for kind in (LanguageModel, NotebookModel) for compiled in (False, True)]

    def __init__(self, batch, variant):
        kind, compiled = variant
        self.model = kind(batch)
        self.optimize = Optimizer(self.model, False)
        self.tokens, self.targets = tokens_of(16 * batch, 30).view(16, batch), tokens_of(16 * batch, 30)
        self.h = torch.zeros(batch, 64)
        # Traced, for a compiler that reads the source finds none here: this script comes as an argument.
        self.run = torch.jit.trace(self.model, (self.tokens, self.h)) if compiled else self.model

    def __call__(self):
        logits, h = self.run(self.tokens, self.h)
        self.h = h.detach()
        self.optimize(functional.cross_entropy(logits.view(-1, 30), self.targets))


class Characters:
    variants = [False, True]

    def __init__(self, batch, sparse):
        self.embedding = nn.Embedding(100, 128, padding_idx=0, sparse=sparse)
        self.rnn, self.fc = nn.RNN(128, 128), nn.Linear(128, 100)
        self.optimize = Optimizer(nn.ModuleList([self.embedding, self.rnn, self.fc]), sparse)
        self.tokens, self.targets = tokens_of(100 * batch, 100).view(100, batch), tokens_of(100 * batch, 100)

    def __call__(self):
        states, _ = self.rnn(self.embedding(self.tokens))
        self.optimize(functional.cross_entropy(self.fc(states).view(-1, 100), self.targets, ignore_index=0))


class Classifier:
    variants = [(sparse, packed) for sparse in (False, True) for packed in (False, True)]

    def __init__(self, batch, variant):
        sparse, self.packed = variant
        self.embedding = nn.Embedding(10_000, 64, padding_idx=0, sparse=sparse)
        self.rnn, self.fc = nn.LSTM(64, 128), nn.Linear(128, 4)
        self.optimize = Optimizer(nn.ModuleList([self.embedding, self.rnn, self.fc]), sparse)
        self.lengths = torch.tensor([60 - 40 * b // batch for b in range(batch)])
        self.tokens = tokens_of(60 * batch, 10_000).view(60, batch)
        self.tokens[torch.arange(60).unsqueeze(1) >= self.lengths] = 0
        self.targets = torch.arange(batch) % 4

    def __call__(self):
        embedded = self.embedding(self.tokens)
        if self.packed:
            _, (h, _) = self.rnn(nn.utils.rnn.pack_padded_sequence(embedded, self.lengths))
            summary = h[-1]
        else:
            states, _ = self.rnn(embedded)
            summary = states[self.lengths - 1, torch.arange(len(self.lengths))]
        self.optimize(functional.cross_entropy(self.fc(summary), self.targets))


def fastest(kind, size, clock):
    """Of a class's variants the one that takes least time."""
    best = None
    for variant in getattr(kind, "variants", [None]):
        work = kind(size) if variant is None else kind(size, variant)
        times = []
        for _ in range(8):
            started = clock()
            work()
            times.append(clock() - started)
        taken = sorted(times)[1]
        if best is None or taken < best[0]:
            best = (taken, work)
    return best[1]


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    kinds = {"train": Training, "refine": Refinement, "matmul": Product, "bart": Bart, "numbers": Numbers, "char": Characters, "lstm": Classifier}
    works = {}
    # As on the other side: one thread is timed by the processor time it takes, which other programs change less.
    clock = time.process_time if threads == 1 else time.perf_counter
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        if line.startswith("bart-model "):
            Bart.introduce(*line.split(maxsplit=4)[1:4], line.split(maxsplit=4)[4].rstrip("\n"))
            continue
        kind, size, repeats = line.split()
        key = (kind, size)
        if key not in works:
            works[key] = fastest(kinds[kind], int(size), clock)
        work = works[key]
        work()
        started = clock()
        for _ in range(int(repeats)):
            work()
        print((clock() - started) / int(repeats), flush=True)


main()
