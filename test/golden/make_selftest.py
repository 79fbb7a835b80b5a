#!/usr/bin/python3
"""The known answers that `latent-cache selftest` compares with, made by the plain torch module of make_encoder.py in float64.

Run with Debian's Python (apt install python3-torch python3-numpy):

    /usr/bin/python3 test/golden/make_selftest.py

Writes into assets/selftest, which is part of the package:

- encoder.json: the cases, each with how far three arithmetics are from float64 in root mean square: `tf32` (operands of
  convs and products with 10 bits of the fraction), `fp16` and `bf16` (10 and 7 bits in every tensor between operations,
  without the limits of fp16's range; sums are float32 in all three).
- encoder.f32: for each case the posterior mean, then the clamped log variance, little-endian float32, C order.
- known-answers.json: some of test/golden/data's resized images (OpenCV's and Pillow's) and posterior samples (mpmath's).
"""
import json

import numpy as np
import torch

from make_encoder import DATA, FULL, REDUCED, Encoder, normalise, seeded_tensor
from seeded_images import IMAGES

ASSETS = DATA.parents[2] / "assets" / "selftest"
SEED = 31
CASES = [
    {"network": "small", "image": "ramps", "height": 64, "width": 64},
    {"network": "small", "image": "photo", "height": 72, "width": 40},
    {"network": "full", "image": "photo", "height": 64, "width": 64},
    {"network": "full", "image": "ramps", "height": 96, "width": 64},
    {"network": "full", "image": "photo", "height": 256, "width": 256},
]
NETWORKS = {"small": {"widths": REDUCED, "blocks": 1}, "full": {"widths": FULL, "blocks": 2}}


def rounding(bits):
    """float32 rounded to nearest even with so many bits of the fraction."""
    drop = 23 - bits

    def rounded(x):
        words = x.float().contiguous().view(torch.int32)
        words = words + ((1 << (drop - 1)) - 1) + ((words >> drop) & 1)
        return (words & ~((1 << drop) - 1)).view(torch.float32)

    return rounded


class RoundedEncoder(Encoder):
    """`operand` is applied to what is multiplied, `kept` to what is handed on."""

    def __init__(self, operand, kept, *settings):
        super().__init__(*settings)
        self.operand, self.kept = operand, kept

    def conv(self, x, name, outputs, kernel=3, stride=1, padding=1):
        weight = self.operand(self.weight(f"{name}.weight", (outputs, x.shape[1], kernel, kernel)))
        bias = self.weight(f"{name}.bias", (outputs,)).float()
        return self.kept(torch.nn.functional.conv2d(self.operand(x), weight, bias, stride=stride, padding=padding))

    def norm(self, x, name):
        return self.kept(super().norm(x, name))

    def block(self, x, name, outputs):
        return self.kept(super().block(x, name, outputs))

    def attention(self, x, name):
        return self.kept(super().attention(x, name))

    def attend(self, q, k, v):
        q, k, v = (self.operand(part) for part in (q, k, v))
        scores = torch.einsum("nci,ncj->nij", q, k) / q.shape[1] ** 0.5
        return self.kept(torch.einsum("nij,ncj->nci", self.operand(torch.softmax(scores, dim=2)), v))


def same(x):
    return x


ARITHMETICS = {
    "tf32": (rounding(10), same),
    "fp16": (rounding(10), rounding(10)),
    "bf16": (rounding(7), rounding(7)),
}


def rmse(values, exact):
    return float((values - exact).square().mean().sqrt())


def encoder_cases():
    weights = {}

    def weight(name, shape):
        if (name, shape) not in weights:
            weights[name, shape] = torch.from_numpy(seeded_tensor(name, shape, SEED)).to(torch.float64)
        return weights[name, shape]

    cases, values, offset = [], [], 0
    for number, case in enumerate(CASES):
        network = NETWORKS[case["network"]]
        settings = (network["widths"], network["blocks"], 4, weight)
        image_seed = 3100 + number
        image = normalise(IMAGES[case["image"]](image_seed, case["height"], case["width"]))
        mean, logvar = Encoder(*settings)(image)
        arithmetic = {}
        for name, (operand, kept) in ARITHMETICS.items():
            found = RoundedEncoder(operand, kept, *settings)(image.float())
            arithmetic[name] = {"mean": rmse(found[0], mean), "logvar": rmse(found[1], logvar)}
        print(case, "std", float(mean.std()), float(logvar.std()), arithmetic, flush=True)
        both = torch.cat([mean.flatten(), logvar.flatten()]).numpy().astype("<f4")
        cases.append({**case, "seed": SEED, "imageSeed": image_seed, "offset": offset, "count": both.size // 2, "arithmetic": arithmetic})
        values.append(both)
        offset += both.size
    np.concatenate(values).tofile(ASSETS / "encoder.f32")
    networks = {name: {"widths": list(each["widths"]), "blocks": each["blocks"]} for name, each in NETWORKS.items()}
    text = json.dumps({"torch": torch.__version__, "networks": networks, "cases": cases}, indent=1)
    (ASSETS / "encoder.json").write_text(text + "\n")


def known_answers():
    resize = json.loads((DATA / "resize.json").read_text())
    wanted = {3, 71, 37, 105, 139, 173}
    images = [one for one in resize["cases"] if one["alphas"] is None and one["seed"] in wanted]
    assert len(images) == len(wanted), [one["seed"] for one in images]
    fields = ("interpolation", "colors", "seed", "size", "resized", "window", "rgb")
    posterior = json.loads((DATA / "posterior.json").read_text())[:3]
    made_with = {name: resize["made_with"][name] for name in ("opencv", "pillow")}
    answers = {"madeWith": made_with, "resize": [{field: one[field] for field in fields} for one in images], "posterior": posterior}
    (ASSETS / "known-answers.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    ASSETS.mkdir(parents=True, exist_ok=True)
    encoder_cases()
    known_answers()
