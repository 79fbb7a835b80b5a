"""Golden data for the control images of musubi-tuner: test/golden/data/controls.json.

Independent source: the trainer's own data sets, imported from a checkout (trainer_code.py) and run: which files of a folder
of control images belong to an image, which size each gets, and what pixels come to the encoder.

    python3 test/golden/make_controls.py MUSUBI_CHECKOUT

Needs numpy, torch, Pillow and OpenCV.
"""

import base64
import hashlib
import io
import json
import logging
import os
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import trainer_code  # noqa: E402

trainer_code.REAL.discard("safetensors")  # nothing of it is used
trainer_code.prepare(sys.argv[1], sys.argv[1])

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from musubi_tuner.dataset import datasources, image_video_dataset  # noqa: E402

logging.disable(logging.CRITICAL)
RANDOM = random.Random(11)


def fill(folder, names):
    os.makedirs(folder)
    for name in names:
        Path(folder, name).write_text("x")


def match(images, controls, count):
    """{image: control images} of the trainer, or nothing where it stops."""
    with tempfile.TemporaryDirectory() as folder:
        fill(f"{folder}/images", images + [f"{os.path.splitext(image)[0]}.txt" for image in images])
        fill(f"{folder}/controls", controls)
        try:
            source = datasources.ImageDirectoryDatasource(f"{folder}/images", ".txt", f"{folder}/controls", count)
        except ValueError:
            return None
        name = os.path.basename
        return {name(image): [name(path) for path in paths] for image, paths in source.control_paths.items()}


def has_ties(images, controls):
    """Two files of one number for one image: the trainer's order is one of chance."""
    for image, paths in (match(images, controls, None) or {}).items():
        stems = [os.path.splitext(path)[0] for path in paths]
        numbers = [-1 if stem == os.path.splitext(image)[0] else int(stem.rsplit("_", 1)[-1]) for stem in stems]
        if len(set(numbers)) < len(numbers):
            return True
    return False


def matches():
    given = [
        (["a.png"], ["a.png"]),
        (["a.png"], ["a.jpg"]),
        (["a.png"], ["a.PNG", "b.png"]),
        (["a.png"], ["A.png"]),
        (["a.png"], ["a.Png"]),
        (["a.png"], [".a.png", "a.gif"]),
        (["a.png"], ["a_0.png", "a_1.png", "a_10.png", "a_2.png"]),
        (["a.png"], ["a_0002.png", "a_0001.png", "a.webp"]),
        (["a.png"], ["a_.png"]),
        (["a.png"], ["a_x.png"]),
        (["a.png"], ["a_x_1.png"]),
        (["a.png"], ["a.b_3.png", "a_1.png"]),
        (["a.png"], ["a.b.png"]),
        (["a.png"], ["ab.png"]),
        (["a.png", "a_1.png"], ["a.png", "a_1.png"]),
        (["a.png", "a_1.png"], ["a_0.png", "a_1_0.png", "a_1_1.png"]),
        (["a.png", "a_1.png"], ["a_1.png"]),
        (["a.jpeg", "a_1.png"], ["a_1.png", "a.png"]),
        (["x.webp", "x_.png"], ["x_.png", "x.png"]),
        (["x.webp", "x_.png"], ["x_1.png", "x__1.png"]),
        (["a.png", "b.png"], ["a.png"]),
        (["cat.png", "cat_dog.jpg"], ["cat.png", "cat_dog.png"]),
        (["cat.png"], ["cat.png", "cat_dog.png"]),
        (["a.b.png", "a.png"], ["a.b.png", "a_1.png"]),
        (["\u00e4.png", "\U0001f600.png"], ["\u00e4_1.png", "\U0001f600.png"]),
        (["ab\U0001f600.png", "ab_.jpeg"], ["ab_.png", "ab\U0001f600.png"]),
        (["1.png", "1_1.png"], ["1_1_1.png", "1.png"]),
        (["[a].png"], ["[a]_1.png"]),
    ]
    while len(given) < 130:
        part = lambda: RANDOM.choice(["a", "b", "a_1", "a_2", "ab", "a_1_2", "a.b", "b_1"])
        ending = lambda: RANDOM.choice([".png", ".jpg", ".webp", ".jpeg"])
        images = sorted({part() + ending() for _ in range(RANDOM.randint(1, 3))})
        stems = [os.path.splitext(image)[0] for image in images]
        if len(set(stems)) < len(stems):
            continue
        suffix = lambda: RANDOM.choice(["", "", "_0", "_1", "_2", "_07", "_3", "_1_2"])
        controls = sorted({RANDOM.choice(stems) + suffix() + ending() for _ in range(RANDOM.randint(1, 6))})
        if not has_ties(images, controls):
            given.append((images, controls))
    cases = []
    for images, controls in given:
        for count in (1, None):
            cases.append({"images": images, "controls": controls, "count": count, "taken": match(images, controls, count)})
    return cases


class Sized:
    """As much of an image as counts until it is resized."""

    def __init__(self, size):
        self.size = size


class Source:
    """One image with one control image."""

    def __init__(self, image, control):
        self.sizes = (image, control)

    def __iter__(self):
        image, control = self.sizes
        return iter([lambda: ("a.png", [Sized(image)], "", [Sized(control)])])


def dataset(folder, architecture, resolution, no_resize, control_resolution, controls=None):
    return image_video_dataset.ImageDataset(
        resolution, ".txt", 1, 1, True, False, image_directory=folder, control_directory=controls, cache_directory=folder,
        no_resize_control=no_resize, control_resolution=control_resolution, architecture=architecture)


SETTINGS = [
    ((960, 544), False, None),
    ((960, 544), True, None),
    ((960, 544), False, (1024, 1024)),
    ((960, 544), True, (1024, 1024)),
    ((512, 512), True, (640, 384)),
    ((512, 512), False, (64, 64)),
    ((512, 512), False, (48, 32)),
]


def sizes():
    found = [(1024, 1024), (512, 512), (16, 16), (15, 16), (1, 1), (31, 4000), (4000, 31), (1025, 1023), (640, 384), (1024, 1040)]
    while len(found) < 120:
        found.append((RANDOM.randint(8, 3000), RANDOM.randint(8, 3000)))
    return found


def buckets(folder):
    """[bucket width, height, control width, height], or nothing where the trainer stops."""
    real = image_video_dataset.resize_image_to_bucket
    image_video_dataset.resize_image_to_bucket = lambda image, bucket: np.broadcast_to(np.uint8(0), (bucket[1], bucket[0], 3))
    cases = []
    for resolution, no_resize, control_resolution in SETTINGS:
        data = dataset(folder, "f2d", resolution, no_resize, control_resolution)
        rows = []
        for control in sizes():
            image = (RANDOM.randint(200, 2000), RANDOM.randint(200, 2000))
            data.datasource = Source(image, control)
            try:
                ((_, (item,)),) = list(data.retrieve_latent_cache_batches(1))
                shapes = [item.content.shape, item.control_content[0].shape]
                rows.append([image, control, [int(side) for shape in shapes for side in (shape[1], shape[0])]])
            except (ZeroDivisionError, ValueError):
                rows.append([image, control, None])
        cases.append({"resolution": resolution, "noResize": no_resize, "controlResolution": control_resolution, "rows": rows})
    image_video_dataset.resize_image_to_bucket = real
    return cases


def picture(width, height, mode):
    y, x, channel = np.indices((height, width, len(mode)))
    values = ((7 * x + 13 * y + 50 * channel + x * y // 9) % 256).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(values.squeeze(), mode).save(out, "PNG")
    return out.getvalue()


def pixels():
    """What the encoder gets of an image and of its control images: sizes and SHA-256 of the RGB bytes."""
    cases, pictures = [], {}
    for architecture, no_resize, control_resolution, names in [
        ("fk", False, None, {"a.png": (40, 30, "RGBA")}),
        ("fk", False, None, {"a.png": (150, 130, "RGB"), "a_1.png": (90, 50, "RGB")}),
        ("fk", True, None, {"a_1.png": (90, 50, "RGBA")}),
        ("f2d", False, None, {"a_1.png": (33, 50, "L"), "a_0.png": (100, 70, "RGBA")}),
        ("f2d", True, None, {"a_1.png": (90, 50, "RGB"), "a_2.png": (48, 32, "RGB"), "a_10.png": (90, 50, "RGB")}),
        ("f2d", False, (80, 80), {"a.png": (90, 50, "RGB"), "a_2.png": (30, 31, "RGBA")}),
        ("f2d", True, (64, 64), {"a.png": (90, 50, "RGB"), "a_2.png": (48, 32, "RGBA")}),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            files = {"images/a.png": (100, 80, "RGB"), **{f"controls/{name}": shape for name, shape in names.items()}}
            os.makedirs(f"{folder}/images")
            os.makedirs(f"{folder}/controls")
            for name, shape in files.items():
                Path(folder, name).write_bytes(picture(*shape))
                pictures[str(shape)] = base64.b64encode(picture(*shape)).decode()
            Path(folder, "images/a.txt").write_text("x")
            data = dataset(f"{folder}/images", architecture, (64, 64), no_resize, control_resolution, f"{folder}/controls")
            ((_, (item,)),) = list(data.retrieve_latent_cache_batches(1))
            seen = [item.content, *item.control_content]
            cases.append({
                "architecture": architecture, "noResize": no_resize, "controlResolution": control_resolution,
                "files": {name: str(shape) for name, shape in files.items()},
                "encoded": [{"width": each.shape[1], "height": each.shape[0],
                             "sha256": hashlib.sha256(np.ascontiguousarray(each[..., :3]).tobytes()).hexdigest()} for each in seen],
            })
    return {"cases": cases, "pictures": pictures}


with tempfile.TemporaryDirectory() as empty:
    golden = {"matches": matches(), "buckets": buckets(empty), "pixels": pixels()}
target = Path(__file__).parent / "data" / "controls.json"
target.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(target, target.stat().st_size)
