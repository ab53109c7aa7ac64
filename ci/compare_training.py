#!/usr/bin/env python3
"""Compares tools/examples/train_lm.c with a plain PyTorch trainer, step by step.

    compare_training.py EXAMPLE [--steps N] [--batch N] [--limit RELATIVE] TEXT...

EXAMPLE is build/release/tools/examples/example-train_lm or the like. Both start from the same weights (a safetensors file that this
script writes), see the same bytes and use AdamW with clipping in f32. Needs PyTorch and safetensors; not part of CI.
Exits with 1 when a step's loss is further from PyTorch's than the limit.
"""
import argparse
import math
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

VOCABULARY, WIDTH, LAYERS, HEADS, HIDDEN, LENGTH = 256, 128, 4, 4, 344, 128
HEAD = WIDTH // HEADS
WARM_UP, PEAK_RATE = 50, 3e-3
WORD = (1 << 64) - 1


def shapes():
    """Names and shapes in the order of list_parameters."""
    yield "embedding0", (VOCABULARY, WIDTH)
    for layer in range(LAYERS):
        for name in "qkvo":
            yield f"{name}{layer}", (WIDTH, WIDTH)
        yield f"gate{layer}", (WIDTH, HIDDEN)
        yield f"up{layer}", (WIDTH, HIDDEN)
        yield f"down{layer}", (HIDDEN, WIDTH)
        yield f"norm1.{layer}", (WIDTH,)
        yield f"norm2.{layer}", (WIDTH,)
    yield "last_norm0", (WIDTH,)
    yield "head0", (WIDTH, VOCABULARY)


def first_weights():
    torch.manual_seed(3)
    return {name: (torch.randn(shape) * 0.02 if len(shape) > 1 else 1 + 0.1 * torch.randn(shape)).requires_grad_()
            for name, shape in shapes()}


def save_weights(weights, path):
    with torch.no_grad():
        flat = [torch.cat([w.flatten() for w in weights.values() if (w.dim() > 1) == matrix]) for matrix in (True, False)]
    save_file({"matrices": flat[0], "vectors": flat[1]}, path)


def rotate(x, cos, sin):
    a, b = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def model_loss(w, tokens, labels):
    speed = 10000.0 ** (-2.0 * torch.arange(HEAD // 2, dtype=torch.float64) / HEAD)
    angle = torch.arange(LENGTH, dtype=torch.float32)[:, None] * speed.float()
    cos, sin = angle.cos(), angle.sin()
    norm = lambda x, name: F.rms_norm(x, (WIDTH,), w[name], 1e-5)
    heads = lambda x: x.view(*x.shape[:2], HEADS, HEAD).transpose(1, 2)
    x = F.embedding(tokens, w["embedding0"])
    for layer in range(LAYERS):
        y = norm(x, f"norm1.{layer}")
        q, k = (rotate(heads(y @ w[f"{n}{layer}"]), cos, sin) for n in "qk")
        mixed = F.scaled_dot_product_attention(q, k, heads(y @ w[f"v{layer}"]), is_causal=True)
        x = x + mixed.transpose(1, 2).reshape(x.shape) @ w[f"o{layer}"]
        y = norm(x, f"norm2.{layer}")
        x = x + (F.silu(y @ w[f"gate{layer}"]) * (y @ w[f"up{layer}"])) @ w[f"down{layer}"]
    logits = norm(x, "last_norm0") @ w["head0"]
    return F.cross_entropy(logits.view(-1, VOCABULARY), labels.reshape(-1))


def mixed_number(a, b):
    x = (a * 0x9E3779B97F4A7C15 + b + 1) & WORD
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & WORD
    return x ^ x >> 31


def trained_bytes(paths):
    """All but the last tenth of each file, in the example's order."""
    text = b""
    for path in paths:
        files = [path]
        if os.path.isdir(path):
            names = sorted(os.listdir(path), key=os.fsencode)
            files = [f for f in (os.path.join(path, n) for n in names) if os.path.isfile(f) and not os.path.islink(f)]
        for file in files:
            data = open(file, "rb").read()
            text += data[: len(data) - len(data) // 10]
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).long()


def rate_of(step, steps):
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    return PEAK_RATE * (0.55 + 0.45 * math.cos(math.pi * (step - WARM_UP) / max(steps - WARM_UP, 1)))


def reference(weights, text, steps, batch):
    groups = [{"params": [w for w in weights.values() if (w.dim() > 1) == matrix], "weight_decay": decay}
              for matrix, decay in ((True, 0.1), (False, 0.0))]
    adamw = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    for step in range(steps):
        starts = [mixed_number(step, b) % (len(text) - LENGTH) for b in range(batch)]
        rows = torch.stack([text[s : s + LENGTH + 1] for s in starts])
        for group in adamw.param_groups:
            group["lr"] = rate_of(step, steps)
        adamw.zero_grad()
        loss = model_loss(weights, rows[:, :-1], rows[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        adamw.step()
        yield loss.item()


def example(options, directory, weights):
    path, losses = os.path.join(directory, "weights.safetensors"), os.path.join(directory, "losses")
    save_weights(weights, path)
    subprocess.run([options.example, "--steps", str(options.steps), "--batch", str(options.batch), "--sample", "0",
                    "--weights", path, "--losses", losses, *options.text], check=True, stdout=subprocess.DEVNULL)
    return [float(line) for line in open(losses)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("example")
    parser.add_argument("text", nargs="+")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--limit", type=float, default=1e-4)
    options = parser.parse_args()
    weights = first_weights()
    with tempfile.TemporaryDirectory() as directory:
        ours = example(options, directory, weights)
    worst = 0
    print("step  PyTorch      Sinter       relative")
    for step, theirs in enumerate(reference(weights, trained_bytes(options.text), options.steps, options.batch)):
        apart = abs(ours[step] - theirs) / theirs
        worst = max(worst, apart)
        print(f"{step + 1:4}  {theirs:.8f}  {ours[step]:.8f}  {apart:.1e}")
    print(f"worst {worst:.2e}, limit {options.limit:.0e}")
    return 0 if worst <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
