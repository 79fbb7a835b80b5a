"""An independent reader of latent caches, written from the cache format note: numpy, zipfile, json and the like alone.

Usage: python3 read_caches.py views LIST     draws the pixels that each latent has to be of, for an encode of their own
       python3 read_caches.py check LIST     reads every cache of every run, and prints a line of JSON for each pair

LIST is what pairs.mjs writes: the images as they were drawn, the runs of the command line, where their caches lie.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent / "pairs"))
import containers  # noqa: E402
import geometry  # noqa: E402
import note  # noqa: E402
from expected import expected_of  # noqa: E402

# Latents of seeded networks are of the order of 1. float32 sums in another order differ by about 1e-5 of that.
TOLERANCE = 1e-4
STEPS = {"float32": 0.0, "float16": 2.0**-11, "bfloat16": 2.0**-8}
SHORT = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


@dataclass(eq=False)
class Image:
    path: str
    size: tuple
    orientation: int
    rgba: bool
    caption: bool
    extended_webp: bool
    pixels: np.ndarray


def load_images(listed):
    for each in listed:
        width, height = each["size"]
        pixels = np.fromfile(each["raw"], np.uint8).reshape(height, width, 4)
        yield Image(each["path"], (width, height), each["orientation"], each["rgba"], each["caption"],
                    each["extendedWebp"], pixels)


class References:
    """Latents, as the encoder gives them, of pixels that were encoded without any trainer's rules."""

    def __init__(self, folder, vae):
        self.folder = Path(folder) / vae["name"]
        self.model = vae["model"]
        weights, _ = containers.read_safetensors(Path(vae["file"]))
        names = ("bn.running_mean", "bn.running_var")
        self.statistics = [weights[name][1].astype(np.float64) for name in names] if names[0] in weights else None

    def png(self, pixels):
        """One file for equal pixels of equal shape."""
        text = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()[:24]
        return self.folder / f"{text}.png"

    def raw(self, pixels):
        height, width = pixels.shape[:2]
        file = self.png(pixels).with_name(f"{self.png(pixels).stem}_{width:04d}x{height:04d}_{self.model}.safetensors")
        tensors, metadata = containers.read_safetensors(file)
        assert metadata["values"] == "raw"
        (key,) = [key for key in tensors if key.startswith("latents_")]
        return tensors[key][1].astype(np.float64)

    def normalised(self, model, raw):
        if model in note.AFFINE:
            shift, scale = note.AFFINE[model]
            return (raw - shift) * scale
        if self.statistics is None:
            column = lambda values: np.array(values).reshape(-1, 1, 1)
            return (raw - column(note.QWEN_MEAN)) / column(note.QWEN_DEVIATION)
        channels, height, width = raw.shape
        patches = raw.reshape(channels, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
        patches = patches.reshape(channels * 4, height // 2, width // 2)
        mean, variance = [each.reshape(-1, 1, 1) for each in self.statistics]
        return (patches - mean) / np.sqrt(variance + note.BATCH_NORM_EPSILON)


class Pair:
    """What was found of one trainer, model and set of options."""

    def __init__(self, references):
        self.references = references
        self.largest = 0.0
        self.apart = np.inf
        self.keys = set()

    def compare(self, found, pixels, model, values, dtype):
        raw = self.references.raw(pixels)
        normalised = self.references.normalised(model, raw)
        wanted, other = (raw, normalised) if values == "raw" else (normalised, raw)
        found = found.astype(np.float64)
        assert found.shape == wanted.shape, (found.shape, wanted.shape)
        room = TOLERANCE + STEPS[dtype] * np.abs(wanted)
        difference = np.abs(found - wanted)
        assert (difference <= room).all(), f"values differ by {difference.max()}"
        self.largest = max(self.largest, float(difference.max()))
        if other.shape == wanted.shape:
            self.apart = min(self.apart, float((np.abs(other - wanted) / room).max()))

    def tensor(self, tensors, key, shape, dtype):
        kind, values = tensors.pop(key)
        assert kind == SHORT[dtype] and list(values.shape) == list(shape), (key, kind, values.shape, shape)
        return values


def check_npz(pair, root, item, run):
    _, sized, channels, stride, values = note.SD_SCRIPTS[run["model"]]
    arrays = containers.read_npz(root / item.path)
    dtype = run["options"].get("dtype") or "float32"
    width, height = item.bucket[0] // stride, item.bucket[1] // stride
    suffix = f"_{height}x{width}" if sized or run["options"].get("sized") else ""
    wanted = {"latents", "original_size", "crop_ltrb"}
    wanted |= {"latents_flipped"} if item.flipped is not None else set()
    wanted |= {"alpha_mask"} if item.mask is not None else set()
    assert set(arrays) == {key + suffix for key in wanted}, sorted(arrays)
    for key, pixels in (("latents", item.pixels), ("latents_flipped", item.flipped)):
        if pixels is None:
            continue
        array = arrays[key + suffix]
        assert array.dtype == np.dtype({"float32": "<f4", "float16": "<f2"}[dtype]), array.dtype
        assert array.shape == (channels, height, width), array.shape
        pair.compare(array, pixels, run["model"], values, dtype)
    size = arrays["original_size" + suffix]
    assert size.dtype == np.dtype("<i8") and size.tolist() == list(item.size), size
    crop = arrays["crop_ltrb" + suffix]
    assert crop.dtype == np.dtype("<f8") and crop.tolist() == geometry.crop_ltrb(item.bucket, item.size), crop
    if item.mask is not None:
        mask = arrays["alpha_mask" + suffix]
        assert mask.dtype == np.dtype("<f4") and np.array_equal(mask, item.mask.astype(np.float32) / np.float32(255))
    pair.keys |= {"latents" + ("_{h}x{w}" if suffix else "")}
    return f"({channels}, h, w) {dtype}, {values}"


def check_musubi(pair, root, item, run):
    _, full_name, frames, axis, values, dtype = note.MUSUBI[run["model"]]
    dtype = dtype or run["vae"]["dtype"]
    tensors, metadata = containers.read_safetensors(root / item.path)
    for key, text in {"architecture": full_name, "width": str(item.size[0]), "height": str(item.size[1]),
                      "format_version": "1.0.1"}.items():
        assert metadata[key] == text, (key, metadata[key])
    folded = run["model"].startswith("flux2")
    channels, stride = (128, 16) if folded else (16, 8)
    width, height = item.bucket[0] // stride, item.bucket[1] // stride
    shape = (channels, 1, height, width) if axis else (channels, height, width)
    found = pair.tensor(tensors, f"latents_{'1x' if frames else ''}{height}x{width}_{dtype}", shape, dtype)
    pair.compare(found.reshape(channels, height, width), item.pixels, run["model"], values, dtype)
    if item.control is not None:
        found = pair.tensor(tensors, f"latents_control_1x{height}x{width}_{dtype}", shape, dtype)
        pair.compare(found, item.control, run["model"], values, dtype)
        pair.keys |= {f"latents_control_1x{{h}}x{{w}}_{dtype}"}
    assert not tensors, list(tensors)
    pair.keys |= {f"latents_{'1x' if frames else ''}{{h}}x{{w}}_{dtype}"}
    return f"({channels}, {'1, ' if axis else ''}h, w) {dtype}, {values}"


def check_ai_toolkit(pair, root, item, run):
    dtype = run["options"].get("dtype") or "bfloat16"
    tensors, metadata = containers.read_safetensors(root / item.path)
    for key, value in item.fields.items():
        assert metadata[key] == (value if isinstance(value, str) else json.dumps(value)), (key, metadata[key])
    assert metadata["format"] == "pt" and json.loads(metadata["software"])["name"]
    assert list(tensors) == ["latent"], list(tensors)
    kind, values = tensors["latent"]
    assert kind == SHORT[dtype], kind
    pair.compare(values, item.pixels, run["model"], "normalised", dtype)
    pair.keys |= {"latent"}
    return f"({values.shape[0]}, h, w) {dtype}, normalised"


def check_own(pair, root, item, run):
    dtype = run["options"].get("dtype") or "float32"
    tensors, metadata = containers.read_safetensors(root / item.path)
    assert metadata["format"] == "latent-cache" and metadata["model"] == run["model"] and metadata["values"] == "raw"
    (key,) = [key for key in tensors if key.startswith("latents_") and not key.startswith("latents_flipped")]
    suffix = key.removeprefix("latents")
    kind, values = tensors.pop(key)
    assert kind == SHORT[dtype] and suffix == f"_{values.shape[1]}x{values.shape[2]}"
    pair.compare(values, item.pixels, run["model"], "raw", dtype)
    if item.flipped is not None:
        pair.compare(tensors.pop(f"latents_flipped{suffix}")[1], item.flipped, run["model"], "raw", dtype)
    if item.mask is not None:
        kind, mask = tensors.pop(f"alpha_mask{suffix}")
        assert kind == "U8" and np.array_equal(mask, item.mask)
    assert tensors.pop(f"original_size{suffix}")[1].tolist() == list(item.size)
    assert tensors.pop(f"crop_ltrb{suffix}")[1].tolist() == geometry.crop_ltrb(item.bucket, item.size)
    assert not tensors, list(tensors)
    geometry_text = json.loads(metadata[f"geometry{suffix}"])
    for name, pair_of in (("original", item.size), ("resized", item.resized), ("crop", item.crop), ("bucket", item.bucket)):
        assert geometry_text[name] == list(pair_of), (name, geometry_text[name], pair_of)
    pair.keys |= {"latents_{h}x{w}"}
    return f"({values.shape[0]}, h, w) {dtype}, raw"


CHECKS = {"sd-scripts": check_npz, "musubi": check_musubi, "ai-toolkit": check_ai_toolkit, "safetensors": check_own}
# Which files of a folder are a trainer's, whatever image they are of.
GLOBS = {
    "sd-scripts": lambda run: "*.npz",
    "musubi": lambda run: f"*_{note.MUSUBI[run['model']][0]}.safetensors",
    "ai-toolkit": lambda run: "**/_latent_cache/*.safetensors",
    "safetensors": lambda run: f"*_{run['model']}.safetensors",
}


def check_run(trainer, run, images, references):
    root = Path(run["folder"])
    wanted = expected_of(trainer, run, images)
    found = {str(path.relative_to(root)) for path in root.glob(GLOBS[trainer](run))}
    names = {item.path for item in wanted}
    faults = [f"missing: {name}" for name in sorted(names - found)] + [f"not wanted: {name}" for name in sorted(found - names)]
    pair = Pair(references)
    stored = set()
    for item in wanted:
        if item.path in found:
            try:
                stored.add(CHECKS[trainer](pair, root, item, run))
            except (AssertionError, KeyError, ValueError) as error:
                faults.append(f"{item.path}: {type(error).__name__} {error}")
    # That raw and normalised values are told apart at all.
    if pair.apart < 10:
        faults.append(f"raw and normalised values differ by {pair.apart} tolerances only")
    return {
        "trainer": trainer, "model": run["model"], "variant": run["variant"], "files": len(wanted),
        "example": wanted[0].path if wanted else "", "keys": sorted(pair.keys), "stored": sorted(stored),
        "largest": pair.largest, "faults": faults,
    }


def main(action, file):
    listed = json.loads(Path(file).read_text())
    images = list(load_images(listed["images"]))
    controls = {image.path: image for image in load_images(listed["controls"])}
    for run in listed["runs"]:
        run["control_images"] = controls
        references = References(listed["references"], run["vae"])
        references.folder.mkdir(parents=True, exist_ok=True)
        for trainer in run["formats"]:
            if action == "check":
                print(json.dumps(check_run(trainer, run, images, references)), flush=True)
                continue
            for item in expected_of(trainer, run, images):
                for pixels in (item.pixels, item.flipped, item.control):
                    if pixels is not None and not references.png(pixels).exists():
                        containers.write_png(references.png(pixels), pixels)


main(*sys.argv[1:])
