#!/usr/bin/python3
"""Golden moments of every VAE family and layout, reduced in width, computed in float64 by vae_encoders.py.

Run with Debian's Python (apt install python3-torch python3-numpy), after `npm run build`:

    /usr/bin/python3 test/golden/make_architectures.py

Weights are those that the package writes as a test does (src/model/seeded-vae.ts); they are read from its files, by the
names in them. All layouts of one VAE must give the same moments. Writes architectures.json and architectures.f32 (mean,
then log variance of each case, little-endian float32) into test/golden/data.
"""
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch

from seeded_images import IMAGES
from vae_encoders import encode

HERE = pathlib.Path(__file__).resolve().parent
KL = {"widths": [32, 64, 64, 96], "blocksPerLevel": 1}
CASES = [
    {"vae": "sd", "model": "sdxl", "layouts": ["ldm", "diffusers", "diffusers-old"], **KL},
    {"vae": "kl16", "model": "flux", "layouts": ["ldm", "diffusers"], **KL},
    {"vae": "flux2", "model": "flux2", "layouts": ["ldm", "bfl", "diffusers"], **KL},
    {"vae": "hunyuan-image", "model": "hunyuan-image", "layouts": ["ldm", "diffusers"], "widths": [32, 64, 64, 64, 128, 256], "blocksPerLevel": 2},
    {"vae": "qwen-image", "model": "qwen-image", "layouts": ["wan", "diffusers"], "widths": [32, 64, 96, 96], "blocksPerLevel": 2},
    {"vae": "tiny", "model": "sd", "layouts": ["taesd", "diffusers"], "widths": [32, 32, 32, 32]},
    {"vae": "tiny", "model": "flux", "layouts": ["taesd", "diffusers"], "widths": [32, 32, 32, 32], "latentChannels": 16},
]
SIZES = [(64, 64), (64, 96)]


def write_vae(path, options):
    module = (HERE.parents[1] / "dist" / "model" / "seeded-vae.js").as_uri()
    code = f"const m = await import({json.dumps(module)}); await m.writeSeededVae({json.dumps(str(path))}, {json.dumps(options)});"
    subprocess.run(["node", "--input-type=module", "-e", code], check=True)


def main():
    torch.set_grad_enabled(False)
    cases, values, offset = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            seeded = {key: case[key] for key in ("vae", "widths", "blocksPerLevel", "latentChannels") if key in case}
            images = [IMAGES["ramps"](500 + number, height, width) for height, width in SIZES]
            by_layout = []
            for layout in case["layouts"]:
                path = pathlib.Path(folder) / f"{number}-{layout}.safetensors"
                write_vae(path, {**seeded, "seed": 700 + number, "layout": layout})
                by_layout.append([encode(path, case["vae"], layout, case["model"], image, torch.float64) for image in images])
            for layout, outputs in zip(case["layouts"], by_layout):
                for output, first in zip(outputs, by_layout[0]):
                    assert torch.allclose(output, first, rtol=0, atol=1e-12), (case["vae"], layout)
            for (height, width), output in zip(SIZES, by_layout[0]):
                mean, logvar = output.chunk(2, dim=1)
                print(case["vae"], case["model"], height, width, "std of mean", float(mean.std()), "of logvar", float(logvar.std()), flush=True)
                moments = output.numpy().astype("<f4").ravel()
                cases.append({**case, "seed": 700 + number, "imageSeed": 500 + number, "height": height, "width": width, "offset": offset, "count": moments.size})
                values.append(moments)
                offset += moments.size
    np.concatenate(values).tofile(HERE / "data" / "architectures.f32")
    (HERE / "data" / "architectures.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
