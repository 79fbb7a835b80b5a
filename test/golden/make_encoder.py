#!/usr/bin/python3
"""Golden vectors of the VAE encoder: a plain torch module, written from docs and notes, run in float64.

Run with Debian's Python (apt install python3-torch python3-numpy):

    /usr/bin/python3 test/golden/make_encoder.py

Writes encoder.json (the cases, each with how far bfloat16 arithmetic is from float64) and encoder.f32 (the posterior mean, then the clamped log variance of each case,
little-endian float32, C order) into test/golden/data. Weights and images are not stored: both sides make them from a
seed with integer arithmetic (src/model/seeded-values.ts, src/selftest/seeded-images.ts).
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from seeded_images import IMAGES, mix

DATA = pathlib.Path(__file__).resolve().parent / "data"
GROUPS, EPSILON = 32, 1e-6
FULL = (128, 256, 512, 512)
REDUCED = (32, 64, 64, 64)


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode("ascii"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return np.uint32(value)


def seeded_tensor(name, shape, seed):
    count = int(np.prod(shape))
    key = mix(fnv1a(name) ^ mix(seed))
    u = (mix(mix(np.arange(count, dtype=np.uint32)) ^ key) >> np.uint32(8)).astype(np.float64) / 2**24
    if len(shape) > 1:
        scale, offset = np.sqrt(3.0 / np.prod(shape[1:])), 0.0
    elif name.endswith(".weight"):
        scale, offset = 0.25, 1.0
    else:
        scale, offset = 0.125, 0.0
    return (scale * (2 * u - 1) + offset).astype(np.float32).reshape(shape)


class Encoder:
    """Reads its weights by name as it goes; `weight(name, shape)` makes them."""

    def __init__(self, widths, blocks, latent_channels, weight):
        self.widths, self.blocks, self.z, self.weight = widths, blocks, latent_channels, weight

    def conv(self, x, name, outputs, kernel=3, stride=1, padding=1):
        weight = self.weight(f"{name}.weight", (outputs, x.shape[1], kernel, kernel))
        return F.conv2d(x, weight, self.weight(f"{name}.bias", (outputs,)), stride=stride, padding=padding)

    def norm(self, x, name):
        channels = x.shape[1]
        weight, bias = (self.weight(f"{name}.{part}", (channels,)).to(x.dtype) for part in ("weight", "bias"))
        return F.group_norm(x, GROUPS, weight, bias, EPSILON)

    def block(self, x, name, outputs):
        h = self.conv(F.silu(self.norm(x, f"{name}.norm1")), f"{name}.conv1", outputs)
        h = self.conv(F.silu(self.norm(h, f"{name}.norm2")), f"{name}.conv2", outputs)
        if x.shape[1] != outputs:
            x = self.conv(x, f"{name}.nin_shortcut", outputs, kernel=1, padding=0)
        return x + h

    def attention(self, x, name):
        n, channels, height, width = x.shape
        y = self.norm(x, f"{name}.norm")
        q, k, v = (self.conv(y, f"{name}.{part}", channels, kernel=1, padding=0).flatten(2) for part in "qkv")
        attended = self.attend(q, k, v)
        return x + self.conv(attended.reshape(n, channels, height, width), f"{name}.proj_out", channels, kernel=1, padding=0)

    def attend(self, q, k, v):
        """Each (n, channels, pixels); the same shape comes back."""
        scores = torch.einsum("nci,ncj->nij", q, k) / q.shape[1] ** 0.5
        return torch.einsum("nij,ncj->nci", torch.softmax(scores, dim=2), v)

    def __call__(self, image):
        x = self.conv(image, "encoder.conv_in", self.widths[0])
        for level, width in enumerate(self.widths):
            for block in range(self.blocks):
                x = self.block(x, f"encoder.down.{level}.block.{block}", width)
            if level + 1 < len(self.widths):
                x = F.pad(x, (0, 1, 0, 1))
                x = self.conv(x, f"encoder.down.{level}.downsample.conv", width, stride=2, padding=0)
        x = self.block(x, "encoder.mid.block_1", self.widths[-1])
        x = self.attention(x, "encoder.mid.attn_1")
        x = self.block(x, "encoder.mid.block_2", self.widths[-1])
        x = F.silu(self.norm(x, "encoder.norm_out"))
        x = self.conv(x, "encoder.conv_out", 2 * self.z)
        x = self.conv(x, "quant_conv", 2 * self.z, kernel=1, padding=0)
        mean, logvar = x.chunk(2, dim=1)
        return mean, logvar.clamp(-30.0, 20.0)


def rounded(x):
    return x.to(torch.bfloat16).to(x.dtype)


class Bfloat16Encoder(Encoder):
    """What torch computes in bfloat16, but for what it rounds between norm and conv: its sums are float32 too."""

    def conv(self, x, name, outputs, kernel=3, stride=1, padding=1):
        weight = rounded(self.weight(f"{name}.weight", (outputs, x.shape[1], kernel, kernel)).float())
        bias = rounded(self.weight(f"{name}.bias", (outputs,)).float())
        return rounded(F.conv2d(rounded(x), weight, bias, stride=stride, padding=padding))

    def attend(self, q, k, v):
        scores = torch.einsum("nci,ncj->nij", q, k) / q.shape[1] ** 0.5
        return rounded(torch.einsum("nij,ncj->nci", rounded(torch.softmax(scores, dim=2)), v))


def normalise(image):
    """torchvision's ToTensor and Normalize([0.5], [0.5]), which trainers run in float32; then float64."""
    x = torch.from_numpy(image).permute(2, 0, 1).to(torch.float32).div(255)
    return x.sub(0.5).div(0.5).to(torch.float64)[None]


CASES = [
    {"name": "full 256x256", "widths": FULL, "blocks": 2, "height": 256, "width": 256},
    {"name": "full 384x512", "widths": FULL, "blocks": 2, "height": 384, "width": 512},
    {"name": "reduced 8x8", "widths": REDUCED, "blocks": 1, "height": 8, "width": 8},
    {"name": "reduced 16x24", "widths": REDUCED, "blocks": 1, "height": 16, "width": 24},
    {"name": "reduced 64x64", "widths": REDUCED, "blocks": 1, "height": 64, "width": 64},
    {"name": "reduced 72x40", "widths": REDUCED, "blocks": 1, "height": 72, "width": 40},
    {"name": "full 256x256 of SD", "widths": FULL, "blocks": 2, "height": 256, "width": 256, "seed": 1, "model": "sd"},
    {"name": "full 256x256, smooth", "widths": FULL, "blocks": 2, "height": 256, "width": 256, "image": "smooth"},
    {"name": "full 256x256, photo", "widths": FULL, "blocks": 2, "height": 256, "width": 256, "image": "photo"},
]


def errors(values, exact):
    difference = (values - exact).abs()
    return {"rmse": float(difference.square().mean().sqrt()), "max": float(difference.max())}


def main():
    torch.set_grad_enabled(False)
    weights = {}

    def weight_of(seed):
        def weight(name, shape):
            key = (seed, name, shape)
            if key not in weights:
                weights[key] = torch.from_numpy(seeded_tensor(name, shape, seed)).to(torch.float64)
            return weights[key]

        return weight

    cases, values, offset = [], [], 0
    for number, case in enumerate(CASES):
        seed, image_seed = case.get("seed", 20260 + len(case["widths"]) + case["blocks"]), 1000 + number
        draw = IMAGES[case.get("image", "ramps")]
        image = normalise(draw(image_seed, case["height"], case["width"]))
        settings = (case["widths"], case["blocks"], 4, weight_of(seed))
        mean, logvar = Encoder(*settings)(image)
        mean16, logvar16 = Bfloat16Encoder(*settings)(image.float())
        bfloat16 = {"mean": errors(mean16, mean), "logvar": errors(logvar16, logvar)}
        print(case["name"], "std of mean", float(mean.std()), "of logvar", float(logvar.std()), bfloat16, flush=True)
        both = torch.cat([mean.flatten(), logvar.flatten()]).numpy().astype("<f4")
        cases.append({"model": "sdxl", "image": "ramps", **case, "latentChannels": 4, "seed": seed, "imageSeed": image_seed, "offset": offset, "count": both.size // 2, "bfloat16": bfloat16})
        values.append(both)
        offset += both.size
    checks = [
        {"name": name, "shape": shape, "seed": 7, "first": [float(v) for v in seeded_tensor(name, shape, 7).flatten()[:4]]}
        for name, shape in [("encoder.conv_in.weight", (32, 3, 3, 3)), ("encoder.norm_out.weight", (64,)), ("quant_conv.bias", (8,))]
    ]
    DATA.mkdir(parents=True, exist_ok=True)
    np.concatenate(values).tofile(DATA / "encoder.f32")
    (DATA / "encoder.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases, "seededTensors": checks}, indent=1) + "\n")


if __name__ == "__main__":
    main()
