"""Caches as other programs write them, sound and broken: test/golden/data/verify/*.npz, with expected.json beside them.

Independent source: numpy writes the files. "loads" in expected.json says whether numpy.load and torch.FloatTensor, which
the trainer's loader is made of, take what the loader takes: latents of shape (4, 2, 3) and the two small arrays.
flips.json has for two files, bit by bit, whether numpy still reads the same arrays when that bit is flipped.

Run with a Python that has numpy and torch:  /usr/bin/python3 test/golden/make_verify.py
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).parent / "data" / "verify"
SHAPE = (4, 2, 3)
PIXELS = (16, 24)


def cache(suffix="", latents=None, **more):
    values = ((np.arange(24) * 7919 % 203 - 101) / 17).reshape(SHAPE).astype("<f4")
    arrays = {
        "latents": values if latents is None else latents(values),
        "original_size": np.array([24, 16], "<i8"),
        "crop_ltrb": np.array([0.0, 0.0, 24.0, 16.0]),
        **more,
    }
    return {key + suffix: value for key, value in arrays.items() if value is not None}


def with_value(value):
    def change(values):
        values[1, 1, 1] = value
        return values

    return change


def cases():
    mask = np.ones(PIXELS, "<f4")
    return {
        "plain": cache(),
        "suffixed": cache("_2x3"),
        "half": cache(latents=lambda v: v.astype("<f2")),
        "double": cache(latents=lambda v: v.astype("<f8")),
        "fortran": cache(latents=np.asfortranarray),
        "flipped-and-mask": cache(latents_flipped=cache()["latents"], alpha_mask=mask),
        "big-endian": cache(latents=lambda v: v.astype(">f4")),
        "unsigned": cache(latents=lambda v: v.astype("<u2")),
        "objects": cache(latents=lambda v: v.astype(object)),
        "no-latents": cache(latents=lambda v: None),
        "no-original-size": cache(original_size=None),
        "no-crop": cache(crop_ltrb=None),
        "batch-axis": cache(latents=lambda v: v[None]),
        "three-channels": cache(latents=lambda v: v[:3]),
        "empty": cache(latents=lambda v: v[:, :0]),
        "wrong-suffix": cache("_3x2"),
        "nan": cache(latents=with_value(np.nan)),
        "infinite": cache(latents=with_value(-np.inf)),
        "absurd": cache(latents=with_value(1e5)),
        "nan-flipped": cache(latents_flipped=with_value(np.nan)(cache()["latents"])),
        "mask-of-latent-size": cache(alpha_mask=mask[:2, :3]),
        "mask-not-divided": cache(alpha_mask=mask * 255),
        "no-numbers-of-size": cache(original_size=np.array([24.5, np.nan])),
    }


def npz_bytes(arrays, save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def read(data):
    with np.load(io.BytesIO(data)) as archive:
        return {key: archive[key] for key in archive.files}


def loads(data):
    """The trainer asks for the suffixed keys of its bucket, then for bare ones."""
    try:
        arrays = read(data)
        suffix = "_2x3" if "latents_2x3" in arrays else ""
        latents = torch.FloatTensor(arrays["latents" + suffix])
        [int(side) for side in arrays["original_size" + suffix].tolist()]
        [int(side) for side in arrays["crop_ltrb" + suffix].tolist()]
        return tuple(latents.shape) == SHAPE
    except Exception:  # whatever it is, the trainer stops
        return False


def same(a, b):
    return a.keys() == b.keys() and all(
        a[key].dtype == b[key].dtype and a[key].shape == b[key].shape and np.array_equal(a[key], b[key]) for key in a
    )


def flips(data):
    """One bit for each bit of the file, lowest first: 1 where numpy reads the same in spite of the flip."""
    original = read(data)
    unchanged = []
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            unchanged.append(same(read(bytes(damaged)), original))
        except Exception:
            unchanged.append(False)
    return base64.b64encode(np.packbits(unchanged, bitorder="little").tobytes()).decode()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, arrays in cases().items():
        data = npz_bytes(arrays)
        (OUT / f"{name}.npz").write_bytes(data)
        expected[name] = {"loads": loads(data)}
    deflated = npz_bytes(cache(), np.savez_compressed)
    (OUT / "deflated.npz").write_bytes(deflated)
    expected["deflated"] = {"loads": loads(deflated)}
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    bits = {name: flips((OUT / f"{name}.npz").read_bytes()) for name in ("plain", "deflated")}
    (OUT / "flips.json").write_text(json.dumps(bits, indent=1) + "\n")


if __name__ == "__main__":
    main()
