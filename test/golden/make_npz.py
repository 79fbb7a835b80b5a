"""Golden .npz files for our reader: test/golden/data/npz/*.npz, with expected.json beside them.

Independent source: numpy writes the archives and the expected values; no code of ours is used.
expected.json: file name -> key -> {descr, shape, values in C order}. Every archive is as
numpy.savez lays it out, zip64 extra fields in the local headers included, unless named below.

Run with a Python that has numpy:  /usr/bin/python3 test/golden/make_npz.py
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent / "data" / "npz"
LATENT = (4, 3, 2)
PIXELS = (24, 16)


def numbers(shape, dtype="<f4", start=0):
    """Uneven but repeatable values between about -10 and 10."""
    index = np.arange(start, start + np.prod(shape), dtype=np.float64)
    return ((index * 7919 % 2003 - 1001) / 97).reshape(shape).astype(dtype)


def mask():
    rows, columns = np.indices(PIXELS)
    return ((rows * 11 + columns * 5) % 256 / 255).astype("<f4")


def latent_file(suffix="", shape=LATENT, dtype="<f4", size_dtype="<i8"):
    return {
        f"latents{suffix}": numbers(shape, dtype),
        f"original_size{suffix}": np.array([1920, 1080], size_dtype),
        f"crop_ltrb{suffix}": np.array([0, 6, 1344, 820 + 2 / 3]),
    }


def npz_bytes(arrays, save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def npz_version_2(arrays):
    """npy format 2.0: the header length is 4 bytes instead of 2."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key, array in arrays.items():
            with archive.open(zipfile.ZipInfo(key + ".npy"), "w") as member:
                np.lib.format.write_array(member, array, version=(2, 0))
    return buffer.getvalue()


def npz_with_comment(arrays):
    buffer = io.BytesIO(npz_bytes(arrays))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = json.dumps({"note": "x" * 300}).encode()
    return buffer.getvalue()


def files():
    plain = latent_file()
    everything = {**plain, "latents_flipped": numbers(LATENT, start=500), "alpha_mask": mask()}
    both = {**latent_file("_3x2"), **latent_file("_2x5", shape=(4, 2, 5))}
    fortran = {key: np.asfortranarray(array) for key, array in plain.items()}
    big_endian = {key: array.astype(array.dtype.newbyteorder(">")) for key, array in plain.items()}
    extremes = {
        "latents": np.array([0.0, -0.0, np.inf, -np.inf, 65504.0, 6e-8], "<f2").reshape(1, 2, 3),
        "scalar": np.array(7, "<u2"),
        "nothing": np.zeros((0, 4), "<f4"),
        "flags": np.array([True, False]),
    }
    return {
        "plain": (plain, npz_bytes(plain)),
        "deflate": (plain, npz_bytes(plain, np.savez_compressed)),
        "half": (half := latent_file(dtype="<f2", size_dtype="<i4"), npz_bytes(half)),
        "suffixed": (both, npz_bytes(both)),
        "everything": (everything, npz_bytes(everything)),
        "everything-deflate": (everything, npz_bytes(everything, np.savez_compressed)),
        "fortran": (fortran, npz_bytes(fortran)),
        "version-2": (plain, npz_version_2(plain)),
        "big-endian": (big_endian, npz_bytes(big_endian)),
        "comment": (plain, npz_with_comment(plain)),
        "extremes": (extremes, npz_bytes(extremes)),
    }


def describe(array):
    """JSON has no infinities, so those are strings."""
    flat = array.ravel(order="C").tolist()
    values = [value if np.isfinite(value) else str(value) for value in flat]
    return {"descr": array.dtype.str, "shape": list(array.shape), "values": values}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, (arrays, data) in files().items():
        (OUT / f"{name}.npz").write_bytes(data)
        with np.load(OUT / f"{name}.npz") as back:
            assert back.files == list(arrays)
            assert all(np.array_equal(back[key], array) for key, array in arrays.items())
        expected = {key: describe(array) for key, array in arrays.items()}
        lines.append(f'"{name}.npz": {json.dumps(expected)}')
    (OUT / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
