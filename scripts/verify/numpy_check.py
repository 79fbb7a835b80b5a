"""Opens every cache with numpy.load and compares it with the reference table. Called by numpy.mjs."""
import json
import pathlib
import sys

import numpy


def problems(file, row):
    width, height = row["bucket"]
    latent = (4, height // 8, width // 8)
    expected = {
        "latents": (numpy.float32, latent),
        "latents_flipped": (numpy.float32, latent),
        "original_size": (numpy.int64, (2,)),
        "crop_ltrb": (numpy.float64, (4,)),
        "alpha_mask": (numpy.float32, (height, width)),
    }
    with numpy.load(file) as npz:
        if sorted(npz.files) != sorted(expected):
            yield f"keys {npz.files}"
            return
        for key, (dtype, shape) in expected.items():
            if npz[key].dtype != dtype or npz[key].shape != shape:
                yield f"{key} is {npz[key].dtype} {npz[key].shape}"
        if npz["original_size"].tolist() != row["size"]:
            yield f"original_size {npz['original_size']}"
        if npz["crop_ltrb"].tolist() != row["crop_ltrb"]:
            yield f"crop_ltrb {npz['crop_ltrb']}"


def main():
    folder, table = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))
    failed = files = 0
    for kind in ("upscale", "no_upscale"):
        for entry in table["rows"]:
            row = entry[kind]
            width, height = row["size"]
            file = folder / kind / f"{width}by{height}_{width:04d}x{height:04d}_sdxl.npz"
            files += 1
            for problem in problems(file, row):
                failed += 1
                print(f"{kind} {width}x{height}: {problem}")
    print(f"numpy {numpy.__version__}: {files} files opened, {failed} differences from the table")
    sys.exit(1 if failed else 0)


main()
