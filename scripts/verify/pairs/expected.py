"""What each trainer looks for: every cache file of a run, with the pixels that its latents are of."""

import base64
import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

import geometry
import note
import resample


@dataclass
class Expected:
    """One cache file."""

    path: str
    model: str
    size: tuple
    bucket: tuple
    resized: tuple
    crop: tuple
    pixels: np.ndarray
    flipped: np.ndarray = None
    control: np.ndarray = None
    mask: np.ndarray = None
    fields: dict = field(default_factory=dict)


def expected_of(trainer, run, images):
    maker = {"sd-scripts": sd_scripts, "musubi": musubi, "ai-toolkit": ai_toolkit, "safetensors": own}[trainer]
    return list(maker(run, images))


def extension(path):
    return PurePosixPath(path).suffix


def stem(path):
    return PurePosixPath(path).stem


def in_case(path, endings):
    """All lower or all UPPER case."""
    return extension(path) in endings or extension(path) in [ending.upper() for ending in endings]


@functools.cache
def resized_to(image, size, method):
    """(height, width, 3 or 4) of a whole image."""
    if size == image.size:
        return image.pixels
    if method == "area":
        return resample.area(image.pixels, size)
    if method == "premultiplied":
        return resample.pillow_rgba(image.pixels, size, "lanczos")
    return resample.pillow(image.pixels[..., :3], size, "lanczos")


@functools.cache
def upright_of(image, flip):
    pixels = resample.upright(image.pixels[..., :3], image.orientation)
    return pixels[:, ::-1] if flip else pixels


@functools.cache
def upright_to(image, size, flip):
    return resample.pillow(upright_of(image, flip), size, "bicubic")


def cut(pixels, crop, bucket):
    return pixels[crop[1] : crop[1] + bucket[1], crop[0] : crop[0] + bucket[0]]


def in_root(images, endings):
    return [image for image in images if "/" not in image.path and not image.path.startswith(".") and in_case(image.path, endings)]


def sd_scripts_pixels(run, image, listed):
    """1.4: (bucket, resized, crop, pixels with alpha)."""
    options = run["options"]
    size = image.size
    bucket, resized, crop = geometry.sd_scripts(listed, options)
    grows = size[0] < resized[0] or size[1] < resized[1]
    # With a mask, Pillow gets RGBA.
    method = ("premultiplied" if options["alpha_mask"] else "plain") if grows else "area"
    return bucket, resized, crop, cut(resized_to(image, resized, method), crop, bucket)


def sd_scripts_like(run, image, listed, path):
    options = run["options"]
    bucket, resized, crop, pixels = sd_scripts_pixels(run, image, listed)
    return Expected(
        path, run["model"], image.size, bucket, resized, crop, pixels[..., :3],
        flipped=pixels[:, ::-1, :3] if options["flip_aug"] else None,
        mask=pixels[..., 3] if options["alpha_mask"] else None,
    )


def sd_scripts(run, images):
    suffix = run["options"].get("suffix") or note.SD_SCRIPTS[run["model"]][0]
    for image in in_root(images, [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif"]):
        width, height = image.size
        # 1.1, trap 5.
        listed = (width - 1, height - 1) if image.extended_webp else (width, height)
        name = f"{stem(image.path)}_{listed[0]:04d}x{listed[1]:04d}_{suffix}.npz"
        if run["options"].get("legacy"):
            name = f"{stem(image.path)}.npz"
        yield sd_scripts_like(run, image, listed, name)


def own(run, images):
    for image in in_root(images, [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif"]):
        width, height = image.size
        name = f"{stem(image.path)}_{width:04d}x{height:04d}_{run['model']}.safetensors"
        yield sd_scripts_like(run, image, image.size, name)


def musubi(run, images):
    architecture = note.MUSUBI[run["model"]][0]
    for image in in_root(images, [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif"]):
        if not image.caption:
            continue
        width, height = image.size
        bucket, resized, crop = geometry.musubi(image.size, run["options"])
        grows = max(resized[0] / width, resized[1] / height) > 1
        method = ("premultiplied" if image.rgba else "plain") if grows else "area"
        pixels = resized_to(image, resized, method)
        name = f"{stem(image.path)}_{width:04d}x{height:04d}_{architecture}.safetensors"
        control = run["control_images"].get(image.path) if run["options"].get("controls") else None
        yield Expected(name, run["model"], image.size, bucket, resized, crop, cut(pixels, crop, bucket)[..., :3],
                       # Of the image's own size, so that it goes the same way into the same bucket.
                       control=control and cut(resized_to(control, resized, method), crop, bucket)[..., :3])


def ai_toolkit(run, images):
    version, divisor = note.AI_TOOLKIT[run["model"]]
    for image in images:
        path = PurePosixPath(image.path)
        hidden = any(part.startswith(".") for part in path.parts)
        if hidden or path.parent.name == "_controls" or path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp"):
            continue
        for flip in [False, True] if run["options"]["flip_aug"] else [False]:
            height, width = upright_of(image, flip).shape[:2]
            size = (width, height)
            bucket, resized, crop = geometry.ai_toolkit(size, run["options"]["resolution"][0], divisor)
            pixels = cut(upright_to(image, resized, flip), crop, bucket)
            fields = {
                "filename": path.name,
                "scale_to_width": resized[0],
                "scale_to_height": resized[1],
                "crop_x": crop[0],
                "crop_y": crop[1],
                "crop_width": bucket[0],
                "crop_height": bucket[1],
                "latent_space_version": version,
                "latent_version": 1,
            }
            if flip:
                fields["flip_x"] = True
            digest = hashlib.md5(json.dumps(fields, sort_keys=True).encode()).digest()
            text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            name = str(path.parent / "_latent_cache" / f"{path.stem}_{text}.safetensors")
            yield Expected(name, run["model"], size, bucket, resized, crop, pixels, fields=fields)
