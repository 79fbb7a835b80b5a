#!/usr/bin/python3
"""Known answers of `latent-cache selftest` for the VAEs besides SDXL's: one narrow encoder of each, in float64 by vae_encoders.py.

Run with Debian's Python (apt install python3-torch python3-numpy), after `npm run build`:

    /usr/bin/python3 test/golden/make_selftest_families.py

Writes families.json and families.f32 into assets/selftest, in the form of make_selftest.py's encoder.json and encoder.f32. The
weights are those that the package writes; they are read from its files, by the names in them.
"""
import json
import pathlib
import tempfile
import types

import numpy as np
import torch

import vae_encoders
from make_architectures import write_vae
from make_selftest import ARITHMETICS, ASSETS, rmse
from seeded_images import IMAGES

KL = {"widths": [32, 64, 64, 96], "blocksPerLevel": 1}
CASES = [
    {"vae": "kl16", "model": "flux", "width": 96, "height": 64, **KL},
    {"vae": "flux2", "model": "flux2", "width": 96, "height": 64, **KL},
    {"vae": "hunyuan-image", "model": "hunyuan-image", "width": 192, "height": 128, "widths": [32, 64, 64, 64, 128, 256], "blocksPerLevel": 1},
    {"vae": "qwen-image", "model": "qwen-image", "width": 96, "height": 64, "widths": [32, 64, 96, 96], "blocksPerLevel": 1},
    {"vae": "tiny", "model": "sd", "width": 96, "height": 64, "widths": [32, 32, 32, 32], "blocksPerLevel": 1},
]
SEED = 3200
LAYOUT = "diffusers"
# what hands a map on, besides convs, norms and the attention's sum of values
BLOCKS = ["residual", "attention", "hunyuan_down", "hunyuan_end", "wan_block", "wan_attention"]


def rounded_encode(operand, kept, *given):
    """vae_encoders.encode in float32, with `operand` applied to what is multiplied, `kept` to what is handed on."""
    functional = torch.nn.functional

    def conv(function):
        return lambda x, weight, bias, **options: kept(function(operand(x), operand(weight), bias, **options))

    def norm(function):
        return lambda *values, **options: kept(function(*values, **options))

    def attend(q, k, v):
        n, channels, height, width = q.shape
        q, k, v = (operand(value.flatten(2)) for value in (q, k, v))
        scores = torch.einsum("nci,ncj->nij", q, k) / channels**0.5
        values = torch.einsum("nij,ncj->nci", operand(torch.softmax(scores, dim=2)), v)
        return kept(values).reshape(n, channels, height, width)

    shim = types.SimpleNamespace(
        conv2d=conv(functional.conv2d), conv3d=conv(functional.conv3d),
        group_norm=norm(functional.group_norm), normalize=norm(functional.normalize),
        silu=functional.silu, relu=functional.relu, pad=functional.pad,
    )
    before = {name: getattr(vae_encoders, name) for name in ("F", "attend", *BLOCKS)}
    try:
        vae_encoders.F, vae_encoders.attend = shim, attend
        for name in BLOCKS:
            setattr(vae_encoders, name, norm(before[name]))
        return vae_encoders.encode(*given, torch.float32)
    finally:
        for name, value in before.items():
            setattr(vae_encoders, name, value)


def main():
    torch.set_grad_enabled(False)
    cases, values, offset = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            seed, image_seed = SEED + number, SEED + 100 + number
            path = pathlib.Path(folder) / f"{number}.safetensors"
            write_vae(path, {**{key: case[key] for key in ("vae", "widths", "blocksPerLevel")}, "seed": seed, "layout": LAYOUT})
            given = (path, case["vae"], LAYOUT, case["model"], IMAGES["photo"](image_seed, case["height"], case["width"]))
            exact = vae_encoders.encode(*given, torch.float64).chunk(2, dim=1)
            arithmetic = {}
            for name, roundings in ARITHMETICS.items():
                found = rounded_encode(*roundings, *given).chunk(2, dim=1)
                arithmetic[name] = {moment: rmse(*pair) for moment, pair in zip(("mean", "logvar"), zip(found, exact))}
            print(case["vae"], "std", [float(moment.std()) for moment in exact], arithmetic, flush=True)
            both = torch.cat([moment.flatten() for moment in exact]).numpy().astype("<f4")
            cases.append({**case, "layout": LAYOUT, "seed": seed, "image": "photo", "imageSeed": image_seed, "offset": offset, "count": both.size // 2, "arithmetic": arithmetic})
            values.append(both)
            offset += both.size
    np.concatenate(values).tofile(ASSETS / "families.f32")
    (ASSETS / "families.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
