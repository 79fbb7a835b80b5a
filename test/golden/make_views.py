"""What trainers do to pixels around the resize, and pixels over a background: test/golden/data/views.json.

Independent source: the trainers' own functions, taken out of their checkouts, and Pillow. Images come from the formulas
of make_resize.py, which the test repeats; results are stored as SHA-256.

Run: /usr/bin/python3 test/golden/make_views.py SD_SCRIPTS MUSUBI_TUNER      (folders of the two repositories)
"""
import ast
import hashlib
import json
import logging
import sys
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

from make_resize import image

OUT = Path(__file__).parent / "data" / "views.json"
METHODS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # orientation -> number of Image.Transpose


def functions(file, *names):
    """Some functions of a module whose imports this Python does not have."""
    wanted = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef) and node.name in names]
    scope = {"np": np, "cv2": cv2, "Image": Image, "Optional": Optional, "Union": Union, "logger": logging.getLogger()}
    exec(compile(ast.Module(wanted, []), str(file), "exec"), scope)
    return [scope[name] for name in names]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def case(kind, colors, alphas, seed, size, **more):
    return {"kind": kind, "colors": colors, "alphas": alphas, "seed": seed, "size": size, **more}


def sd_scripts(folder):
    """Its own resize, with alpha; the array is BGR(A) or RGB(A), which changes nothing."""
    names = ("resize_image", "pil_resize", "get_cv2_interpolation", "get_pil_interpolation")
    resize, *_ = functions(folder / "library" / "utils.py", *names)
    shapes = [((61, 47), (97, 75)), ((50, 40), (50, 63)), ((90, 61), (47, 33)), ((33, 70), (64, 40))]
    for seed, (size, resized) in enumerate(shapes):
        for alphas in ("mask", "partial", "opaque", "ramp"):
            source = image(*size, "noise", alphas, seed)
            result = resize(source, *size, *resized)
            yield case("sd-scripts", "noise", alphas, seed, size, resized=resized, rgb=digest(result[..., :3]),
                       alpha=digest(result[..., 3]))


def musubi(folder):
    """Its own resize of an RGBA image, whose alpha it drops afterwards."""
    (resize,) = functions(folder / "src" / "musubi_tuner" / "dataset" / "media_utils.py", "resize_image_to_bucket")
    for seed, (size, bucket) in enumerate([((61, 47), (96, 64)), ((40, 50), (64, 96)), ((120, 90), (64, 48))]):
        for alphas in ("mask", "partial"):
            source = Image.fromarray(image(*size, "grain", alphas, seed))
            scale = max(bucket[0] / size[0], bucket[1] / size[1])
            resized = [int(side * scale + 0.5) for side in size]
            yield case("musubi", "grain", alphas, seed, size, resized=resized, bucket=bucket,
                       rgb=digest(resize(source, bucket)[..., :3]))


def ai_toolkit():
    """Upright, mirrored, bicubic, cropped, in this order."""
    shapes = [((61, 47), (40, 31), (3, 0, 32, 31)), ((47, 61), (99, 128), (1, 7, 96, 112)), ((33, 17), (33, 17), (4, 2, 16, 8))]
    for seed, (upright, resized, window) in enumerate(shapes):
        for orientation in (1, 2, 5, 6, 8):
            stored = upright[::-1] if orientation >= 5 else upright
            for mirror in (False, True):
                pixels = Image.fromarray(image(*stored, "grain", None, seed))
                if orientation > 1:
                    exif = Image.Exif()
                    exif[0x0112] = orientation
                    pixels.info["exif"] = exif.tobytes()
                    pixels = ImageOps.exif_transpose(pixels)
                assert pixels.size == upright
                if mirror:
                    pixels = pixels.transpose(Image.FLIP_LEFT_RIGHT)
                left, top, width, height = window
                pixels = pixels.resize(resized, Image.BICUBIC).crop((left, top, left + width, top + height))
                yield case("ai-toolkit", "grain", None, seed, stored, orientation=orientation, mirror=mirror,
                           resized=resized, window=window, rgb=digest(np.asarray(pixels)))


def backgrounds():
    for seed, colour in enumerate([(255, 255, 255), (0, 0, 0), (18, 127, 240), (128, 1, 254)]):
        for alphas in ("ramp", "partial", "mask"):
            size = (256, 256)
            pixels = Image.fromarray(image(*size, "noise", alphas, seed))
            canvas = Image.new("RGBA", size, (*colour, 255))
            flat = Image.alpha_composite(canvas, pixels).convert("RGB")
            yield case("background", "noise", alphas, seed, size, colour=colour, rgb=digest(np.asarray(flat)))


def main():
    sd_scripts_folder, musubi_folder = map(Path, sys.argv[1:])
    cases = [*sd_scripts(sd_scripts_folder), *musubi(musubi_folder), *ai_toolkit(), *backgrounds()]
    lines = ",\n".join(json.dumps(entry) for entry in cases)
    OUT.write_text(f'{{"made_with": {json.dumps({"opencv": cv2.__version__, "pillow": PIL.__version__})}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
