#!/usr/bin/python3
"""Golden vectors of latents as networks learn on them, computed by torch in float64.

Run with Debian's Python (apt install python3-torch python3-numpy):

    /usr/bin/python3 test/golden/make_normalise.py

Writes normalise.json into test/golden/data: raw latents, what they become, and the statistics of FLUX.2's batch norm, all
float32, little-endian, base64. Constants: the models' vae/config.json, sd-scripts library/qwen_image_autoencoder_kl.py;
patches: musubi-tuner flux_2/flux2_models.py.
"""
import base64
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

HEIGHT, WIDTH = 4, 6
MEAN = [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921]
STD = [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160]
AFFINE = {"sd": (4, 0.0, 0.18215), "sdxl": (4, 0.0, 0.13025), "sd3": (16, 0.0609, 1.5305), "flux": (16, 0.1159, 0.3611), "hunyuan-image": (64, 0.0, 0.75289)}


def text(x):
    return base64.b64encode(x.numpy().astype("<f4").tobytes()).decode()


def channels(values):
    return torch.tensor(values, dtype=torch.float64)[None, :, None, None]


def main():
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        """float32 values, as an encoder gives them, in float64."""
        return (3 * torch.randn(*shape, generator=generator)).double()

    cases = []

    def add(model, raw, normal, **more):
        cases.append({"model": model, "shape": list(raw.shape[1:]), "raw": text(raw), "normalShape": list(normal.shape[1:]), "normal": text(normal), **more})

    for model, (z, shift, scale) in AFFINE.items():
        raw = draw(1, z, HEIGHT, WIDTH)
        add(model, raw, (raw - shift) * scale)
    raw = draw(1, 16, HEIGHT, WIDTH)
    add("qwen-image", raw, (raw - channels(MEAN)) / channels(STD))

    raw, mean, variance = draw(1, 32, HEIGHT, WIDTH), draw(128).float(), (draw(128) ** 2).float()
    patches = raw.reshape(1, 32, HEIGHT // 2, 2, WIDTH // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(1, 128, HEIGHT // 2, WIDTH // 2)
    normal = F.batch_norm(patches, mean.double(), variance.double(), training=False, eps=1e-4)
    add("flux2", raw, normal, mean=text(mean), variance=text(variance))

    path = pathlib.Path(__file__).resolve().parent / "data" / "normalise.json"
    path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
