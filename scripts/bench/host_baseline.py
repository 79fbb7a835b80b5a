"""The work of a caching script without its encoder, with Pillow, OpenCV and numpy: one image after the other.

Usage: host_baseline.py PLAN.json   (a list of path, resized, crop, bucket, output; made by host.mjs)
Prints one JSON object: wall and CPU seconds, versions.
"""
import json
import sys
import time

import cv2
import numpy
from PIL import Image
import PIL


def prepare(entry):
    with Image.open(entry["path"]) as image:
        pixels = numpy.array(image.convert("RGB"), numpy.uint8)
    height, width = pixels.shape[:2]
    resized_width, resized_height = entry["resized"]
    if (width, height) != (resized_width, resized_height):
        if width >= resized_width and height >= resized_height:
            pixels = cv2.resize(pixels, (resized_width, resized_height), interpolation=cv2.INTER_AREA)
        else:
            enlarged = Image.fromarray(pixels).resize((resized_width, resized_height), Image.LANCZOS)
            pixels = numpy.array(enlarged)
    left, top = entry["crop"]
    bucket_width, bucket_height = entry["bucket"]
    pixels = pixels[top : top + bucket_height, left : left + bucket_width]
    planes = numpy.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(numpy.float32)
    planes /= 255
    planes -= 0.5
    planes /= 0.5
    return planes


def main():
    plan = json.load(open(sys.argv[1]))
    threads = int(sys.argv[2])
    cv2.setNumThreads(threads)
    wall, cpu = time.perf_counter(), time.process_time()
    for entry in plan:
        planes = prepare(entry)
        latents = numpy.zeros((4, planes.shape[1] // 8, planes.shape[2] // 8), numpy.float32)
        numpy.savez(
            entry["output"],
            latents=latents,
            original_size=numpy.array(entry["original"]),
            crop_ltrb=numpy.array(entry["cropLtrb"]),
        )
    result = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    result["versions"] = f"Pillow {PIL.__version__}, OpenCV {cv2.__version__}, numpy {numpy.__version__}"
    print(json.dumps(result))


main()
