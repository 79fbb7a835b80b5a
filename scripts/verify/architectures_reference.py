"""Moments of full-size encoders in float32, by the torch modules of test/golden. Called by architectures.mjs.

Reads one line of JSON for each run from stdin: {"vae", "layout", "model", "file", "image", "height", "width", "out"}. Writes
mean and log variance as float32 to `out` and answers with one line, the seconds that it took.
"""
import json
import pathlib
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test" / "golden"))
from vae_encoders import encode  # noqa: E402

torch.set_grad_enabled(False)
for line in sys.stdin:
    run = json.loads(line)
    image = np.fromfile(run["image"], np.uint8).reshape(run["height"], run["width"], 3)
    started = time.monotonic()
    moments = encode(run["file"], run["vae"], run["layout"], run["model"], image, torch.float32)
    moments.numpy().astype("<f4").tofile(run["out"])
    print(json.dumps({"seconds": time.monotonic() - started}), flush=True)
