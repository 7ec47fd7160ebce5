#!/usr/bin/env python3
"""Records short training runs of the recurrent networks in PyTorch, for the tests.

    python3 recurrent_runs.py --out runs.safetensors [--vocabulary 11 --embedding 5 --hidden 7 --batch 4 --steps 6]

Needs torch (1.13 or later) and nothing else. Each case NAME holds `NAME.init.<tensor>`, `NAME.lengths`, and for each training step s
`NAME.tokens.s` (in packed order), `NAME.targets.s`, `NAME.loss.s`, `NAME.gradnorm.s`; then `NAME.final.<tensor>`.
Whole numbers are stored as floats.
"""
import argparse

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from rsr_net import write_safetensors

STEPS = 3
IGNORED = -100


class Network(nn.Module):
    def __init__(self, cell, output, layers, sizes):
        super().__init__()
        self.cell, self.output = cell, output
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=0)
        width = sizes.hidden
        if cell == "mean":
            width = sizes.embedding
        elif cell in ("rnn", "rnn_relu"):
            self.rnn = nn.RNN(sizes.embedding, sizes.hidden, layers, nonlinearity="relu" if cell == "rnn_relu" else "tanh")
        else:
            self.rnn = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](sizes.embedding, sizes.hidden, layers)
        self.fc = nn.Linear(width, sizes.vocabulary if output == "every" else sizes.classes)

    def forward(self, tokens, lengths, state):
        """tokens: [steps, batch]; the logits, in packed order where each state has its own, and the state."""
        packed = pack_padded_sequence(self.embedding(tokens), lengths)
        if self.cell == "mean":
            outputs = packed
        else:
            outputs, state = self.rnn(packed, state)
        if self.output == "every":
            return self.fc(outputs.data), state
        padded, _ = nn.utils.rnn.pad_packed_sequence(outputs)
        if self.output == "mean":
            summary = padded.sum(0) / lengths.unsqueeze(1)
        else:
            summary = padded[lengths - 1, torch.arange(len(lengths))]
        return self.fc(summary), None


def record(name, cell, output, layers, sizes, tensors):
    torch.manual_seed(len(name))
    model = Network(cell, output, layers, sizes)
    # The values of every step of the way are compared, so the optimiser is the plain one, tables included.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss(ignore_index=IGNORED)

    def keep(key, tensor):
        tensors[f"{name}.{key}"] = tensor.detach().clone().float().reshape(-1 if tensor.dim() == 0 else tensor.shape)

    for key, tensor in model.state_dict().items():
        keep("init." + key, tensor)
    lengths = torch.sort(torch.randint(1, sizes.steps + 1, (sizes.batch,)), descending=True)[0]
    lengths[0] = sizes.steps
    keep("lengths", lengths)
    state = None
    for s in range(STEPS):
        tokens = torch.randint(0, sizes.vocabulary, (sizes.steps, sizes.batch))
        rows = int(lengths.sum()) if output == "every" else sizes.batch
        targets = torch.randint(0, sizes.vocabulary if output == "every" else sizes.classes, (rows,))
        targets[-1] = IGNORED
        logits, state = model(tokens, lengths, state)
        if state is not None:
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        loss = criterion(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        keep(f"tokens.{s}", pack_padded_sequence(tokens, lengths).data)
        keep(f"targets.{s}", targets)
        keep(f"loss.{s}", loss)
        keep(f"gradnorm.{s}", norm)
    for key, tensor in model.state_dict().items():
        keep("final." + key, tensor)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    for size, value in (("vocabulary", 11), ("embedding", 5), ("hidden", 7), ("batch", 4), ("steps", 6), ("classes", 3)):
        parser.add_argument("--" + size, type=int, default=value)
    sizes = parser.parse_args()
    tensors = {}
    for cell in ("rnn", "rnn_relu", "lstm", "gru"):
        record(f"{cell}-last", cell, "last", 1, sizes, tensors)
        record(f"{cell}-every", cell, "every", 2, sizes, tensors)
    record("lstm-mean", "lstm", "mean", 1, sizes, tensors)
    record("mean-mean", "mean", "mean", 1, sizes, tensors)
    write_safetensors(sizes.out, tensors)


if __name__ == "__main__":
    main()
