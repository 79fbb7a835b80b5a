"""Golden data for musubi-tuner and ai-toolkit: test/golden/data/trainers.json.gz.

Independent source: the trainers' own code, imported from two checkouts (trainer_code.py) and run. Names, buckets, sizes,
crops, keys, hashes and metadata are what they compute; nothing here is computed by this project.

    python3 test/golden/make_trainers.py MUSUBI_CHECKOUT AI_TOOLKIT_CHECKOUT

Needs numpy, torch, Pillow 11 with WebP, OpenCV and safetensors.
"""

import base64
import gzip
import io
import json
import logging
import os
import random
import struct
import sys
import tempfile
import types
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import trainer_code  # noqa: E402

musubi_path, ai_toolkit_path = sys.argv[1:]
trainer_code.prepare(musubi_path, ai_toolkit_path)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from musubi_tuner.dataset import bucket as musubi_bucket  # noqa: E402
from musubi_tuner.dataset import cache_io, datasources, image_video_dataset, media_utils  # noqa: E402
from toolkit import data_loader, dataloader_mixins, metadata  # noqa: E402
from toolkit.config_modules import DatasetConfig  # noqa: E402

logging.disable(logging.CRITICAL)
RANDOM = random.Random(7)


def sizes(count):
    """Ordinary photographs, thumbnails, exact ratios, and shapes that nobody should have."""
    found = [(1024, 1024), (512, 512), (16, 16), (15, 16), (1, 1), (31, 4000), (4000, 31), (64, 64), (1025, 1023)]
    while len(found) < count:
        kind = RANDOM.randrange(5)
        w = RANDOM.randint(16, 6000) if kind < 3 else RANDOM.randint(200, 2200)
        if kind == 0:
            a, b = RANDOM.choice([(1, 1), (3, 2), (2, 3), (4, 3), (3, 4), (16, 9), (9, 16), (21, 9)])
            found.append((w // a * a or a, (w // a or 1) * b))
        elif kind == 1:
            found.append((w, w + RANDOM.randint(-2, 2)))
        else:
            found.append((w, RANDOM.randint(16, 6000) if kind == 2 else RANDOM.randint(200, 2200)))
    return found


SIZES = sizes(2000)


# musubi-tuner


class Pixels:
    """As much of an array as the trainer's resize looks at."""

    def __init__(self, width, height):
        self.size, self.cut = (width, height), None

    def __getitem__(self, window):
        rows, columns = window
        self.cut = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        return self


class Picture(Image.Image):
    def __init__(self, width, height):
        super().__init__()
        self._size = (width, height)

    def resize(self, size, resample):
        assert resample == Image.LANCZOS
        used.append("lanczos")
        return Picture(*size)


used = []


def area(image, size, interpolation):
    assert interpolation == media_utils.cv2.INTER_AREA
    used.append("area")
    return Pixels(*size)


class MediaNumpy:
    ndarray = np.ndarray

    @staticmethod
    def array(image):
        return Pixels(*image.size)


def musubi_resize(size, bucket):
    """[resized width, height, crop left, top, 'l' or 'a'], or nothing where the image stays as it is."""
    used.clear()
    result = media_utils.resize_image_to_bucket(Picture(*size), bucket)
    if result.cut is None:
        return []
    assert result.cut[2:] == bucket
    return [*result.size, *result.cut[:2], used[0][0]]


def musubi_buckets():
    real_numpy, real_resize = media_utils.np, media_utils.cv2.resize
    media_utils.np = MediaNumpy
    media_utils.cv2.resize = area
    cases = []
    for resolution, enable, no_upscale in [
        ((1024, 1024), True, False), ((1024, 1024), True, True), ((960, 544), True, False), ((512, 512), True, True),
        ((1328, 1328), True, False), ((1024, 768), False, True),
    ]:
        selector = musubi_bucket.BucketSelector(resolution, enable, no_upscale, "qi")
        rows = []
        for size in SIZES:
            bucket = tuple(int(side) for side in selector.get_bucket_resolution(size))
            rows.append([*bucket, *musubi_resize(size, bucket)] if min(bucket) > 0 else None)
        cases.append({"resolution": resolution, "enableBucket": enable, "noUpscale": no_upscale, "rows": rows,
                      "list": selector.bucket_resolutions})
    media_utils.np, media_utils.cv2.resize = real_numpy, real_resize
    refused = []
    for side in range(14, 40):
        try:
            musubi_bucket.BucketSelector((side, side), True, False, "qi")
        except ZeroDivisionError:
            refused.append(side)
    return {"cases": cases, "refusedSquares": refused}


def read_header(file):
    data = Path(file).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length])


def musubi_files(folder):
    """What the trainer itself writes for an image of 800x600 pixels, bucket 64x96."""
    save = cache_io
    arch = image_video_dataset
    zeros = lambda *shape, dtype=torch.float32: torch.zeros(shape, dtype=dtype)
    flux2 = lambda full: lambda item: save.save_latent_cache_flux_2(
        item, zeros(128, 6, 4), [zeros(128, 2, 3), zeros(128, 4, 4)], full)
    writers = {
        "qwen-image": ("qi", lambda item: save.save_latent_cache_qwen_image(
            item, zeros(16, 1, 12, 8, dtype=torch.bfloat16), None)),
        "krea2": (arch.ARCHITECTURE_KREA2, lambda item: save.save_latent_cache_krea2(
            item, zeros(16, 1, 12, 8, dtype=torch.bfloat16))),
        "z-image": ("zi", lambda item: save.save_latent_cache_z_image(item, zeros(16, 12, 8))),
        "flux-kontext": ("fk", lambda item: save.save_latent_cache_flux_kontext(
            item, zeros(16, 12, 8), zeros(16, 4, 6))),
        "flux2": (arch.ARCHITECTURE_FLUX_2_DEV, flux2(arch.ARCHITECTURE_FLUX_2_DEV_FULL)),
        "flux2-klein-4b": (arch.ARCHITECTURE_FLUX_2_KLEIN_4B, flux2(arch.ARCHITECTURE_FLUX_2_KLEIN_4B_FULL)),
        "flux2-klein-9b": (arch.ARCHITECTURE_FLUX_2_KLEIN_9B, flux2(arch.ARCHITECTURE_FLUX_2_KLEIN_9B_FULL)),
    }
    result = {}
    for model, (architecture, write) in writers.items():
        dataset = image_video_dataset.BaseDataset(cache_directory=folder, architecture=architecture)
        item = image_video_dataset.ItemInfo("images/some.name_1.png", "", (800, 600))
        item.latent_cache_path = dataset.get_latent_cache_path(item)
        write(item)
        header = read_header(item.latent_cache_path)
        result[model] = {
            "architecture": architecture,
            "name": os.path.basename(item.latent_cache_path),
            "textName": os.path.basename(dataset.get_text_encoder_output_cache_path(item)),
            "metadata": header.pop("__metadata__"),
            "tensors": {key: [info["dtype"], info["shape"]] for key, info in header.items()},
        }
    return result


def musubi_cache_names(folder):
    """How training takes each name in a cache folder: 'taken', 'stops' or 'ignored'."""
    from safetensors.torch import save_file

    stems = ["a_0512x0768_qi", "a_b_c_1024x1024_qi", "my_qi", "x_qi", "a_512_qi", "a_0512x0768_zi", "a_0512x0768_qi_te",
             ".a_0512x0768_qi", "a_0512x0768x1_qi", "_0512x0768_qi", "a_64x64_qi", "ä 😀_0512x0512_qi"]
    outcome = {}
    for number, stem in enumerate(stems):
        place = f"{folder}/{number}"
        os.makedirs(place)
        save_file({"latents_1x1x1_float32": torch.zeros(1)}, f"{place}/{stem}.safetensors")
        dataset = object.__new__(image_video_dataset.ImageDataset)
        dataset.__dict__.update(resolution=(512, 512), enable_bucket=True, bucket_no_upscale=False, architecture="qi",
                                cache_directory=place, num_repeats=1, batch_size=1)
        real = image_video_dataset.os.path.exists
        image_video_dataset.os.path.exists = lambda path: True  # text caches
        try:
            dataset.prepare_for_training()
            outcome[stem] = "taken" if dataset.num_train_items else "ignored"
        except ValueError:
            outcome[stem] = "stops"
        finally:
            image_video_dataset.os.path.exists = real
    return outcome


def musubi_images(folder):
    names = ["a.png", "b.PNG", "c.Png", "d.jpg", "e.JPEG", "f.jpeg", "g.webp", "h.bmp", "i.avif", "j.AVIF", "k.gif",
             "l.tiff", ".m.png", "n.png", "o.p.png", "q.png", "ä.png", "😀.png", "\ufb00.png", "r.jxl", "s", ".png"]
    captions = [f"{name.rsplit('.', 1)[0]}.txt" for name in names if name not in ("n.png", ".png", "s")] + ["q.TXT", "t.txt"]
    captions.remove("q.txt")
    for name in names + captions:
        Path(folder, name).write_text("x")
    taken = media_utils.glob_images(folder, caption_extension=".txt")
    return {"names": sorted(set(names + captions)), "taken": [os.path.basename(path) for path in taken],
            "images": [os.path.basename(path) for path in media_utils.glob_images(folder)]}


def musubi_jsonl(folder):
    texts = [
        '{"image_path": "a.png", "caption": "x"}\n{"image_path": "b/c.png", "caption": ""}\n',
        '{"image_path": "a.png", "caption": "x"}',
        '{"image_path_0": "a.png", "caption": "x"}\r\n{"image_path": "b.png", "caption": "y"}\r\n',
        '{"image_path": "a.png", "caption": "x"}\n\n{"image_path": "b.png", "caption": "x"}\n',
        '{"image_path": "a.png"}\n',
        '{"image_path": "a.png", "caption": "x"}\nnothing\n',
        '\ufeff{"image_path": "a.png", "caption": "x"}\n',
        "",
    ]
    cases = []
    for text in texts:
        file = Path(folder, "images.jsonl")
        file.write_bytes(text.encode())
        try:
            source = datasources.ImageJsonlDatasource(str(file))
            paths = [source.get_caption(index)[0] for index in range(len(source))]
        except (ValueError, KeyError):
            paths = None
        cases.append({"text": text, "paths": paths})
    return cases


def png(colour_type, depth, pixel, extra=b""):
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join([b"\0" + pixel * 4] * 3)
    head = struct.pack(">IIBBBBB", 4, 3, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def bmp_with_alpha():
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, 4, 3, 1, 32, 3, 48, 0, 0, 0, 0) + masks + bytes(52)
    return b"BM" + struct.pack("<IHHI", 14 + 108 + 48, 0, 0, 14 + 108) + info + b"\x10\x20\x30\x80" * 12


def musubi_modes(folder):
    """Mode in which the trainer hands each kind of file to its resize."""
    rgba = Image.new("RGBA", (4, 3), (10, 200, 30, 128))
    rgb = rgba.convert("RGB")
    palette = rgb.quantize(4)
    files = {
        "rgba.png": saved(rgba, format="PNG"),
        "rgba16.png": png(6, 16, struct.pack(">HHHH", 10, 20000, 40000, 30000)),
        "grey-alpha.png": saved(rgba.convert("LA"), format="PNG"),
        "grey-alpha16.png": png(4, 16, struct.pack(">HH", 20000, 40000)),
        "grey16.png": png(0, 16, struct.pack(">H", 20000)),
        "rgb-colour-key.png": saved(rgb, format="PNG", transparency=(1, 2, 3)),
        "grey-colour-key.png": saved(rgb.convert("L"), format="PNG", transparency=7),
        "palette-alpha.png": saved(palette, format="PNG", transparency=bytes([0, 128])),
        "rgb.png": saved(rgb, format="PNG"),
        "rgba.webp": saved(rgba, format="WEBP"),
        "rgba-lossless.webp": saved(rgba, format="WEBP", lossless=True),
        "rgb.webp": saved(rgb, format="WEBP"),
        "animated.webp": saved(rgba, format="WEBP", save_all=True, append_images=[Image.new("RGBA", (4, 3), (1, 2, 3, 4))]),
        "cmyk.jpg": saved(rgb.convert("CMYK"), format="JPEG"),
        "grey.jpg": saved(rgb.convert("L"), format="JPEG"),
        "rgb.bmp": saved(rgb, format="BMP"),
        "alpha.bmp": bmp_with_alpha(),
        "gif.png": saved(palette, format="GIF", transparency=0),
        "tiff.png": saved(rgba, format="TIFF"),
        "grey-alpha-tiff.png": saved(rgba.convert("LA"), format="TIFF"),
    }
    for name, data in files.items():
        Path(folder, name).write_bytes(data)
        Path(folder, name).with_suffix(".txt").write_text("x")
    source = datasources.ImageDirectoryDatasource(folder, ".txt")
    modes = {}
    for index, path in enumerate(source.image_paths):
        name = os.path.basename(path)
        modes[name] = {"mode": source.get_image_data(index)[1][0].mode, "file": base64.b64encode(files[name]).decode()}
    return modes


# ai-toolkit


class Buckets(dataloader_mixins.BucketsMixin):
    is_audio_model = is_video = False
    epoch_num = 0
    dataset_path = ""
    batch_size = 1


def ai_toolkit_buckets():
    cases = []
    for resolution, divisor, square in [
        (512, 16, False), (768, 32, False), (1024, 16, False), (1024, 32, False), (1328, 32, False), (100, 32, False),
        (512, 32, True),
    ]:
        dataset = Buckets()
        dataset.dataset_config = DatasetConfig(resolution=resolution, square_crop=square)
        dataset.dataset_config.bucket_tolerance = divisor
        dataset.file_list = [types.SimpleNamespace(width=w, height=h, dataset_config=dataset.dataset_config)
                             for w, h in SIZES]
        dataset.setup_buckets(quiet=True)
        rows = [[item.crop_width, item.crop_height, item.scale_to_width, item.scale_to_height, item.crop_x, item.crop_y]
                for item in dataset.file_list]
        cases.append({"resolution": resolution, "divisor": divisor, "squareCrop": square, "rows": rows})
    return cases


class Listed(Exception):
    pass


def ai_toolkit_models():
    result = {}
    for model_id, model in trainer_code.ai_toolkit_models().items():
        made = []

        def take(**options):
            made.append(options["latent_space_version"])
            raise Listed

        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.png").write_bytes(b"")
            data_loader.FileItemDTO = take
            try:
                data_loader.AiToolkitDataset(DatasetConfig(folder_path=folder), sd=model)
            except AssertionError:
                pass
        result[model_id] = {"arch": model.arch, "version": made[0], "divisor": model.get_bucket_divisibility()}
    return result


def ai_toolkit_images(folder):
    names = ["a.png", "b.PNG", "c.Png", "d.jpg", "e.JPEG", "f.webp", "g.bmp", "h.avif", "i.gif", ".j.png", "k.png.txt",
             "sub/l.jpg", "sub/deeper/m.WebP", ".hidden/n.png", "_controls/o.png", "_controls/in/p.png", "sub/_controls/q.png",
             "_latent_cache/r.png", "😀.jpeg", "s.JpEg", "png"]
    for name in names:
        Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, name).write_bytes(b"")
    with tempfile.TemporaryDirectory() as elsewhere:
        Path(elsewhere, "t.png").write_bytes(b"")
        os.symlink(elsewhere, f"{folder}/linked")
        os.symlink(f"{elsewhere}/t.png", f"{folder}/link.png")
        listed = []

        def take(**options):
            listed.append(os.path.relpath(options["path"], folder))
            raise Listed

        data_loader.FileItemDTO = take
        try:
            data_loader.AiToolkitDataset(DatasetConfig(folder_path=folder), sd=trainer_code.ai_toolkit_models()["sdxl"])
        except AssertionError:
            pass
    return {"names": names, "folderLink": "linked", "fileLink": "link.png", "taken": sorted(listed)}


NAMES = [
    "plain.png", "a.b.c.jpg", "no extension", "ü.png", "u\u0308.png", "日本語.webp", "😀.jpg", "👩‍👩‍👧.png", 'say "hi".png',
    "back\\slash.png", "tab\there.png", "line\nfeed.png", "carriage\r.png", "bell\x07.png", "\x01\x1f.png", "del\x7f.png",
    "form\ffeed\b.png", "\u2028\u2029.png", "\ufffd\uffff.png", "\U0010ffff.png", "/".replace("/", "∕") + ".png",
    "nbsp\u00a0.png", "\u0080\u009f.png", "it's <&>.png", "100%.png", "…trailing. .png", "עברית.png", "{'a': 1}.png", " .png",
]


def ai_toolkit_names():
    item_class = dataloader_mixins.LatentCachingFileItemDTOMixin
    cases = []
    names = NAMES + ["".join(chr(RANDOM.choice([RANDOM.randint(1, 127), RANDOM.randint(128, 0xD7FF),
                                                RANDOM.randint(0xE000, 0x10FFFF)])) for _ in range(6)) .replace("/", "") + ".png"
                     for _ in range(300)]
    for name in names:
        item = item_class()
        sizes_ = [RANDOM.randint(0, 9000) for _ in range(6)]
        keys = ["scale_to_width", "scale_to_height", "crop_x", "crop_y", "crop_width", "crop_height"]
        item.__dict__.update(zip(keys, sizes_))
        item.path = f"/images/{name}"
        item.flip_x, item.flip_y = RANDOM.random() < 0.3, RANDOM.random() < 0.3
        item.latent_space_version = RANDOM.choice(["sd1", "sdxl", "flux2_klein_9b", "mine \"é\""])
        item.is_video = item.is_audio_model = False
        item.dataset_config = DatasetConfig()
        cases.append({
            "name": name, "sizes": sizes_, "flipX": item.flip_x, "flipY": item.flip_y,
            "version": item.latent_space_version, "file": os.path.basename(item.get_latent_path()),
            "folder": os.path.relpath(os.path.dirname(item.get_latent_path()), "/images"),
            **({"metadata": metadata.get_meta_for_safetensors(item.get_latent_info_dict())} if len(cases) < 20 else {}),
        })
    return cases


# torch


def bfloat16():
    words = [0, 0x80000000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 1, 0x8000,
             0x18000, 0x7F7F8000, 0x7F7F7FFF] + [RANDOM.getrandbits(32) for _ in range(400)]
    words = [word for word in words if (word & 0x7FFFFFFF) <= 0x7F800000]
    values = torch.from_numpy(np.array(words, np.uint32).view(np.float32).copy())
    bits = values.to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    return {"float32": words, "bfloat16": bits.tolist()}


def in_folder(function):
    with tempfile.TemporaryDirectory() as folder:
        return function(folder)


golden = {
    "sizes": SIZES,
    "musubi": {
        "buckets": musubi_buckets(),
        "files": in_folder(musubi_files),
        "cacheNames": in_folder(musubi_cache_names),
        "images": in_folder(musubi_images),
        "jsonl": in_folder(musubi_jsonl),
        "modes": in_folder(musubi_modes),
    },
    "aiToolkit": {
        "models": ai_toolkit_models(),
        "buckets": ai_toolkit_buckets(),
        "images": in_folder(ai_toolkit_images),
        "names": ai_toolkit_names(),
    },
    "bfloat16": bfloat16(),
}
text = json.dumps(golden, separators=(",", ":"), ensure_ascii=True)
target = Path(__file__).parent / "data" / "trainers.json.gz"
target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
print(target, target.stat().st_size)
