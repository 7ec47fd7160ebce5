#!/usr/bin/env python3
"""Makes a BART with random weights and the embeddings that PyTorch's own TransformerEncoderLayer computes with them.

    python3 make_bart.py --out FOLDER [--width 768 --heads 12 --hidden 3072 --layers 6 --positions 1024 --vocabulary 1000]
                         [--lengths 512,7,64 | --texts texts.txt] [--form safetensors|zip|pickles] [--dtype float32|float16|bfloat16]

FOLDER gets config.json, the weights with Hugging Face's names, and expected.safetensors: for each text k `ids.k`, its last hidden state's mean over
the text (`mean.k`) and over the batch's padded length, as the notebook takes it (`padded.k`). With --texts, FOLDER's vocab.json and merges.txt
make the ids. Needs torch (1.13 or later) and nothing else.
"""
import argparse
import json
import math
import os

import torch
from torch import nn

from rsr_net import write_safetensors

PADDING = 1
OFFSET = 2


class Bart(nn.Module):
    """The encoder out of PyTorch's own layers: normalised after the residual, exact GELU, learned positions."""

    def __init__(self, arguments):
        super().__init__()
        d = arguments.width
        self.scale = math.sqrt(d) if arguments.scale_embedding else 1.0
        self.tokens = nn.Embedding(arguments.vocabulary, d)
        self.positions = nn.Embedding(arguments.positions + OFFSET, d)
        self.norm = nn.LayerNorm(d)
        layer = nn.TransformerEncoderLayer(d, arguments.heads, arguments.hidden, 0.0, "gelu", batch_first=True, norm_first=False)
        self.encoder = nn.TransformerEncoder(layer, arguments.layers, enable_nested_tensor=False)

    def randomize(self, seed):
        """Weights large enough that attention is far from even and every part counts."""
        torch.manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if "norm" in name:
                    parameter.normal_(1.0 if name.endswith("weight") else 0.0, 0.2)
                elif name.endswith("bias"):
                    parameter.normal_(0.0, 0.1)
                elif name.startswith(("tokens", "positions")):
                    parameter.normal_(0.0, 1.0 / self.scale if name.startswith("tokens") else 0.5)
                else:
                    parameter.normal_(0.0, 1.0 / math.sqrt(parameter.shape[1]))

    def forward(self, ids):
        places = torch.arange(ids.shape[1]) + OFFSET
        x = self.norm(self.tokens(ids) * self.scale + self.positions(places))
        return self.encoder(x, src_key_padding_mask=ids == PADDING)

    def state(self):
        """The weights under Hugging Face's names."""
        state = {
            "model.shared.weight": self.tokens.weight,
            "model.encoder.embed_positions.weight": self.positions.weight,
            "model.encoder.layernorm_embedding.weight": self.norm.weight,
            "model.encoder.layernorm_embedding.bias": self.norm.bias,
        }
        for index, layer in enumerate(self.encoder.layers):
            parts = {"self_attn.out_proj": layer.self_attn.out_proj, "fc1": layer.linear1, "fc2": layer.linear2,
                     "self_attn_layer_norm": layer.norm1, "final_layer_norm": layer.norm2}
            for name, part in parts.items():
                state[f"model.encoder.layers.{index}.{name}.weight"] = part.weight
                state[f"model.encoder.layers.{index}.{name}.bias"] = part.bias
            weights, biases = layer.self_attn.in_proj_weight.chunk(3), layer.self_attn.in_proj_bias.chunk(3)
            for name, weight, bias in zip("qkv", weights, biases):
                state[f"model.encoder.layers.{index}.self_attn.{name}_proj.weight"] = weight
                state[f"model.encoder.layers.{index}.self_attn.{name}_proj.bias"] = bias
        return state


def config_of(arguments):
    return {
        "model_type": "bart", "activation_function": "gelu", "d_model": arguments.width, "encoder_layers": arguments.layers,
        "encoder_attention_heads": arguments.heads, "encoder_ffn_dim": arguments.hidden, "vocab_size": arguments.vocabulary,
        "max_position_embeddings": arguments.positions, "scale_embedding": arguments.scale_embedding,
    }


def write_model(model, arguments):
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config_of(arguments), file, indent=2)
        file.write("\n")
    state = {name: tensor.detach().clone() for name, tensor in model.state().items()}
    if arguments.form == "safetensors":
        write_safetensors(os.path.join(arguments.out, "model.safetensors"), state)
    else:
        path = os.path.join(arguments.out, "pytorch_model.bin")
        torch.save(state, path, _use_new_zipfile_serialization=arguments.form == "zip")


def ids_of(arguments):
    if arguments.texts:
        from bpe_oracle import Encoder
        encoder = Encoder(arguments.out)
        with open(arguments.texts, encoding="utf-8") as file:
            return [torch.tensor(encoder.encode(line.rstrip("\n"))) for line in file]
    lengths = [int(length) for length in arguments.lengths.split(",")]
    return [torch.cat([torch.tensor([0]), torch.randint(3, arguments.vocabulary, (length - 2,)), torch.tensor([2])]) for length in lengths]


def expect(model, texts):
    expected = {}
    longest = max(len(ids) for ids in texts)
    for k, ids in enumerate(texts):
        batch = torch.full((1, longest), PADDING)
        batch[0, :len(ids)] = ids
        hidden = model(batch)[0]
        expected[f"ids.{k}"] = ids
        expected[f"mean.{k}"] = hidden[:len(ids)].mean(dim=0)
        expected[f"padded.{k}"] = hidden.mean(dim=0)
    return expected


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the model folder to write")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=3072)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--positions", type=int, default=1024)
    parser.add_argument("--vocabulary", type=int, default=1000)
    parser.add_argument("--scale-embedding", action="store_true")
    parser.add_argument("--lengths", default="512,7,64", help="lengths of random texts, in tokens")
    parser.add_argument("--texts", help="a file with one text a line, instead")
    parser.add_argument("--form", choices=["safetensors", "zip", "pickles"], default="safetensors")
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def main():
    arguments = parse()
    torch.set_num_threads(1)
    model = Bart(arguments)
    model.randomize(arguments.seed)
    dtype = getattr(torch, arguments.dtype)
    # The numbers of the narrow file, computed with in single precision: what a reader of that file must get.
    model.to(dtype).float().eval()
    with torch.inference_mode():
        expected = expect(model, ids_of(arguments))
        model.to(dtype)
        write_model(model, arguments)
    write_safetensors(os.path.join(arguments.out, "expected.safetensors"), expected)


if __name__ == "__main__":
    main()
