"""The moments of images in float64, and how far bfloat16 is from them. Called by cpu-parity.mjs.

Usage: cpu_parity_reference.py SEED WIDTH HEIGHT IMAGE...   each IMAGE holds (height, width, 3) uint8

Writes the mean, then the log variance, float64, to IMAGE.moments, and prints one line of JSON for each image. It is the
encoder of test/golden/make_encoder.py in pieces that fit into memory. A quick BLAS (libopenblas0) makes hours minutes.
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test" / "golden"))
import make_encoder as golden  # noqa: E402

QUERIES = 1024


class Float64Encoder(golden.Encoder):
    def conv(self, x, name, outputs, kernel=3, stride=1, padding=1):
        """torch copies each pixel nine times for a float64 conv; nine products with shifted views copy none."""
        if kernel == 1 or stride == 2:
            return super().conv(x, name, outputs, kernel, stride, padding)
        _, channels, height, width = x.shape
        weight = self.weight(f"{name}.weight", (outputs, channels, kernel, kernel))
        pixels = F.pad(x, (1, 1, 1, 2)).reshape(channels, -1)
        sums = self.weight(f"{name}.bias", (outputs,))[:, None].repeat(1, height * (width + 2))
        for row in range(kernel):
            for column in range(kernel):
                start = row * (width + 2) + column
                sums.addmm_(weight[:, :, row, column], pixels[:, start : start + sums.shape[1]])
        return sums.reshape(1, outputs, height, width + 2)[..., :width]

    def attend(self, q, k, v):
        return torch.cat([super(Float64Encoder, self).attend(piece, k, v) for piece in q.split(QUERIES, dim=2)], dim=2)


class Bfloat16Encoder(golden.Bfloat16Encoder):
    def attend(self, q, k, v):
        return torch.cat([super(Bfloat16Encoder, self).attend(piece, k, v) for piece in q.split(QUERIES, dim=2)], dim=2)


def weights(seed, dtype):
    made = {}

    def weight(name, shape):
        if name not in made:
            made[name] = torch.from_numpy(golden.seeded_tensor(name, shape, seed)).to(dtype)
        return made[name]

    return weight


def main():
    torch.set_grad_enabled(False)
    seed, width, height, *images = sys.argv[1:]
    exact = Float64Encoder(golden.FULL, 2, 4, weights(int(seed), torch.float64))
    bfloat16 = Bfloat16Encoder(golden.FULL, 2, 4, weights(int(seed), torch.float32))
    for image in images:
        pixels = golden.normalise(np.fromfile(image, np.uint8).reshape(int(height), int(width), 3))
        moments = exact(pixels)
        torch.cat([part.flatten() for part in moments]).numpy().astype("<f8").tofile(f"{image}.moments")
        errors = [golden.errors(part, right) for part, right in zip(bfloat16(pixels.float()), moments)]
        print(json.dumps({"image": image, "mean": errors[0], "logvar": errors[1]}), flush=True)


main()
