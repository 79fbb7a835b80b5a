"""Reads npz files with numpy and compares them with what another reader found. Called by numpy.mjs."""
import collections
import hashlib
import json
import pathlib
import sys
import warnings

import numpy

warnings.simplefilter("ignore")


def read(file):
    with numpy.load(file, allow_pickle=False) as npz:
        for name in npz.zip.namelist():
            npz.zip.read(name)  # every CRC
        arrays = {key: npz[key] for key in npz.files if f"{key}.npy" in npz.zip.namelist()}
    return {
        key: {
            "shape": list(array.shape),
            "sha256": hashlib.sha256(numpy.ascontiguousarray(array, dtype="<f8").tobytes()).hexdigest(),
        }
        for key, array in arrays.items()
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    counts = collections.Counter()
    for name, ours in json.load(open(folder / "results.json")).items():
        try:
            theirs = read(folder / name)
        except Exception as error:  # numpy and zipfile raise all sorts
            theirs = None
            reason = repr(error)
        if ours is None:
            counts["both refuse" if theirs is None else "only numpy accepts"] += 1
        elif theirs is None:
            counts["only we accept"] += 1
            print(f"{name}: numpy refuses: {reason}")
        else:
            equal = ours == theirs
            counts["same arrays" if equal else "other arrays"] += 1
            if not equal:
                for key in ours.keys() | theirs.keys():
                    if ours.get(key) != theirs.get(key):
                        print(f"{name} {key}: {ours.get(key)} {theirs.get(key)} {numpy.load(folder / name)[key].dtype} {numpy.load(folder / name)[key]}")
    print(f"numpy {numpy.__version__}:", ", ".join(f"{count} {what}" for what, count in counts.items()))
    sys.exit(1 if counts["other arrays"] or counts["only we accept"] else 0)


main()
