"""Golden pixels for the native resamplers: test/golden/data/resize.json.

Independent source: cv2 resizes for area, bilinear, bicubic and nearest, Pillow for lanczos, box and
pillow-bicubic, numpy normalises; no code of ours is used. The input images come from integer formulas that
test/pixels-golden.test.ts repeats, so only results are stored: bytes in base64 if there are few,
their SHA-256 otherwise.

Run with a Python that has cv2, Pillow and numpy:  /usr/bin/python3 test/golden/make_resize.py
"""

import base64
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image

OUT = Path(__file__).parent / "data" / "resize.json"
FEW_BYTES = 240

OPENCV = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "nearest": cv2.INTER_NEAREST_EXACT,
}
PILLOW = {
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "pillow-bicubic": Image.Resampling.BICUBIC,
}

COLORS = ["noise", "gradient", "edges", "grain"]
ALPHAS = ["opaque", "mask", "partial", "ramp"]

# (width, height) -> (resized width, height); the third is the window kept, or None for all.
SHAPES = [
    ((61, 47), (37, 29), (3, 2, 8, 6)),  # both axes shrink
    ((61, 47), (60, 46), None),
    ((23, 17), (41, 33), (20, 11, 9, 7)),  # both axes grow
    ((33, 17), (1024, 512), (500, 31, 131, 77)),
    ((50, 20), (31, 44), (0, 0, 9, 8)),  # one shrinks, the other grows
    ((20, 50), (44, 31), (35, 23, 9, 8)),
    ((64, 48), (32, 24), (20, 15, 12, 9)),  # whole scales
    ((63, 40), (21, 20), None),
    ((96, 64), (24, 16), None),
    ((40, 33), (40, 21), None),  # one axis stays
    ((33, 40), (57, 40), None),
    ((31, 19), (31, 19), (5, 4, 11, 6)),  # both stay
    ((1, 1), (5, 4), None),  # single pixels
    ((5, 4), (1, 1), None),
    ((2, 9), (11, 3), None),
    ((1, 30), (7, 13), None),
    ((300, 7), (9, 2), None),  # far apart
]
LARGE = [
    ("area", "grain", None, (1536, 1024), (1248, 832), (16, 0, 1216, 832)),
    ("area", "noise", "partial", (1023, 1537), (832, 1250), (0, 17, 832, 1216)),
    ("area", "noise", None, (2048, 1024), (1024, 512), None),
    ("lanczos", "grain", None, (1024, 683), (1248, 832), (16, 0, 1216, 832)),
    ("lanczos", "noise", "mask", (800, 600), (1195, 896), (21, 0, 1152, 896)),
    ("area", "gradient", None, (5000, 700), (2286, 320), (119, 0, 2048, 320)),
    ("bicubic", "noise", None, (803, 601), (1001, 333), (2, 1, 999, 331)),
    ("bilinear", "noise", "ramp", (803, 601), (501, 777), None),
    ("pillow-bicubic", "noise", None, (4032, 3024), (1184, 888), (16, 4, 1152, 880)),
    ("pillow-bicubic", "grain", "partial", (803, 601), (1001, 333), (2, 1, 999, 331)),
]


def hashed(index, seed):
    """An integer mixer of 32 bits on every index; the top byte is used."""
    x = (index + seed * 0x9E3779B1).astype(np.uint32)
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return (x ^ (x >> 16)) >> 24


def image(width, height, colors, alphas, seed):
    channels = 3 if alphas is None else 4
    y, x = np.indices((height, width), dtype=np.int64)
    noise = hashed(np.arange(width * height * channels, dtype=np.uint64), seed)
    noise = noise.reshape(height, width, channels).astype(np.int64)
    gradient = np.stack(
        [
            x * 255 // max(width - 1, 1),
            y * 255 // max(height - 1, 1),
            (x + y) * 255 // max(width + height - 2, 1),
        ],
        axis=-1,
    )
    edges = np.stack([(x // 5 + y // 3 + c) % 2 * 255 for c in range(3)], axis=-1)
    rgb = {
        "noise": noise[..., :3],
        "gradient": gradient,
        "edges": edges,
        "grain": (gradient * 3 + noise[..., :3]) // 4,
    }[colors]
    if alphas is None:
        return np.ascontiguousarray(rgb.astype(np.uint8))
    alpha = {
        "opaque": np.full_like(x, 255),
        "mask": (x // 7 + y // 5) % 2 * 255,
        "partial": noise[..., 3],
        "ramp": (x * 37 + y * 11) % 256,
    }[alphas]
    return np.ascontiguousarray(np.dstack([rgb, alpha]).astype(np.uint8))


def resize(source, size, interpolation):
    if interpolation in OPENCV:
        return cv2.resize(source, size, interpolation=OPENCV[interpolation])
    return np.asarray(Image.fromarray(source).resize(size, PILLOW[interpolation]))


def stored(array):
    data = np.ascontiguousarray(array).tobytes()
    if len(data) <= FEW_BYTES:
        return {"base64": base64.b64encode(data).decode()}
    return {"sha256": hashlib.sha256(data).hexdigest()}


def case(interpolation, colors, alphas, size, resized, window, seed):
    result = resize(image(*size, colors, alphas, seed), resized, interpolation)
    left, top, width, height = window or (0, 0, *resized)
    kept = result[top : top + height, left : left + width]
    return {
        "interpolation": interpolation,
        "colors": colors,
        "alphas": alphas,
        "seed": seed,
        "size": size,
        "resized": resized,
        "window": [left, top, width, height],
        "rgb": stored(kept[..., :3]),
        "alpha": None if alphas is None else stored(kept[..., 3]),
    }


def small_cases():
    """Every interpolation and every shape with and without alpha; the contents take turns."""
    seed = 0
    for interpolation in [*OPENCV, *PILLOW]:
        for turn, (size, resized, window) in enumerate(SHAPES):
            for alphas in (None, ALPHAS[turn % len(ALPHAS)]):
                seed += 1
                colors = COLORS[seed % len(COLORS)]
                yield case(interpolation, colors, alphas, size, resized, window, seed)


def main():
    values = np.arange(256, dtype=np.float32)
    half = np.float32(0.5)
    normalized = (values / np.float32(255) - half) / half
    golden = {
        "made_with": {"opencv": cv2.__version__, "pillow": PIL.__version__, "numpy": np.__version__},
        "normalized": base64.b64encode(normalized.astype("<f4").tobytes()).decode(),
        "cases": [*small_cases(), *(case(*large, seed=1000 + i) for i, large in enumerate(LARGE))],
    }
    lines = ",\n".join(json.dumps(entry) for entry in golden.pop("cases"))
    OUT.write_text(json.dumps(golden)[:-1] + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
